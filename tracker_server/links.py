"""Which pages of the site link to which: of two million rows, those that changed are written."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy import bindparam as parameter

from tracker_server.database import plain_rows
from tracker_server.model import MAX_HEADINGS, Page
from tracker_server.statements import BROKEN_ANCHORS, LINKS

PART_PAGES = 2_000
"""Of how many pages the links are compared at a time."""

_TOP = "top"
"""The anchor that every page has, whatever its headings."""


def replace(
    connection: Connection,
    pages: Sequence[Page],
    ids: Mapping[str, int],
    gone: Collection[int],
) -> None:
    """Put the links of a manifest in force.

    Args:
        connection: in a transaction that holds the lock.
        pages: those of the manifest.
        ids: ids of their paths; a link to anything else is none of the site's.
        gone: ids of what was a page before.
    """
    wanted = {ids[page.path]: page for page in pages}
    every = sorted(wanted.keys() | gone)
    for start in range(0, len(every), PART_PAGES):
        part = every[start : start + PART_PAGES]
        new = {
            (path, ids[link])
            for path in part
            if path in wanted
            for link in wanted[path].links
            if link in ids and ids[link] != path
        }
        _write(connection, part, new)
    connection.execute(delete(BROKEN_ANCHORS))
    broken = [*_broken(pages, ids)]
    if broken:
        connection.execute(insert(BROKEN_ANCHORS), broken)


def _write(connection: Connection, part: Sequence[int], new: set[tuple[int, int]]) -> None:
    """Write how the links of some pages differ from those that there are."""
    columns = LINKS.c
    known = select(columns.from_id, columns.to_id)
    known = known.where(columns.from_id.between(part[0], part[-1]))
    old = {*plain_rows(connection, known)}
    gone = [{"from_": row[0], "to_": row[1]} for row in old - new]
    if gone:
        one = (columns.from_id == parameter("from_"), columns.to_id == parameter("to_"))
        connection.execute(delete(LINKS).where(*one), gone)
    fresh = [{"from_id": row[0], "to_id": row[1]} for row in sorted(new - old)]
    if fresh:
        connection.execute(insert(LINKS), fresh)


def _broken(pages: Iterable[Page], ids: Mapping[str, int]) -> Iterator[dict[str, object]]:
    """Yield the links to anchors that are not there, as far as the headings are known."""
    anchors = {
        page.path: {heading.anchor for heading in page.headings}
        for page in pages
        if 0 < len(page.headings) < MAX_HEADINGS  # Of a longer list the end was left out.
    }
    for page in pages:
        for link in page.anchors:
            target, _, anchor = link.rpartition("#")
            if target in anchors and anchor not in anchors[target] and anchor.lower() != _TOP:
                yield {"from_id": ids[page.path], "to_id": ids[target], "anchor": anchor}
