"""What the manifest says of the site as a whole, and what it goes without when it is too long."""

from importlib.metadata import EntryPoint
from typing import Any, cast

import jsonschema
import pytest
from mkdocs.config.defaults import MkDocsConfig

from mkdocs_stats_plugin import manifest
from tests.plugin.sites import Site, accepted
from tests.plugin.test_docs import DOCUMENT

KEPT = {"path", "slug", "title", "type", "published", "words"}


@pytest.fixture
def redirecting(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Give a site whose plugin `redirects` is the one in `tests/plugin/redirects.py`."""
    schema = cast("dict[str, Any]", dict(MkDocsConfig._schema))
    plugin = EntryPoint("redirects", "tests.plugin.redirects:Redirects", "mkdocs.plugins")
    monkeypatch.setitem(schema["plugins"].installed_plugins, "redirects", plugin)
    return site


@pytest.mark.parametrize("directory_urls", [True, False])
def test_redirects_lead_from_former_paths_to_pages(
    redirecting: Site, *, directory_urls: bool
) -> None:
    """By the rules of MkDocs; those to nowhere, and those from where there is a page, are none."""
    end = "/" if directory_urls else ".html"
    redirecting.settings = {"use_directory_urls": directory_urls}
    redirecting.plugins = [
        {
            "redirects": {
                "redirect_maps": {
                    "old.md": "guide/install.md",
                    "before/README.md": "guide/index.md#top",
                    "\u00fcber uns.md": "index.md",
                    "gone.md": "https://other.example/#a",
                    "lost.md": "no/such.md",
                    "guide/install.md": "index.md",
                    "picture.png": "index.md",
                }
            }
        }
    ]

    document = redirecting.build().manifest()

    assert document["redirects"] == {
        "/before/": "/guide/",
        f"/gone{end}": "https://other.example/#a",
        f"/old{end}": f"/guide/install{end}",
        f"/\u00fcber uns{end}": "/",
    }
    assert list(cast("dict[str, str]", document["redirects"])) == [
        *("/before/", f"/gone{end}", f"/old{end}", f"/\u00fcber uns{end}"),
    ]
    jsonschema.validate(document, DOCUMENT)


@pytest.mark.parametrize(
    ("former", "target"),
    [
        ("old.md", "https://other.example/\0"),
        ("old.md", f"https://other.example/{'a' * 1100}"),
        ("o\0ld.md", "index.md"),
        ("o\u202eld.md", "index.md"),
        ("old\ud800.md", "index.md"),
    ],
)
def test_a_redirect_that_the_tracker_would_refuse_is_left_out(
    redirecting: Site, caplog: pytest.LogCaptureFixture, former: str, target: str
) -> None:
    """The others are there, and a line says which is not; no warning."""
    caplog.set_level("INFO", "mkdocs.plugins")
    maps = {former: target, "before.md": "index.md"}
    redirecting.plugins = [{"redirects": {"redirect_maps": maps}}]

    assert accepted(redirecting.build())["redirects"] == {"/before/": "/"}
    (line,) = [r for r in caplog.messages if "redirect" in r]
    assert repr(former) in line


def test_a_name_and_an_address_are_such_that_the_tracker_takes_them(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is cut, an address that is too long is none; a line says so."""
    caplog.set_level("INFO", "mkdocs.plugins")
    site.settings = {"site_name": "K\0" + "x" * 2000, "site_url": f"https://k.example/{'y' * 983}"}
    site.options |= {"label": "2\0", "commit": "a\0b"}
    monkeypatch.setenv("MIKE_DOCS_VERSION", "1.\udce9")

    document = accepted(site.build())

    assert document["site_name"] == "K" + "x" * 999
    assert document["site_url"] is None
    assert (document["label"], document["commit"]) == ("2", "ab")
    assert (document["version"], document["versions"]) == ("1.", {"1.": []})
    assert caplog.text.count("has no site_url: it is longer than 1,000 characters") == 1

    site.settings["site_url"] = f"https://k.example/{'y' * 981}"
    assert len(str(accepted(site.build())["site_url"])) == 1000


def test_a_site_without_redirects_has_none(redirecting: Site) -> None:
    """Nor has one whose plugin has no maps."""
    assert "redirects" not in redirecting.build().manifest()
    redirecting.plugins = ["redirects"]
    assert "redirects" not in redirecting.build().manifest()


def test_the_version_is_what_mike_builds(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so in the environment; without mike there is none."""
    monkeypatch.delenv("MIKE_DOCS_VERSION", raising=False)
    assert "version" not in site.build().manifest()

    monkeypatch.setenv("MIKE_DOCS_VERSION", "1.0-" + "x" * 200)

    assert site.build().manifest()["version"] == "1.0-" + "x" * 96


def test_what_does_not_fit_is_left_out_step_by_step(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Headings first, then links, then all that was not always there; the log says which."""
    caplog.set_level("INFO", "mkdocs.plugins")
    site.write("index.md", "---\ntags: [tea]\n---\n\n# Kettle\n\n[Guide](guide/index.md#guide)\n")

    def entry_within(room: int) -> tuple[dict[str, object], int]:
        monkeypatch.setattr(manifest, "MAX_BYTES", room)
        built = site.build()
        jsonschema.validate(built.manifest(), DOCUMENT)
        return built.entries()["/"], (built.root / manifest.FILE_NAME).stat().st_size

    whole, size = entry_within(manifest.MAX_BYTES)
    assert "too long" not in caplog.text
    assert whole.keys() >= KEPT | {"headings", "links", "anchors", "outbound", "tags"}
    second, less = entry_within(size - 1)
    assert set(whole) - set(second) == {"headings"}
    assert "it has no headings, nor" in caplog.text
    third, least = entry_within(less - 1)
    assert set(second) - set(third) == {"links", "anchors", "outbound"}
    assert "it has no anchors, headings, links, outbound, nor" in caplog.text
    last, _ = entry_within(least - 1)
    assert set(last) == KEPT
    assert entry_within(1)[0] == last
