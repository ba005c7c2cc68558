"""Which links lead to a place that their page does not have, and which one may be meant."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection, select

from tracker_server.database import plain_rows
from tracker_server.likeness import Likeness, plain
from tracker_server.queries.moved import read_moves
from tracker_server.queries.refs import read_refs
from tracker_server.queries.site_pages import count_views
from tracker_server.statements import BROKEN_ANCHORS, HEADINGS, PAGES
from tracker_server.tables import Column, ContentReport, Table, TableQuestion
from tracker_server.vocabulary import MAX_VARIABLES

MAX_COMPARED = 200
"""For how many links a heading is looked for, those on the pages that are read most."""
LEAST = 0.6
"""From which similarity on a heading is named."""
_COLUMNS = (
    Column("path", "page"),
    Column("views", "number"),
    Column("target", "page"),
    Column("anchor", "code"),
    Column("suggestion", "code"),
    Column("heading", "text"),
    Column("similarity", "share"),
)


class _Heading(NamedTuple):
    """A heading that there is."""

    anchor: str
    title: str


_Closest = tuple[str, str, float] | tuple[None, None, None]
"""Anchor and title of a heading, and how similar it is."""
_NONE: _Closest = (None, None, None)


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the links, those first that most readers have before them."""
    views = count_views(connection, read_moves(connection), question.first_day, question.last_day)
    broken = _read_broken(connection)
    refs = read_refs(connection, {page for row in broken for page in row[:2]})
    broken.sort(key=lambda row: (-views[row[0]], refs[row[0]].path, refs[row[1]].path, row[2]))
    some = {(target, anchor) for _, target, anchor in broken[:MAX_COMPARED]}
    headings = _read_headings(connection, {target for target, _ in some})
    closest = {(target, anchor): _closest(anchor, headings[target]) for target, anchor in some}
    rows = tuple(
        (refs[page], views[page], refs[target], anchor, *closest.get((target, anchor), _NONE))
        for page, target, anchor in broken
    )
    facts = {
        "brokenLinks": len(rows),
        "onPages": len({row[0] for row in broken}),
        "similarHeadings": sum(row[-1] is not None for row in rows),
    }
    return Table(_COLUMNS, rows, facts)


REPORT = ContentReport("broken-anchors", read)


def _read_broken(connection: Connection) -> list[tuple[int, int, str]]:
    columns = BROKEN_ANCHORS.c
    statement = select(columns.from_id, columns.to_id, columns.anchor)
    statement = statement.join_from(BROKEN_ANCHORS, PAGES, PAGES.c.path_id == columns.from_id)
    return [*plain_rows(connection, statement.where(PAGES.c.published.is_(True)))]


def _read_headings(
    connection: Connection, path_ids: Collection[int]
) -> defaultdict[int, list[_Heading]]:
    """Return the headings of some pages, in the order of each page."""
    columns = HEADINGS.c
    statement = select(columns.path_id, columns.anchor, columns.title)
    statement = statement.where(columns.position.is_not(None)).order_by(columns.position)
    headings: defaultdict[int, list[_Heading]] = defaultdict(list)
    ordered = sorted(path_ids)
    for start in range(0, len(ordered), MAX_VARIABLES):
        some = statement.where(columns.path_id.in_(ordered[start : start + MAX_VARIABLES]))
        for path_id, anchor, title in plain_rows(connection, some):
            headings[path_id].append(_Heading(anchor, title))
    return headings


def _closest(anchor: str, headings: Iterable[_Heading]) -> _Closest:
    """Return the heading whose id or title is most like an anchor, the first of several."""
    name = plain(anchor)
    likeness = Likeness(name)
    best, found = 0.0, None
    for heading in headings:
        for text in {plain(heading.anchor), plain(heading.title)}:
            # A name that is much longer or shorter cannot be more alike.
            most = 2 * min(len(name), len(text)) / (len(name) + len(text) or 1)
            if most > best and (similarity := likeness.to(text)) > best:
                best, found = similarity, heading
    return (*found, round(best, 3)) if found and best >= LEAST else _NONE
