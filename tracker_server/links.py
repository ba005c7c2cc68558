"""Which pages of the site link to which: of two million rows, those that changed are written."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, String, cast, delete, func, select
from sqlalchemy import bindparam as parameter

from tracker_server.database import insert_rows, plain_rows
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
    _replace_links(connection, {ids[page.path]: page.links for page in pages}, ids, gone)
    connection.execute(delete(BROKEN_ANCHORS))
    insert_rows(connection, BROKEN_ANCHORS, [*_broken(pages, ids)])


def _replace_links(
    connection: Connection,
    links: Mapping[int, Sequence[str]],
    ids: Mapping[str, int],
    gone: Collection[int],
) -> None:
    if not any(links.values()):  # A build that leaves them out need not wait for each to go.
        connection.execute(delete(LINKS))
        return
    every = sorted(links.keys() | gone)
    for start in range(0, len(every), PART_PAGES):
        part = every[start : start + PART_PAGES]
        new = {path: {*filter(None, map(ids.get, links.get(path, ())))} - {path} for path in part}
        _replace_some(connection, part, new)


def _replace_some(connection: Connection, part: Sequence[int], new: Mapping[int, set[int]]) -> None:
    """Write how the links of some pages, in the order of their ids, differ from what there is."""
    columns = LINKS.c
    # One text for each page takes a quarter of the time that a row for each link does.
    targets = func.aggregate_strings(cast(columns.to_id, String), ",")
    known = select(columns.from_id, targets).group_by(columns.from_id)
    known = known.where(columns.from_id.between(part[0], part[-1]))
    old = dict(plain_rows(connection, known))
    lost: list[dict[str, int]] = []
    fresh: list[tuple[int, int]] = []
    for path in part:
        now = sorted(new[path])
        text = old.get(path, "")
        if text == ",".join(map(str, now)):
            continue
        before = {*map(int, text.split(","))} if text else set()
        lost += ({"from_": path, "to_": target} for target in before.difference(now))
        fresh += ((path, target) for target in now if target not in before)
    if lost:
        one = (columns.from_id == parameter("from_"), columns.to_id == parameter("to_"))
        connection.execute(delete(LINKS).where(*one), lost)
    insert_rows(connection, LINKS, fresh)


def _broken(pages: Iterable[Page], ids: Mapping[str, int]) -> Iterator[tuple[int, int, str]]:
    """Yield the links to anchors that are not there, as far as the headings are known."""
    anchors = {
        page.path: {heading.anchor for heading in page.headings}
        for page in pages
        if 0 < len(page.headings) < MAX_HEADINGS  # Of a longer list the end was left out.
    }
    for page in pages:
        for link in page.anchors:
            target, _, anchor = link.partition("#")
            if target in anchors and anchor not in anchors[target] and anchor.lower() != _TOP:
                yield ids[page.path], ids[target], anchor
