"""Where the links of a page lead: to pages of the site, to places in them, out of the site.

MkDocs has rewritten links between pages to relative addresses by then. What an address leads to is
worked out as a browser does; whether there is a page is for the manifest to say, which knows all.
"""

import re
from dataclasses import dataclass, field
from html import escape, unescape
from urllib.parse import unquote, urlsplit

from mkdocs_stats_plugin.paths import is_listable, site_path
from mkdocs_stats_plugin.reading import MAX_ANCHOR_CHARS, anchor_of, is_writable

_HREF = re.compile(r"<[aA]\s(?:[^>]*?\s)?(?i:href)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_WEB = re.compile(r"(?:https?:)?//([^/?#]*)", re.IGNORECASE)
_OPENING = re.compile(r"<h[1-6](\s[^>]*)>", re.IGNORECASE)
# Python-Markdown's way from a footnote and back.
_FOOTNOTE = re.compile(r"fn(?:ref\d*)?:")


@dataclass(frozen=True, slots=True)
class Links:
    """What a page links to."""

    paths: list[str]
    """Sorted, each once: pages of the site, perhaps, and files; not the page itself."""
    anchors: list[str]
    """Likewise, as ``path#anchor``; the page itself may be among them."""
    outbound: int
    """How many links lead to other hosts."""
    left_out: list[str] = field(default_factory=list)
    """What would be among the anchors but for characters that no database stores."""


class Address:
    """Where a site is, as far as that is known."""

    def __init__(self, site_url: str | None) -> None:
        parts = urlsplit(site_url or "")
        self._host = parts.netloc.lower()
        self._root = parts.path.rstrip("/") + "/"

    def leaves(self, link: str) -> bool:
        """Tell whether a link names another host."""
        if "//" not in link:  # Most links, in a third of the time.
            return False
        named = _WEB.match(link)
        return named is not None and named[1].lower() != self._host

    def locate(self, link: str, url: str) -> tuple[str, str] | None:
        """Return the path and the anchor that a link leads to, both decoded.

        Args:
            link: As written; to no other host.
            url: Of the page that has it, relative to the site root, percent-encoded.

        Returns:
            Nothing where the link leads out of the site.
        """
        link, _, anchor = link.partition("#")
        link = link.partition("?")[0]
        if not link:
            return site_path(url), unquote(anchor)
        if "//" in link and (named := _WEB.match(link)):
            link = link[named.end() :] or "/"
        elif ":" in link and _SCHEME.match(link):
            return None
        address = link if link.startswith("/") else _join(self._root + url, link)
        if "/." in address:
            address = _without_dots(address)
        if not f"{address}/".startswith(self._root):
            return None
        return site_path(address[len(self._root) :]), unquote(anchor)


def _join(page: str, link: str) -> str:
    """Return where a relative link leads to from a page; both may go on with dots."""
    end = page.rfind("/")
    while link.startswith("../"):
        link = link[3:]
        end = max(page.rfind("/", 0, end), 0)
    return page[: end + 1] + link


def _without_dots(path: str) -> str:
    """Resolve ``.`` and ``..`` in an absolute path."""
    kept: list[str] = []
    parts = path.split("/")
    for part in parts:
        if part == "..":
            if len(kept) > 1:
                kept.pop()
        elif part != ".":
            kept.append(part)
    if parts[-1] in {".", ".."}:
        kept.append("")
    return "/".join(kept)


def read_links(html: str, url: str, address: Address) -> Links:
    """Find out where the links of a page lead.

    Left out are the signs beside headings, which lead to the heading itself, and footnotes.

    Args:
        html: The page without its code.
        url: Its address relative to the site root, percent-encoded.
        address: That of the site.
    """
    own = site_path(url)
    paths: set[str] = set()
    anchors: set[str] = set()
    outbound = 0
    for found in _HREF.finditer(html):
        link = (found[1] or found[2] or found[3] or "").strip()
        if "&" in link:
            link = unescape(link)
        if address.leaves(link):
            outbound += 1
        elif place := address.locate(link, url):
            path, anchor = place
            paths.add(path)
            is_text = not (path == own and _is_sign(html, found.start(), anchor))
            # In `path#anchor` the first of these signs is the one between the two.
            if 0 < len(anchor) <= MAX_ANCHOR_CHARS and is_text and "#" not in path:
                anchors.add(f"{path}#{anchor}")
    paths.discard(own)
    named = {*filter(is_writable, anchors)}
    left_out = sorted(anchors - named)
    return Links(sorted(filter(is_listable, paths)), sorted(named), outbound, left_out)


def has_place(html: str, anchor: str) -> bool:
    """Tell whether an element of a page, whichever it is, has this id, or a link this name."""
    name = re.escape(escape(anchor))
    return re.search(rf"\s(?:id|name)\s*=\s*([\"']?){name}\1[\s>/]", html) is not None


def _is_sign(html: str, start: int, anchor: str) -> bool:
    """Tell whether a link to its own page stands in the heading that it leads to."""
    if _FOOTNOTE.match(anchor):
        return True
    begin = html.rfind("<h", 0, start)
    opening = _OPENING.match(html, begin) if begin >= 0 else None
    return (
        opening is not None
        and html.find("</h", begin, start) < 0
        and anchor_of(opening[1]) == anchor
    )
