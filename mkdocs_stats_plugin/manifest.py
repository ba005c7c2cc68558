"""The content manifest: what the site contains, for the tracker to join with what it counts.

`mkdocs serve` and translation plugins run several builds on one plugin object, and a dirty build
renders only some pages. One rule serves all of them: entries are kept by path for the life of the
object, and dropped when the file they describe is gone. Which paths are pages is known at the end
only, so what names other pages is looked through when the manifest is written.
"""

import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import cast

from mkdocs_stats_plugin.entry import Entry, is_entry
from mkdocs_stats_plugin.versions import MAX_NAME_CHARS

FILE_NAME = "stats-manifest.json"
SCHEMA = 1
MAX_PAGES = 100_000
MAX_BYTES = 32 * 1024 * 1024
"""How long a manifest may be; what can be done without is left out of one that would be longer."""
MAX_FORMER_PATHS = 20
MAX_LINKS = 500
MAX_REDIRECTS = 10_000

_NEEDED = {"path", "slug", "title", "type", "published", "date", "generated", "words"}
_LEFT_OUT = (
    {"headings"},
    {"headings", "links", "anchors", "outbound"},
    {*Entry.__annotations__} - _NEEDED,
)
"""What a manifest goes without, one step after the other, until it is short enough."""


class TooManyPagesError(ValueError):
    """A site has more pages than a manifest may list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a manifest says of the site as a whole."""

    site_name: str
    site_url: str | None
    commit: str | None = None
    """Of the sources, if it is known."""
    label: str | None = None
    """What the owner calls this state of the site."""
    version: str | None = None
    """Of what is documented."""
    versions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """All of them, and the other names of each."""
    redirects: Mapping[str, str] = field(default_factory=dict)
    """By former path: the source path of a page, or an address."""


class Manifest:
    """Entries of a site's pages, keyed by path."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Entry, str]] = {}

    def add(self, entry: Entry, file: str) -> None:
        """Take up a page, replacing what was known about its path.

        Args:
            entry: The page.
            file: Where the build writes it: `site_dir`, a slash, and what follows.
        """
        self._entries[entry["path"]] = entry, file

    def forget(self, path: str) -> None:
        """Drop a page, if it is known."""
        self._entries.pop(path, None)

    def merge(self, site_dir: Path) -> None:
        """Take up the pages of the manifest that the last build left, if it left one."""
        for entry in _read_entries(site_dir / FILE_NAME):
            path = entry["path"]
            name = path[1:] + "index.html" if path.endswith("/") else path[1:]
            self._entries.setdefault(path, (entry, f"{site_dir}/{name}"))

    def write(self, site_dir: Path, head: Head) -> list[str]:
        """Drop the pages whose file is gone and write the manifest in one step.

        Returns:
            The keys of pages that were left out because there was no room, sorted.

        Raises:
            TooManyPagesError: There are more than `MAX_PAGES` pages.
        """
        self._prune(site_dir)
        if len(self._entries) > MAX_PAGES:
            raise TooManyPagesError(f"{len(self._entries)} pages, {MAX_PAGES} at most")
        entries = [_settle(self._entries[path][0], self._entries) for path in sorted(self._entries)]
        opening = _opening(head, entries)
        data, left_out = _dump(opening, entries), set[str]()
        for left_out in _LEFT_OUT if len(data) > MAX_BYTES else ():
            data = _dump(opening, (_without(entry, left_out) for entry in entries))
            if len(data) <= MAX_BYTES:
                break
        _replace(site_dir / FILE_NAME, data)
        return sorted(left_out)

    def _prune(self, site_dir: Path) -> None:
        """Keep what exists in `site_dir`; a process may build other sites with the same object."""
        folder = f"{site_dir}/"
        exists = os.path.exists  # Asked once a page; a Path would triple the cost.
        self._entries = {
            path: (entry, file)
            for path, (entry, file) in self._entries.items()
            if file.startswith(folder) and exists(file)
        }


def _read_entries(file: Path) -> Iterator[Entry]:
    """Yield what are entries in a manifest; none where it is missing, damaged or of another schema.

    A file that somebody else has written may have anything in it.
    """
    try:
        document = json.loads(file.read_bytes())
        if document["schema"] == SCHEMA:
            yield from filter(is_entry, document["pages"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return


def _settle(entry: Entry, pages: Container[str]) -> Entry:
    """Keep of the paths that an entry names those that are pages, and former ones that are none."""
    settled = dict(entry)
    for key in ("previous", "next"):
        if settled.get(key, entry["path"]) not in pages:
            del settled[key]
    found = {
        "formerly": [p for p in entry.get("formerly", ()) if p not in pages][:MAX_FORMER_PATHS],
        "links": _pages_among(entry.get("links", ()), pages, entry["path"]),
        "anchors": _anchors_among(entry.get("anchors", ()), pages),
    }
    for key, paths in found.items():
        if paths:
            settled[key] = paths
        else:
            settled.pop(key, None)
    return cast("Entry", settled)


def _pages_among(links: Iterable[str], pages: Container[str], own: str) -> list[str]:
    found = {page for link in links if (page := _page_at(link, pages))}
    return sorted(found - {own})[:MAX_LINKS]


def _anchors_among(anchors: Iterable[str], pages: Container[str]) -> list[str]:
    found = set()
    for link in anchors:
        path, _, anchor = link.partition("#")
        if page := _page_at(path, pages):
            found.add(f"{page}#{anchor}")
    return sorted(found)[:MAX_LINKS]


def _page_at(path: str, pages: Container[str]) -> str | None:
    """Return the page that a host serves at a path; a folder also without the slash."""
    if path in pages:
        return path
    return f"{path}/" if f"{path}/" in pages else None


def _opening(head: Head, entries: Iterable[Entry]) -> dict[str, object]:
    """Return the keys of a manifest before its pages."""
    known = {
        name: value[:MAX_NAME_CHARS] if name in {"commit", "label", "version"} else value
        for name, value in asdict(head).items()
        if value
    }
    known["redirects"] = _targets(head.redirects, entries)
    if not known["redirects"]:
        del known["redirects"]
    return {"schema": SCHEMA, "site_name": head.site_name, "site_url": head.site_url, **known}


def _targets(redirects: Mapping[str, str], entries: Iterable[Entry]) -> dict[str, str]:
    """Return where each redirect leads: the path of a page, or the address of another site."""
    sources: dict[str, str] = {}
    paths = set()
    for entry in entries:
        paths.add(entry["path"])
        if source := entry.get("source"):
            sources.setdefault(source, entry["path"])
    found = {}
    for former, target in sorted(redirects.items()):
        is_address = target.lower().startswith(("http://", "https://"))
        leads_to = target if is_address else sources.get(target.partition("#")[0])
        if leads_to and former not in paths:
            found[former] = leads_to
    return dict(islice(found.items(), MAX_REDIRECTS))


def _dump(head: Mapping[str, object], entries: Iterable[Entry]) -> bytes:
    """Write a line for each page: the encoder for indented text takes ten times as long."""
    pages = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    opening = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    return f'{opening},\n "pages": [\n{pages}\n]\n}}\n'.encode()


def _without(entry: Entry, keys: Container[str]) -> Entry:
    return cast("Entry", {key: value for key, value in entry.items() if key not in keys})


def _replace(file: Path, data: bytes) -> None:
    """Write a file so that a reader finds the old one or the new one, never a part."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.write_bytes(data)
    draft.replace(file)
