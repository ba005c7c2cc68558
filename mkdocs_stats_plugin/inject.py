"""The elements that go into the head of each page, and where in the page they go.

Text in, text out: a parser would cost a hundred times as much as finding one string.
"""

import re
from dataclasses import dataclass
from functools import cache
from html import escape

META_NAME = "mkdocs-stats"

_HEAD_END = "</head>"
_MARKER = re.compile(rf"<meta\s+name\s*=\s*[\"']?{META_NAME}[\"'\s>]", re.IGNORECASE)
_LANDMARKS = (
    (re.compile(r"</head\s*>", re.IGNORECASE), False),
    (re.compile(r"<body[\s>]", re.IGNORECASE), False),
    (re.compile(r"</title\s*>", re.IGNORECASE), True),
    (re.compile(r"<head(?:\s[^>]*)?>", re.IGNORECASE), True),
    (re.compile(r"<html(?:\s[^>]*)?>", re.IGNORECASE), True),
    (re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE), True),
)
"""Where to insert in an unusual document, best first, and whether to do so after the match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracker:
    """The script that counts."""

    uri: str
    """Address of the script, relative to the site root."""

    url: str
    """Address of the tracker."""

    heartbeat_seconds: float | None = None
    """Interval of the heartbeats; nothing leaves it to the script."""

    local: bool = False
    """Whether readers on localhost count."""

    ignore_dnt: bool = False
    """Whether readers count who ask not to be tracked."""

    versioned: bool = False
    """Whether the site is one version of several, which are folders beside each other."""

    daily: bool = False
    """Whether nothing is kept in the browser that tells one reader from another."""

    extras: str | None = None
    """Name of the second script, in the folder of the first; nothing to do without."""


def render_tracker(tracker: Tracker, content: str, base: str) -> str:
    """Render the tag of `docs/wire.md`.

    Args:
        tracker: The script and its settings.
        content: What the page is: its site-relative path, ``404``, or nothing for a page that is
            not counted. Its script then still serves the pages that instant navigation leads to.
        base: What leads from the page to the site root: empty, or ending in a slash.
    """
    # As in an address, where these three would end the path or begin an escape.
    path = content.replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    meta = f'<meta name="{META_NAME}" content="{escape(path)}">\n'
    return meta + _render_script(tracker, base)


@cache  # One for each depth of the site.
def _render_script(tracker: Tracker, base: str) -> str:
    beat = tracker.heartbeat_seconds
    attributes = {
        "data-heartbeat": None if beat is None else f"{beat:.15g}",
        "data-local": "1" if tracker.local else None,
        "data-dnt": "" if tracker.ignore_dnt else None,
        "data-v": "1" if tracker.versioned else None,
        "data-visitor": "daily" if tracker.daily else None,
        "data-extras": tracker.extras,
    }
    settings = "".join(
        f' {name}="{escape(value)}"' if value else f" {name}"
        for name, value in attributes.items()
        if value is not None
    )
    return (
        f'<script async src="{escape(base + tracker.uri)}" data-tracker="{escape(tracker.url)}"'
        f"{settings}></script>\n"
    )


@cache
def render_viewer(script: str, style: str, base: str) -> str:
    """Render the script and the stylesheet of the statistics page.

    They stand on every page: instant navigation swaps the content of a page and keeps
    what its head has in common with the next, so a script that only one page names would
    run on a full load of that page alone.
    """
    return (
        f'<link rel="stylesheet" href="{escape(base + style)}">\n'
        f'<script async src="{escape(base + script)}"></script>\n'
    )


def insert_head(html: str, elements: str) -> str:
    """Insert `elements` at the end of a document's head, unless it has a tag already.

    A document without ``</head>`` is valid and what HTML minifiers produce; there the place is
    before ``<body>``, else as early as the document allows. An empty document stays empty,
    because MkDocs writes no file for it.
    """
    if not html or html.isspace():
        return html
    place, follows = _find_place(html)
    # What follows a landmark begins at the place, what precedes one ends there.
    end = place + len(elements) if follows else place
    if html.find(META_NAME, 0, end) >= 0 and _is_tagged(html[:end], elements):
        return html
    if html.find(_HEAD_END) == place:  # The usual case: copies the page once, not twice.
        return html.replace(_HEAD_END, elements + _HEAD_END, 1)
    return f"{html[:place]}{elements}{html[place:]}"


def _is_tagged(head: str, elements: str) -> bool:
    return elements in head or bool(_MARKER.search(head))


def _find_place(html: str) -> tuple[int, bool]:
    """Return the offset at which to insert, and whether it follows a landmark."""
    first = html.find(_HEAD_END)
    if first >= 0:
        # The last one before the body: an inline script may spell the first in a string.
        body = html.find("<body", first)
        return html.rfind(_HEAD_END, first, body if body >= 0 else len(html)), False
    for landmark, follows in _LANDMARKS:
        if match := landmark.search(html):
            return (match.end() if follows else match.start()), follows
    return 0, True
