"""What the plugin knows about a page, read from MkDocs's objects.

Material's blog plugin is recognised by the names of its classes, so that a site without
Material needs none of it.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from html import unescape
from typing import Literal, NotRequired, TypedDict
from unicodedata import normalize
from urllib.parse import unquote

from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.pages import Page

MAX_TITLE_CHARS = 1000
MAX_HEADINGS = 500
"""How many headings of a page are listed; the rest belongs to the last of them."""
MAX_ANCHOR_CHARS = 200

_BLOG = "material.plugins.blog"
_LISTINGS = frozenset({"Archive", "Category", "Profile"})
_UNREAD = re.compile(r"<(pre|script|style|svg|template)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
# A sign of Chinese or Japanese takes about as long as a word of other languages.
_SIGN = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_LETTER = rf"(?:(?!{_SIGN})[^\W_])"
_WORD = re.compile(rf"{_SIGN}|{_LETTER}+(?:['\u2019.-]{_LETTER}+)*")
_HAS_SIGNS = re.compile(_SIGN)
# The same where there are none, in half the time.
_WORD_OF_LETTERS = re.compile(r"[^\W_]+(?:['\u2019.-][^\W_]+)*")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_MARKUP = re.compile(r"<!--.*?-->|</?[a-zA-Z][^>]*>", re.DOTALL)
# Those whose time in view the second script takes.
_HEADING = re.compile(
    r"<h([1-4])((?:\s[^>]*)?\sid\s*=[^>]*)>(.*?)</h\1\s*>", re.DOTALL | re.IGNORECASE
)
_ANCHOR = re.compile(r"\sid\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_LINK = re.compile(
    r"<a\s[^>]*?href\s*=\s*[\"']#([^\"']*)[\"'][^>]*>.*?</a\s*>", re.DOTALL | re.IGNORECASE
)

PageType = Literal["home", "post", "page", "stats"]

log = get_plugin_logger("stats")


class Heading(TypedDict):
    """A heading that can be linked to, and the section that it begins."""

    id: str
    title: str
    level: int
    words: int
    """Of the heading and of what stands below it up to the next one."""


class Entry(TypedDict):
    """One page of the content manifest, as `docs/manifest.md` describes it."""

    path: str
    slug: str
    title: str
    type: PageType
    published: bool
    date: NotRequired[str]
    generated: NotRequired[Literal[True]]
    words: NotRequired[int]
    headings: NotRequired[list[Heading]]


def site_path(url: str) -> str:
    """Return the identity of the page at `url`.

    Args:
        url: Address relative to the site root, percent-encoded, as MkDocs has it.

    Returns:
        The address with a leading slash, percent escapes decoded, in Unicode NFC and without
        a trailing ``index.html``.
    """
    path = "/" + normalize("NFC", unquote(url))
    return path.removesuffix("index.html") if path.endswith("/index.html") else path


def read_entry(page: Page, *, declared_post: bool, stats_page: bool) -> Entry:
    """Describe a rendered page.

    Args:
        page: The page, after MkDocs has rendered it.
        declared_post: The site's configuration says that it is a post.
        stats_page: It is the page that shows the statistics.
    """
    path = site_path(page.url)
    kind = _page_type(page, path, declared_post=declared_post, stats_page=stats_page)
    entry = Entry(
        path=path,
        slug=path.strip("/").removesuffix(".html"),
        title=plain_text(page.title),
        type=kind,
        published=_is_published(page),
    )
    if kind == "post" and (day := _publication_day(page)):
        entry["date"] = day
    if _is_listing(page):
        entry["generated"] = True
    elif page.content is not None:
        entry["words"], entry["headings"] = read_text(page.content)
    return entry


def read_text(html: str) -> tuple[int, list[Heading]]:
    """Count the words of a page, and list its headings with those of their sections.

    Code blocks and what is not shown are left out, and so are headings without an id, those of
    deeper levels, and a second one with the same id: what is below them belongs to the one before.
    """
    html = _COMMENT.sub(" ", _UNREAD.sub(" ", html))
    headings: dict[str, Heading] = {}
    last: Heading | None = None
    words = start = 0
    for found in _HEADING.finditer(html):
        heading = _heading(found)
        if heading is None or heading["id"] in headings or len(headings) == MAX_HEADINGS:
            continue
        words += _close(last, html[start : found.start()])
        last = headings[heading["id"]] = heading
        start = found.start()
    words += _close(last, html[start:])
    return words, [*headings.values()]


def _heading(found: re.Match[str]) -> Heading | None:
    level, attributes, content = found.groups()
    anchor = _ANCHOR.search(attributes)
    name = unescape("".join(filter(None, anchor.groups()))) if anchor else ""
    if not name or len(name) > MAX_ANCHOR_CHARS:
        return None
    # A link to the heading itself is the sign beside it, unless the whole heading is that link.
    title = plain_text(_LINK.sub(lambda link: _kept(link, name), content)) or plain_text(content)
    return Heading(id=name, title=title or name, level=int(level), words=0)


def _kept(link: re.Match[str], anchor: str) -> str:
    return "" if unquote(unescape(link[1])) == anchor else link[0]


def _close(section: Heading | None, html: str) -> int:
    """Count the words of a piece of a page for the section that it is; returns the number."""
    text = unescape(_MARKUP.sub(" ", html))
    words = len((_WORD if _HAS_SIGNS.search(text) else _WORD_OF_LETTERS).findall(text))
    if section is not None:
        section["words"] = words
    return words


def plain_text(title: object) -> str:
    """Return a title as a browser would show it.

    Titles from headings arrive with HTML entities, those from the navigation and the front
    matter with whatever was written there: text, markup, or a number such as a year.
    """
    text = "" if title is None else str(title)
    if "<" in text:
        text = _MARKUP.sub("", text)
    return " ".join(unescape(text).split())[:MAX_TITLE_CHARS]


def _page_type(page: Page, path: str, *, declared_post: bool, stats_page: bool) -> PageType:
    if stats_page:
        return "stats"
    if path == "/":
        return "home"
    return "post" if declared_post or "Post" in _blog_classes(type(page)) else "page"


@cache
def _blog_classes(kind: type) -> frozenset[str]:
    """Return the names of the blog plugin's classes among the ancestors of `kind`."""
    return frozenset(base.__name__ for base in kind.__mro__ if base.__module__.startswith(_BLOG))


def _is_published(page: Page) -> bool:
    """Tell whether the page is meant for readers.

    Pages without YAML front matter have text for every value, hence the comparison of text.
    """
    if page.file.inclusion.is_excluded():
        return False
    said = {key: str(page.meta[key]).lower() for key in ("draft", "published") if key in page.meta}
    return said.get("draft") != "true" and said.get("published") != "false"


def _is_listing(page: Page) -> bool:
    """Tell whether the blog plugin made the page: an archive, or a further page of an index."""
    classes = _blog_classes(type(page))
    if "View" not in classes:
        return False
    siblings = getattr(page, "pages", [])
    return bool(classes & _LISTINGS) or (bool(siblings) and siblings[0] is not page)


def _publication_day(page: Page) -> str | None:
    """Return the day on which a post was published, in the author's own time zone."""
    value: object = getattr(getattr(page, "config", None), "date", None) or page.meta.get("date")
    if isinstance(value, Mapping):
        value = value.get("created")
    day = _parse_day(value)
    if value and not day:
        # Not a warning: `--strict` should not stop a site for a date that is only shown.
        log.info("%s: the date %r is none, expected YYYY-MM-DD", page.file.src_uri, value)
    return day


def _parse_day(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return datetime.fromisoformat(str(value)).date().isoformat()
    except ValueError:
        return None
