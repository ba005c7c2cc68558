"""Where each page stands in the navigation, as themes lead a reader through the site."""

from collections.abc import Container, Mapping
from dataclasses import dataclass

from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from mkdocs_stats_plugin.paths import site_path
from mkdocs_stats_plugin.reading import plain_text

MAX_DEPTH = 10


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one page."""

    number: int
    """From 1, in reading order."""
    trail: list[str]
    """The titles of the sections above it, outermost first."""
    previous: str | None
    next: str | None


def read_places(nav: Navigation | None) -> Mapping[str, Place]:
    """Return the places of the pages that are in the navigation, by path.

    A page that is listed twice is where it is listed first. Its neighbours are those that themes
    lead to.
    """
    pages: dict[str, Page] = {}
    for page in nav.pages if nav else ():
        pages.setdefault(site_path(page.url), page)
    shown = {id(item) for item in nav.items} if nav else set()
    return {
        path: Place(number, _trail(page, shown), _path(page.previous_page), _path(page.next_page))
        for number, (path, page) in enumerate(pages.items(), start=1)
    }


def _path(page: Page | None) -> str | None:
    return site_path(page.url) if page else None


def _trail(page: Page, shown: Container[int]) -> list[str]:
    """Return the titles of the sections above a page.

    A plugin may take the outermost one away and leave its pages to think that they are in it:
    mkdocs-static-i18n does so with the folders of languages.
    """
    line = [page, *page.ancestors]
    top = next((number for number, item in enumerate(line) if id(item) in shown), len(line))
    titles = (section.title for section in reversed(line[1 : top + 1]))
    return [plain_text(title) for title in titles if title][:MAX_DEPTH]
