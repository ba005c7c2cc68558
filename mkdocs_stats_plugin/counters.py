"""Numbers of readers on a page: how often it was viewed, and which pages are popular.

An author writes an element in Markdown, or asks in a template (`Figures`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape

from mkdocs_stats_plugin.snapshot import Snapshot

DEFAULT_LIMIT = 5
MAX_LIMIT = 50
UNKNOWN = "–"  # noqa: RUF001  # a dash
"""What stands where no number is known."""

_PLACEHOLDER = re.compile(
    r"<(?P<tag>span|div)\s(?P<attributes>[^>]*\bdata-stats\s*=\s*[\"']?(?P<name>views|popular)\b[^>]*)>"
    r"\s*</(?P=tag)>",
    re.IGNORECASE,
)
_ATTRIBUTE = r"\bdata-{}\s*=\s*[\"']?([\w-]+)"
_LISTED = frozenset({"blog", "page"})


@dataclass(frozen=True, slots=True)
class PopularPage:
    """A page of this build that was viewed in the last 30 days."""

    url: str
    """Relative to the site root, as MkDocs has it."""
    title: str
    type: str
    """``blog`` or ``page``."""
    views: int


class Figures:
    """What templates ask, as ``mkdocs_stats``; a site without figures has none of them."""

    def __init__(
        self,
        read: Callable[[], Snapshot | None],
        urls: Callable[[], Mapping[str, str]],
        path_of: Callable[[str], str],
    ) -> None:
        """`read` gives the snapshot, `urls` the pages of this build by path."""
        self._read = read
        self._urls = urls
        self._path_of = path_of

    def snapshot(self) -> Snapshot | None:
        """Return all that is known."""
        return self._read()

    def views(self, page: object = None) -> int | None:
        """Return the views of all time of a page, or of the site; nothing where not known."""
        snapshot = self._read()
        if snapshot is None:
            return None
        url = getattr(page, "url", page)
        return snapshot.views if url is None else snapshot.views_of(self._path_of(str(url)))

    def views_of(self, path: str) -> int | None:
        """Return the views of all time of the page with a path."""
        snapshot = self._read()
        return None if snapshot is None else snapshot.views_of(path)

    def popular(self, limit: int = DEFAULT_LIMIT, type: str | None = None) -> list[PopularPage]:  # noqa: A002  # the name it has in the manifest
        """Return the most viewed posts and pages of the last 30 days, or only one kind of them."""
        snapshot = self._read()
        rows = () if snapshot is None else snapshot.popular
        urls = self._urls()
        kinds = _LISTED if type is None else {type}
        listed = [
            PopularPage(urls[row.path], row.title, row.type, row.views)
            for row in rows
            if row.type in kinds and row.title is not None and row.path in urls
        ]
        return listed[: max(0, limit)]


def find_counters(html: str) -> bool:
    """Tell whether there is anything to fill."""
    return "data-stats" in html and bool(_PLACEHOLDER.search(html))


def place_counters(
    html: str,
    figures: Figures,
    path: str,
    *,
    link: Callable[[str], str],
    word: str,
) -> tuple[str, bool]:
    """Fill each ``<span data-stats="views"></span>`` and ``<div data-stats="popular"></div>``.

    Args:
        html: The content of a page.
        figures: The numbers.
        path: Of the page.
        link: Makes an address of this page out of one that is relative to the site root.
        word: What views are called.

    Returns:
        The content, and whether a number in it can be kept current by a script.
    """
    counts = False

    def replace(match: re.Match[str]) -> str:
        nonlocal counts
        attributes = match["attributes"]
        if match["name"].lower() == "views":
            counts = True
            return _render_views(match["tag"], figures.views_of(path), path)
        kind = re.search(_ATTRIBUTE.format("type"), attributes, re.IGNORECASE)
        pages = figures.popular(_limit(attributes), kind and kind[1])
        return _render_popular(pages, link, word)

    return _PLACEHOLDER.sub(replace, html), counts


def remove_counters(html: str) -> str:
    """Take the elements out where there are no numbers for them."""
    return _PLACEHOLDER.sub("", html)


def render_script(address: str, tracker_url: str) -> str:
    """Render the script that keeps the numbers of a page current.

    It stands behind them in the content: instant navigation runs what it finds there.
    """
    return f'<script async src="{escape(address)}" data-tracker="{escape(tracker_url)}"></script>\n'


def group(number: int) -> str:
    """Write a number in groups of three digits, in the way that no language misreads."""
    return f"{number:,}".replace(",", "\u202f")


def _limit(attributes: str) -> int:
    match = re.search(_ATTRIBUTE.format("limit"), attributes, re.IGNORECASE)
    digits = match[1] if match else ""
    number = int(digits) if digits.isascii() and digits.isdigit() else DEFAULT_LIMIT
    return min(number, MAX_LIMIT)


def _render_views(tag: str, views: int | None, path: str) -> str:
    text = UNKNOWN if views is None else group(views)
    return f'<{tag} class="mkdocs-stats-views" data-stats-views="{escape(path)}">{text}</{tag}>'


def _render_popular(pages: Iterable[PopularPage], link: Callable[[str], str], word: str) -> str:
    items = "".join(
        f'<li><a href="{escape(link(page.url))}">{escape(page.title)}</a> '
        f"<small>{group(page.views)} {escape(word)}</small></li>\n"
        for page in pages
    )
    return f'<ol class="mkdocs-stats-popular">\n{items}</ol>' if items else ""
