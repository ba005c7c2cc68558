"""Where pages come from: their files, days, former addresses, authors, state, language."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from mkdocs.structure.files import File

from mkdocs_stats_plugin.origin import path_of_source
from mkdocs_stats_plugin.paths import site_path
from tests.plugin.repositories import AUTHOR, Repository, new_repository
from tests.plugin.sites import Built, Entry, Site

SHALLOW = "The repository is a shallow clone"
TEXT = "# A page\n\nWater boils at 100 degrees.\nTea needs less.\nCoffee needs more.\n"


@pytest.fixture
def repository(site: Site) -> Repository:
    """Give the repository that the site is in: its three pages were made on the first of May."""
    repository = new_repository(site.root)
    (site.root / ".gitignore").write_text("/site/\n/mkdocs.yml\n")
    repository.commit("2024-05-01")
    return repository


def _days(built: Built) -> dict[str, tuple[object, object]]:
    entries = built.entries().items()
    return {path: (entry.get("created"), entry.get("updated")) for path, entry in entries}


def test_pages_have_the_days_of_their_commits(site: Site, repository: Repository) -> None:
    """A page that is not committed has none."""
    site.write("guide/install.md", "# Install\n\nAnew.\n")
    repository.commit("2024-06-01")
    site.write("new.md")

    assert _days(site.build()) == {
        "/": ("2024-05-01", "2024-05-01"),
        "/guide/": ("2024-05-01", "2024-05-01"),
        "/guide/install/": ("2024-05-01", "2024-06-01"),
        "/new/": (None, None),
    }


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize(
    ("meta", "days"),
    [
        pytest.param("date: 2024-04-01", ("2024-04-01", "2024-05-01"), id="date"),
        pytest.param("date: {created: 2024-04-01}", ("2024-04-01", "2024-05-01"), id="created"),
        pytest.param("date: {updated: 2024-07-01}", ("2024-05-01", "2024-07-01"), id="updated"),
        pytest.param(
            "date: {created: 2024-04-01, updated: 2024-04-02}",
            ("2024-04-01", "2024-04-02"),
            id="both",
        ),
        pytest.param("date: 2024-08-01", ("2024-08-01", None), id="younger-than-its-file"),
        pytest.param("date: soon", ("2024-05-01", "2024-05-01"), id="no-date"),
    ],
)
def test_front_matter_wins_over_git(
    site: Site, repository: Repository, meta: str, days: tuple[str, str | None]
) -> None:
    """Where it says something; a page that is published later than its commit has no update yet."""
    site.write("index.md", f"---\n{meta}\n---\n\n# Kettle\n")
    repository.git("commit", "--quiet", "--all", "--amend", "-m", "A", "--date=2024-05-01T12:00:00")

    assert _days(site.build())["/"] == days


def test_without_git_a_page_has_the_days_that_it_says(site: Site) -> None:
    """Outside a repository nothing else is known, and no build fails of it."""
    site.write("index.md", "---\ndate: {created: 2024-04-01, updated: 2024-04-02}\n---\n\n# K\n")

    built = site.build()

    assert _days(built) == {
        "/": ("2024-04-01", "2024-04-02"),
        "/guide/": (None, None),
        "/guide/install/": (None, None),
    }
    assert "commit" not in built.manifest()


def test_where_git_is_not_installed_the_site_is_built(
    site: Site, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it were in no repository."""
    assert repository.git("rev-parse", "HEAD")
    monkeypatch.setenv("PATH", "/nowhere")

    built = site.build()

    assert set(_days(built).values()) == {(None, None)}
    assert "commit" not in built.manifest()


@pytest.mark.usefixtures("repository")
def test_git_is_not_asked_where_it_may_not_be(site: Site) -> None:
    """Neither for days nor for the commit."""
    site.options["git"] = False

    built = site.build()

    assert set(_days(built).values()) == {(None, None)}
    assert "commit" not in built.manifest()


def test_a_shallow_clone_is_told(
    site: Site, repository: Repository, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its oldest commit is no day of any page, and one line says what is missing; once."""
    caplog.set_level("INFO", "mkdocs.plugins")
    site.build()
    assert SHALLOW not in caplog.text
    site.write("guide/install.md", "# Install\n\nAnew.\n")
    repository.commit("2024-06-01")
    site.write("guide/install.md", "# Install\n\nOnce more.\n")
    repository.commit("2024-07-01")
    command = ["git", "clone", "--quiet", "--depth=2", f"file://{site.root}", "clone"]
    subprocess.run(command, cwd=tmp_path, check=True)
    clone = Site(tmp_path / "clone")

    clone.build()

    assert _days(clone.build()) == {
        "/": (None, None),
        "/guide/": (None, None),
        "/guide/install/": (None, "2024-07-01"),
    }
    assert caplog.text.count(SHALLOW) == 1


def test_a_new_commit_is_seen_by_a_process_that_builds_again(
    site: Site, repository: Repository
) -> None:
    """As under `mkdocs serve`."""
    assert _days(site.build())["/"] == ("2024-05-01", "2024-05-01")
    site.write("index.md", "# Kettle\n\nAnew.\n")
    repository.commit("2024-06-01")

    assert _days(site.build())["/"] == ("2024-05-01", "2024-06-01")


@pytest.mark.parametrize("directory_urls", [True, False])
@pytest.mark.parametrize(
    "source",
    [
        *("index.md", "README.md", "readme.md", "a.md", "a/index.md", "a/README.md", "a/b.md"),
        *("a/index/b.md", "a.b.markdown", ".a.md", "a/myindex.md", "index.html.md"),
        *("a b/100% \u00fc?#.md", "u\u0308.md", "index/index.md"),
    ],
)
def test_the_path_of_a_name_is_the_one_that_mkdocs_gives(
    source: str, *, directory_urls: bool
) -> None:
    """MkDocs's own object, which is too slow, says the same."""
    url = File(source, None, "site", directory_urls).url

    path = path_of_source(source, directory_urls=directory_urls)

    assert path == site_path("" if url == "./" else url)


@pytest.mark.parametrize("directory_urls", [True, False])
def test_a_page_knows_where_it_was_before(
    site: Site, repository: Repository, *, directory_urls: bool
) -> None:
    """By the rules by which MkDocs makes addresses of names, the newest first."""
    site.settings = {"use_directory_urls": directory_urls}
    end = "/" if directory_urls else ".html"
    moves = ["a.md", "old \u00fcber/README.md", "old \u00fcber/b's.md", "c.txt", "guide/new.md"]
    site.write(moves[0], TEXT)
    repository.commit("2024-06-01")
    for old, new in pairwise(moves):
        repository.move(f"docs/{old}", f"docs/{new}")
        repository.commit("2024-06-02")

    entry = site.build().entries()[f"/guide/new{end}"]

    assert entry["formerly"] == [f"/old \u00fcber/b's{end}", "/old \u00fcber/", f"/a{end}"]
    assert (entry["created"], entry["updated"]) == ("2024-06-01", "2024-06-01")
    assert entry["source"] == "guide/new.md"


def test_a_path_that_is_a_page_is_no_former_one(site: Site, repository: Repository) -> None:
    """Another page stands there now; a move that keeps the path is none."""
    site.write("a.md", TEXT)
    site.write("b/index.md", TEXT.replace("Water", "Milk").replace("Tea", "Cocoa"))
    repository.commit("2024-06-01")
    repository.move("docs/a.md", "docs/c.md")
    repository.move("docs/b/index.md", "docs/b/README.md")
    repository.commit("2024-07-01")
    assert site.build().entries()["/c/"]["formerly"] == ["/a/"]
    site.write("a.md", "# Another\n")

    entries = site.build().entries()

    assert "formerly" not in entries["/c/"]
    assert "formerly" not in entries["/b/"]


def test_no_more_than_twenty_former_paths(site: Site, repository: Repository) -> None:
    """The newest ones."""
    site.write("0.md", TEXT)
    repository.commit("2024-06-01")
    for number in range(25):
        repository.move(f"docs/{number}.md", f"docs/{number + 1}.md")
        repository.commit("2024-06-02")

    formerly = site.build().entries()["/25/"]["formerly"]

    assert formerly == [f"/{number}/" for number in range(24, 4, -1)]


def test_an_address_by_a_plugin_says_nothing_of_former_ones(
    site: Site, repository: Repository
) -> None:
    """A post keeps its address when its file is moved."""
    site.settings = {"theme": "material"}
    site.plugins = ["blog"]
    site.write("blog/index.md", "# Blog\n")
    site.write("blog/posts/a.md", f"---\ndate: 2024-06-01\n---\n\n{TEXT}")
    repository.commit("2024-06-03")
    repository.move("docs/blog/posts/a.md", "docs/blog/posts/b.md")
    repository.commit("2024-06-04")

    entry = site.build().entries()["/blog/2024/06/01/a-page/"]

    assert "formerly" not in entry
    assert entry["source"] == "blog/posts/b.md"
    assert (entry["date"], entry["created"], entry["updated"]) == (
        *("2024-06-01", "2024-06-01"),
        "2024-06-03",
    )


def test_a_site_in_a_folder_of_a_larger_repository(site: Site) -> None:
    """Only what happened to its own files counts, whatever else is moved and called the same."""
    repository = new_repository(site.root / "mono")
    kettle, pot = Site(repository.root / "apps/kettle"), Site(repository.root / "apps/pot")
    for other in (kettle, pot):
        other.write("index.md")
        other.write("a.md", TEXT)
    repository.commit("2024-05-01")
    repository.move("apps/kettle/docs/a.md", "apps/kettle/docs/b.md")
    repository.commit("2024-06-01")
    pot.write("index.md", "# Pot\n")
    head = repository.commit("2024-07-01")

    built = kettle.build()

    assert built.manifest()["commit"] == head
    assert _days(built)["/"] == ("2024-05-01", "2024-05-01")
    assert built.entries()["/b/"]["formerly"] == ["/a/"]
    assert _days(pot.build())["/"] == ("2024-05-01", "2024-07-01")
    assert "formerly" not in pot.build().entries()["/a/"]


def test_a_merge_has_what_both_branches_did(site: Site, repository: Repository) -> None:
    """One moved a page, the other changed it where it was."""
    site.write("a.md", TEXT)
    repository.commit("2024-06-01")
    repository.git("checkout", "--quiet", "-b", "side")
    repository.move("docs/a.md", "docs/b.md")
    repository.commit("2024-06-02")
    repository.git("checkout", "--quiet", "main")
    site.write("a.md", TEXT + "More.\n")
    repository.commit("2024-06-03")
    repository.git("merge", "--quiet", "--no-ff", "-m", "Merge", "side", day="2024-06-09")

    entry = site.build().entries()["/b/"]

    assert (entry["created"], entry["updated"]) == ("2024-06-01", "2024-06-03")
    assert entry["formerly"] == ["/a/"]


@pytest.mark.parametrize(
    ("meta", "authors", "tags"),
    [
        pytest.param("title: A", None, None, id="none"),
        pytest.param("author: Ada Lovelace", ["Ada Lovelace"], None, id="text"),
        pytest.param("authors: [Ada, Ben, Ada]", ["Ada", "Ben"], None, id="list-each-once"),
        pytest.param("authors: [{name: Ada, url: x}, {email: b}]", ["Ada"], None, id="mappings"),
        pytest.param("author: A\nauthors: [B]", ["B"], None, id="the-list-wins"),
        pytest.param("authors: []\nauthor: A", ["A"], None, id="an-empty-list-does-not"),
        pytest.param("tags: [tea, 2026, true, '', null]", None, ["tea", "2026", "True"], id="tags"),
        pytest.param("tags: tea", None, ["tea"], id="one-tag"),
        pytest.param('tags: ["  a\\n b \\0"]', None, ["a b"], id="odd-text"),
        pytest.param(f"tags: [{'x' * 150}]", None, ["x" * 100], id="long"),
        pytest.param(
            f"authors: {[*range(30)]}\ntags: {[*range(60)]}",
            [str(number) for number in range(20)],
            [str(number) for number in range(50)],
            id="many",
        ),
    ],
)
def test_authors_and_tags_are_what_the_page_says(
    site: Site, meta: str, authors: list[str] | None, tags: list[str] | None
) -> None:
    """However YAML has them."""
    site.write("index.md", f"---\n{meta}\n---\n\n# Kettle\n")

    entry = site.build().entries()["/"]

    assert (entry.get("authors"), entry.get("tags")) == (authors, tags)


def test_front_matter_without_yaml_has_one_text(site: Site) -> None:
    """It knows no lists."""
    site.write("index.md", "Authors: Ada Lovelace\nTags: tea\n\n# Kettle\n")

    entry = site.build().entries()["/"]

    assert (entry["authors"], entry["tags"]) == (["Ada Lovelace"], ["tea"])


def test_who_committed_a_page_is_nobody_s_affair(site: Site, repository: Repository) -> None:
    """A manifest is public; names and addresses of git are not for it."""
    assert AUTHOR in repository.git("log", "--format=%an")

    text = (site.build().root / "stats-manifest.json").read_text()

    assert "authors" not in text
    assert AUTHOR not in text
    assert "ada@" not in text


def test_a_digest_tells_one_state_of_a_page_from_another(site: Site, tmp_path: Path) -> None:
    """Of its Markdown, whatever plugins make of it and its front matter says."""
    hook = tmp_path / "hook.py"
    hook.write_text(
        "import time\n"
        "def on_page_markdown(markdown, page, config, files):\n"
        "    return f'{markdown}\\n{time.time_ns()}\\n'\n"
    )
    site.settings = {"hooks": [str(hook)]}
    site.plugins = []

    def digests() -> dict[str, object]:
        return {path: entry["digest"] for path, entry in site.build().entries().items()}

    first = digests()
    assert digests() == first
    site.write("index.md", "---\ntags: [tea]\n---\n# Kettle\n\nWelcome.\n")
    assert digests() == first
    site.write("index.md", "# Kettle\n\nWelcome!\n")

    changed = digests()

    assert changed["/"] != first["/"]
    assert {**changed, "/": first["/"]} == first
    assert first["/"] == "6d8795e22e3f"  # As b2sum --length=48 has it.


def test_equal_sources_give_equal_bytes(site: Site, repository: Repository, tmp_path: Path) -> None:
    """A clone of the repository elsewhere, too."""
    site.write("a.md", TEXT + "\n[home](index.md), [guide](guide/index.md#x)\n")
    repository.commit("2024-06-01")
    repository.move("docs/a.md", "docs/b.md")
    repository.commit("2024-07-01")
    subprocess.run(["git", "clone", "--quiet", site.root, "clone"], cwd=tmp_path, check=True)

    first = (site.build().root / "stats-manifest.json").read_bytes()
    again = (site.build().root / "stats-manifest.json").read_bytes()
    elsewhere = (Site(tmp_path / "clone").build().root / "stats-manifest.json").read_bytes()

    assert first == again == elsewhere
    assert b'"formerly": ["/a/"]' in first


@pytest.mark.parametrize(
    ("theme", "language"),
    [
        pytest.param("mkdocs", "en", id="mkdocs"),
        pytest.param({"name": "mkdocs", "locale": "pt_BR"}, "pt-br", id="locale"),
        pytest.param({"name": "readthedocs", "locale": "de"}, "de", id="readthedocs"),
        pytest.param({"name": "material", "language": "zh-TW"}, "zh-tw", id="material"),
    ],
)
def test_pages_are_in_the_language_of_the_theme(site: Site, theme: object, language: str) -> None:
    """In lower case with a hyphen, however the theme writes it."""
    site.settings = {"theme": theme}

    entries = site.build(strict=False).entries()

    assert {entry["language"] for entry in entries.values()} == {language}


def test_a_translated_page_is_in_the_language_of_its_folder(site: Site, tmp_path: Path) -> None:
    """As mkdocs-static-i18n says on its files: of the source, and of what it builds."""
    hook = tmp_path / "hook.py"
    hook.write_text(
        "def on_files(files, config):\n"
        "    for file in files.documentation_pages():\n"
        "        file.locale = 'en' if 'index' in file.src_uri else 'de'\n"
        "        if file.src_uri.startswith('guide/'):\n"
        "            file.locale_alternate_of = 'fr'\n"
    )
    site.settings = {"hooks": [str(hook)]}
    site.write("a.md")

    entries = site.build().entries()

    assert {path: entry["language"] for path, entry in entries.items()} == {
        "/": "en",
        "/a/": "de",
        "/guide/": "fr",
        "/guide/install/": "fr",
    }


def test_what_a_plugin_makes_has_no_source(site: Site) -> None:
    """There is no such file in the folder of the author."""
    site.options["stats_page"] = True

    entries: dict[str, Entry] = site.build().entries()

    assert {path: entry.get("source") for path, entry in entries.items()} == {
        "/": "index.md",
        "/guide/": "guide/index.md",
        "/guide/install/": "guide/install.md",
        "/stats/": None,
    }
