"""Where in the navigation a page stands."""

from pathlib import Path

import pytest

from tests.plugin.sites import Entry, Site

PLACE = ("nav", "trail", "previous", "next")


def _places(entries: dict[str, Entry]) -> dict[str, list[object]]:
    return {path: [entry.get(key) for key in PLACE] for path, entry in entries.items()}


@pytest.mark.parametrize("theme", ["mkdocs", "readthedocs", "material"])
def test_pages_stand_in_reading_order(site: Site, theme: str) -> None:
    """With the titles of their sections as plain text; links are no pages."""
    site.write("guide/deep.md")
    site.write("aside.md")
    site.settings = {
        "theme": theme,
        "nav": [
            {"Guide &amp; <b>more</b>": [{"In depth": ["guide/deep.md"]}, "guide/install.md"]},
            {"Elsewhere": "https://other.example/"},
            "index.md",
            "guide/index.md",
        ],
        "not_in_nav": "aside.md",
    }

    assert _places(site.build().entries()) == {
        "/aside/": [None, None, None, None],
        "/guide/deep/": [1, ["Guide & more", "In depth"], None, "/guide/install/"],
        "/guide/install/": [2, ["Guide & more"], "/guide/deep/", "/"],
        "/": [3, None, "/guide/install/", "/guide/"],
        "/guide/": [4, None, "/", None],
    }


@pytest.mark.parametrize("directory_urls", [True, False])
def test_without_a_navigation_of_its_own_a_site_has_mkdocs_s(
    site: Site, *, directory_urls: bool
) -> None:
    """Sections are then the folders."""
    site.settings = {"use_directory_urls": directory_urls}
    end = "/" if directory_urls else ".html"

    assert _places(site.build().entries()) == {
        "/": [1, None, None, "/guide/"],
        "/guide/": [2, ["Guide"], "/", f"/guide/install{end}"],
        f"/guide/install{end}": [3, ["Guide"], "/guide/", None],
    }


def test_sections_that_are_deeper_are_not_named(site: Site) -> None:
    """A trail has ten titles at most: the outermost."""
    nav: list[object] = ["guide/install.md"]
    for number in range(12, 0, -1):
        nav = [{f"Section {number}": nav}]
    site.settings = {"nav": ["index.md", "guide/index.md", *nav]}

    trail = site.build().entries()["/guide/install/"]["trail"]

    assert trail == [f"Section {number}" for number in range(1, 11)]


def test_the_navigation_is_taken_as_other_plugins_leave_it(site: Site, tmp_path: Path) -> None:
    """Whichever is listed first: one of them turns it round."""
    hook = tmp_path / "hook.py"
    hook.write_text(
        "from mkdocs.plugins import event_priority\n"
        "from mkdocs.structure.nav import Navigation\n\n"
        "@event_priority(-50)\n"
        "def on_nav(nav, config, files):\n"
        "    return Navigation(nav.items[::-1], nav.pages[::-1])\n"
    )
    site.settings = {"hooks": [str(hook)]}

    entries = site.build().entries()

    assert {path: entry["nav"] for path, entry in entries.items()} == {
        "/guide/install/": 1,
        "/guide/": 2,
        "/": 3,
    }


def test_a_section_that_a_plugin_takes_away_is_not_named(site: Site, tmp_path: Path) -> None:
    """Its pages still say that they are in it."""
    hook = tmp_path / "hook.py"
    hook.write_text(
        "def on_nav(nav, config, files):\n"
        "    nav.items = [item for section in nav.items for item in section.children]\n"
    )
    nav = [{"All": ["index.md", {"Guide": ["guide/index.md", {"Deep": ["guide/install.md"]}]}]}]
    site.settings = {"nav": nav, "hooks": [str(hook)]}

    entries = site.build().entries()

    assert {path: entry.get("trail") for path, entry in entries.items()} == {
        "/": None,
        "/guide/": ["Guide"],
        "/guide/install/": ["Guide", "Deep"],
    }


def test_a_page_that_is_listed_twice_stands_where_it_is_first(site: Site) -> None:
    """Readers meet it there."""
    site.settings = {"nav": ["guide/index.md", "index.md", "guide/install.md", "guide/index.md"]}

    entries = site.build().entries()

    assert {path: entry["nav"] for path, entry in entries.items()} == {
        "/guide/": 1,
        "/": 2,
        "/guide/install/": 3,
    }
