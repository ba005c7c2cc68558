"""Whole sites, built as users build them: tags, addresses, manifest."""

import json
import os
import shutil
import time
from pathlib import Path

import jsonschema
import pytest
from mkdocs.exceptions import Abort

from mkdocs_stats_plugin import manifest
from tests.plugin.sites import REPOSITORY, TRACKER, Built, Site, forget_plugins
from tracker_server.manifest import parse_manifest
from tracker_server.paths import normalise_path

SCHEMA = json.loads((REPOSITORY / "docs/manifest.schema.json").read_bytes())
THEMES = ["mkdocs", "readthedocs", "material"]
STATIC = {"404", "/search.html"}
ADDRESSES = {
    "folder": "https://x.example/docs/",
    "root": "https://x.example/",
    "no-slash": "https://x.example/1.0",
    "none": None,
}


def check_site(built: Built, site_url: str | None) -> None:
    """Check that every page is tagged, and that tags, files and manifest agree."""
    root = (site_url or "https://unknown.example").rstrip("/") + "/"
    jsonschema.validate(built.manifest(), SCHEMA)
    contents = set()
    for name in built.pages():
        tags = built.tags(name)
        assert len(tags.metas) == 1, name
        assert [tracker["data-tracker"] for tracker in tags.trackers] == [TRACKER]
        contents.add(tags.metas[0])
        address = root + ("no/such/page/" if name == "404.html" else name)
        for target in tags.addresses:
            assert built.target(address, target, root).is_file(), f"{name} → {target}"
        if name != "404.html":
            assert tags.metas == ["/" + name.removesuffix("index.html")]
    assert contents - STATIC == set(built.entries())
    assert "404" in contents


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("directory_urls", [True, False], ids=["folders", "files"])
@pytest.mark.parametrize("theme", THEMES)
def test_every_page_is_tagged(
    site: Site, theme: str, address: str, *, directory_urls: bool
) -> None:
    """In every theme and address form each page says who it is and reaches the script."""
    site_url = ADDRESSES[address]
    site.settings = {"theme": theme, "use_directory_urls": directory_urls, "site_url": site_url}
    site.options |= {"stats_page": True, "heartbeat_seconds": 15}

    built = site.build()

    check_site(built, site_url)
    site_url_in_manifest = built.manifest()["site_url"]
    assert site_url_in_manifest == (site_url and site_url.rstrip("/") + "/")
    assert built.tags("index.html").trackers[0]["data-heartbeat"] == "15"


def test_a_blog_is_tagged(site: Site) -> None:
    """Posts and the listings that Material makes are pages like others."""
    site.settings = {"theme": "material", "site_url": "https://x.example/docs/"}
    site.plugins = ["blog"]
    site.write("blog/index.md", "# Blog\n")
    site.write("blog/posts/one.md", "---\ndate: 2026-03-01\n---\n\n# One\n\nText.\n")

    check_site(site.build(), "https://x.example/docs/")


def test_equal_sites_give_equal_bytes(site: Site, tmp_path: Path) -> None:
    """A second build, and a build elsewhere, write the same manifest and pages."""
    site.settings = {"site_url": "https://x.example/"}
    first = site.build().root
    # Not the home page: the theme writes the time of the build into it.
    names = ("guide/install/index.html", "404.html", manifest.FILE_NAME)
    before = {name: (first / name).read_bytes() for name in names}
    other = Site(tmp_path / "other", settings=site.settings)
    shutil.copytree(site.root / "docs", other.root / "docs")

    again = site.build().root
    elsewhere = other.build().root

    for name, content in before.items():
        assert (again / name).read_bytes() == content
        assert (elsewhere / name).read_bytes() == content


def test_one_process_may_build_two_sites(site: Site, tmp_path: Path) -> None:
    """MkDocs keeps the plugin object, and yet one site's pages never enter another's manifest."""
    site.build()
    other = Site(tmp_path / "other")
    other.write("only.md")

    assert set(other.build().entries()) == {"/only/"}


def test_pages_come_and_go_between_builds(site: Site) -> None:
    """Under `mkdocs serve` a new page enters the manifest and a deleted one leaves it."""
    site.build()
    file = site.write("new.md", "# New\n")
    assert "/new/" in site.build().entries()
    file.unlink()

    assert set(site.build().entries()) == {"/", "/guide/", "/guide/install/"}


def test_a_page_that_is_excluded_later_leaves_the_manifest(site: Site) -> None:
    """A change of the options while serving takes effect."""
    assert "/guide/" in site.build().entries()
    site.options["exclude"] = ["guide/index.md"]

    assert "/guide/" not in site.build().entries()


def test_an_excluded_page_is_not_counted(site: Site) -> None:
    """An empty identity, no manifest entry; the other pages are as ever."""
    site.settings = {"theme": "readthedocs"}
    site.plugins = ["search"]
    site.options["exclude"] = ["guide/", "search.html"]

    built = site.build()

    assert set(built.entries()) == {"/"}
    assert built.tags("guide/install/index.html").metas == [""]
    assert built.tags("search.html").metas == [""]
    assert built.tags("index.html").metas == ["/"]


def test_a_dirty_build_keeps_the_pages_it_does_not_render(site: Site) -> None:
    """Entries of unchanged pages come from the manifest of the build before."""
    site.write("gone.md")
    before = site.build().entries()
    (site.root / "site/gone/index.html").unlink()
    (site.root / "docs/gone.md").unlink()
    forget_plugins()
    yesterday = time.time() - 86_400
    for file in site.root.glob("docs/**/*.md"):
        os.utime(file, (yesterday, yesterday))
    site.write("guide/install.md", "# Installing\n")

    entries = site.build(dirty=True).entries()

    assert set(entries) == set(before) - {"/gone/"}
    assert entries["/guide/install/"]["title"] == "Installing"
    assert entries["/guide/"]["title"] == "Guide"


@pytest.mark.parametrize(
    "damaged",
    [
        *("", "{", "[]", "{}", '{"schema": 2, "pages": [1]}', '{"schema": 1, "pages": 1}', None),
        *('{"schema": 1, "pages": [1, null, [], {}]}', '{"schema": 1, "pages": {"a": 1}}'),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_a_dirty_build_does_without_a_readable_manifest(site: Site, damaged: str | None) -> None:
    """What cannot be read is as if it were not there."""
    file = site.root / "site/stats-manifest.json"
    file.parent.mkdir()
    if damaged is not None:
        file.write_text(damaged, encoding="utf-8")

    assert "/" in site.build(dirty=True).entries()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("path", 5), ("path", []), ("path", "guide/"), ("path", "/guide/\x00")),
        *(("title", None), ("title", "a\x00"), ("title", "a\ud800"), ("type", "x")),
        *(("published", 1), ("words", "1"), ("links", 5), ("links", [{}]), ("nav", 1.5)),
        *(("headings", [{"id": "a"}]), ("headings", [[]])),
    ],
)
def test_a_dirty_build_keeps_no_damaged_page(site: Site, key: str, value: object) -> None:
    """It is missing until it is rendered again; the others are there."""
    file = site.build().root / manifest.FILE_NAME
    document = json.loads(file.read_bytes())
    next(page for page in document["pages"] if page["path"] == "/guide/")[key] = value
    file.write_text(json.dumps(document))
    forget_plugins()
    for source in site.root.glob("docs/**/*.md"):
        os.utime(source, (1, 1))

    assert set(site.build(dirty=True).entries()) == {"/", "/guide/install/"}
    assert len(parse_manifest(file.read_bytes()).pages) == 2


def test_without_a_tracker_only_the_manifest_is_written(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """No address: no tag and no script, and one line says so."""
    caplog.set_level("INFO", "mkdocs.plugins")
    site.options = {}

    built = site.build()

    assert built.tags("index.html").metas == []
    assert not (built.root / "assets/mkdocs-stats").exists()
    assert set(built.entries()) == {"/", "/guide/", "/guide/install/"}
    assert caplog.text.count("tracker_url is not set") == 1


def test_a_switched_off_plugin_leaves_no_trace(site: Site) -> None:
    """`enabled: false` gives the site that MkDocs builds without the plugin."""
    site.options |= {"enabled": False}

    built = site.build()

    assert built.tags("index.html").metas == []
    assert built.tags("404.html").metas == []
    assert not (built.root / "stats-manifest.json").exists()
    assert not (built.root / "assets/mkdocs-stats").exists()


def test_a_preview_is_not_tagged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """`mkdocs serve` counts no one, says so, and still writes the manifest."""
    caplog.set_level("INFO", "mkdocs.plugins")

    built = site.build(command="serve")

    assert built.tags("index.html").metas == []
    assert "/guide/" in built.entries()
    assert "not tagged under mkdocs serve" in caplog.text


def test_a_preview_is_tagged_on_demand(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """`track_local` counts the author too, and the script is told so."""
    caplog.set_level("INFO", "mkdocs.plugins")
    site.options["track_local"] = True

    built = site.build(command="serve")

    assert "data-local" in built.tags("index.html").trackers[0]
    assert "not tagged" not in caplog.text


def test_pages_with_their_own_template_are_tagged(site: Site) -> None:
    """A template that extends nothing, and one without a head, are tagged all the same."""
    site.settings = {"theme": {"name": "mkdocs", "custom_dir": str(site.root / "overrides")}}
    templates = {"bare.html": "<p>{{ page.title }}</p>", "old.html": "<HTML><HEAD></HEAD ><BODY>"}
    (site.root / "overrides").mkdir()
    for name, text in templates.items():
        (site.root / "overrides" / name).write_text(text, encoding="utf-8")
        site.write(f"{name[:-5]}.md", f"---\ntemplate: {name}\n---\n\n# Page\n")

    built = site.build()

    assert built.tags("bare/index.html").metas == ["/bare/"]
    assert built.html("bare/index.html").endswith("<p>Page</p>")
    assert built.html("old/index.html").startswith("<HTML><HEAD><meta")


def test_templates_of_the_author_are_tagged(site: Site) -> None:
    """`extra_templates` that are HTML pages carry their own address; others stay as they are."""
    site.settings = {
        "extra_templates": ["deep/extra.html", "500.html", "feed.xml", "empty.html"],
        "site_url": "https://x.example/docs/",
    }
    site.write("deep/extra.html", "<html><head></head></html>")
    site.write("500.html", "<html><head></head></html>")
    site.write("feed.xml", "<feed><head></head></feed>")
    site.write("empty.html", "\n")

    built = site.build()

    extra = built.tags("deep/extra.html")
    assert extra.metas == ["/deep/extra.html"]
    assert extra.addresses[0].startswith("../assets/")
    assert built.tags("500.html").addresses[0].startswith("/docs/assets/")
    assert "mkdocs-stats" not in built.html("feed.xml")
    assert set(built.entries()) == {"/", "/guide/", "/guide/install/"}


def test_an_empty_page_is_not_written(site: Site) -> None:
    """A page that renders to nothing has no file, and therefore no entry."""
    site.settings = {"theme": {"name": "mkdocs", "custom_dir": str(site.root / "overrides")}}
    (site.root / "overrides").mkdir()
    (site.root / "overrides/empty.html").write_text("\n", encoding="utf-8")
    site.write("empty.md", "---\ntemplate: empty.html\n---\n")

    built = site.build()

    assert not (built.root / "empty/index.html").exists()
    assert "/empty/" not in built.entries()


def test_a_404_page_in_markdown_is_the_404_page(site: Site) -> None:
    """It may be shown at any address, so its script is absolute and it has no entry."""
    site.settings = {"use_directory_urls": False, "site_url": "https://x.example/docs/"}
    site.write("404.md", "# Lost\n")

    built = site.build()

    assert built.tags("404.html").metas == ["404"]
    assert built.tags("404.html").addresses[0].startswith("/docs/assets/mkdocs-stats/")
    assert "/404.html" not in built.entries()


def test_a_site_without_address_is_told_about_its_404_page(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """The hint is no warning: `--strict` builds such a site."""
    caplog.set_level("INFO", "mkdocs.plugins")

    built = site.build()

    assert "site_url is not set" in caplog.text
    assert built.tags("404.html").addresses[0].startswith("/assets/mkdocs-stats/")


def test_a_site_of_too_many_pages_is_an_error(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A manifest that the tracker would refuse is not written."""
    monkeypatch.setattr(manifest, "MAX_PAGES", 2)

    with pytest.raises(Abort):
        site.build()

    assert "3 pages, 2 at most" in caplog.text
    assert not (site.root / "site/stats-manifest.json").exists()


def test_a_path_that_the_tracker_would_refuse_is_left_out(site: Site) -> None:
    """More than 1,024 bytes: the page is built, but neither counted nor listed."""
    name = "/".join(["ü" * 100] * 6)
    site.write(f"{name}.md")

    built = site.build()

    assert built.tags(f"{name}/index.html").metas == [""]
    assert set(built.entries()) == {"/", "/guide/", "/guide/install/"}


def test_letters_that_mean_something_in_an_address_are_escaped_in_the_tag(site: Site) -> None:
    """The tracker cuts a path at ? and # and decodes %: the tag says them as an address does."""
    site.write("what? 100%25 #1.md")

    built = site.build()

    path = next(path for path in built.entries() if path.startswith("/what"))
    assert path == "/what? 100%25 #1/"
    assert built.tags("what? 100%25 #1/index.html").metas == ["/what%3F 100%2525 %231/"]
    assert normalise_path("/what%3F 100%2525 %231/") == path


def test_a_manifest_that_would_be_too_long_has_no_headings(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The tracker would refuse it whole; the log says what is missing."""
    caplog.set_level("INFO", "mkdocs.plugins")
    built = site.build()
    whole = built.entries()
    size = (built.root / manifest.FILE_NAME).stat().st_size
    assert "no headings" not in caplog.text
    monkeypatch.setattr(manifest, "MAX_BYTES", size - 1)
    short = site.build().entries()

    assert all(entry.pop("headings") for entry in whole.values())
    assert short == whole
    assert "no headings" in caplog.text
