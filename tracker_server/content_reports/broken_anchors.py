"""Which links lead to a place that their page does not have, and which one may be meant.

The manifest tells those within the site, readers those that they came by from anywhere. Where two
manifests tell that the heading was renamed, it is meant; else the one that is most like it may be.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import Connection, func, or_, select

from tracker_server.database import plain_rows
from tracker_server.likeness import Likeness, plain
from tracker_server.queries.events import of_events
from tracker_server.queries.missing import name_hosts
from tracker_server.queries.moved import Moves, read_moves
from tracker_server.queries.ranges import is_any
from tracker_server.queries.refs import read_refs
from tracker_server.queries.site_pages import count_views
from tracker_server.schema import OTHER
from tracker_server.statements import (
    BROKEN_ANCHORS,
    EVENT_COUNTS,
    FORMER_ANCHORS,
    HEADINGS,
    LABELS,
    PAGES,
    PATHS,
    REFERRERS,
)
from tracker_server.tables import Column, ContentReport, Table, TableQuestion
from tracker_server.vocabulary import MAX_VARIABLES

MAX_COMPARED = 200
"""For how many rows of each kind a heading is looked for, the first ones."""
LEAST = 0.6
"""From which similarity on a heading is named."""
_COLUMNS = (
    Column("path", "page"),
    Column("views", "number"),
    Column("target", "page"),
    Column("anchor", "code"),
    Column("count", "number"),
    Column("referrers", "list"),
    Column("suggestion", "code"),
    Column("heading", "text"),
    Column("why", "term"),
    Column("similarity", "share"),
)


class _Heading(NamedTuple):
    """A heading that there is."""

    anchor: str
    title: str


_Meant = tuple[str | None, str | None, str | None, float | None]
"""Anchor and title of a heading, why it may be meant, and how similar it is."""
_NONE: _Meant = (None, None, None, None)
RENAMED, SIMILAR = "renamed", "similar"
"""The heading had the anchor before; it is the one that is most like it."""
_Place = tuple[int, str]
"""Id of a path, and the anchor that it does not have."""
_TOP = "top"
"""Browsers have it on each page, in upper or lower case."""


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read what readers met, most often first, then links that most readers have before them."""
    moves = read_moves(connection)
    met = _read_met(connection, moves, question)
    views = count_views(connection, moves, question.first_day, question.last_day)
    broken = _read_broken(connection)
    ids = {page for row in broken for page in row[:2]} | {page for page, _ in met}
    refs = read_refs(connection, ids)
    broken.sort(key=lambda row: (-views[row[0]], refs[row[0]].path, refs[row[1]].path, row[2]))
    often = sorted(met, key=lambda one: (-met[one].total(), refs[one[0]].path, one[1]))
    places = [*often, *(row[1:] for row in broken)]
    meant = _read_renamed(connection, {*places})
    some = {*often[:MAX_COMPARED], *places[len(often) :][:MAX_COMPARED]} - meant.keys()
    headings = _read_headings(connection, {target for target, _ in some})
    meant |= {(target, anchor): _closest(anchor, headings[target]) for target, anchor in some}
    found = [
        (None, None, refs[place[0]], place[1], met[place].total(), name_hosts(met[place]))
        for place in often
    ] + [
        (refs[page], views[page], refs[target], anchor, None, ()) for page, target, anchor in broken
    ]
    rows = [(*row, *meant.get(place, _NONE)) for row, place in zip(found, places, strict=True)]
    whys = Counter(row[-2] for row in rows)
    facts = {
        "met": sum(hosts.total() for hosts in met.values()),
        "brokenLinks": len(broken),
        "onPages": len({row[0] for row in broken}),
        "renamedHeadings": whys[RENAMED],
        "similarHeadings": whys[SIMILAR],
    }
    return Table(_COLUMNS, tuple(rows), facts)


REPORT = ContentReport("broken-anchors", read)


def _read_broken(connection: Connection) -> list[tuple[int, int, str]]:
    columns = BROKEN_ANCHORS.c
    statement = select(columns.from_id, columns.to_id, columns.anchor)
    statement = statement.join_from(BROKEN_ANCHORS, PAGES, PAGES.c.path_id == columns.from_id)
    return [*plain_rows(connection, statement.where(PAGES.c.published.is_(True)))]


def _read_met(
    connection: Connection, moves: Moves, question: TableQuestion
) -> dict[_Place, Counter[str]]:
    """Return how often readers met each anchor that is not there, by the host they came from.

    What a page has among its headings by now is left out, and so are paths that are no page.
    """
    columns = EVENT_COUNTS.c
    statement = (
        select(columns.path_id, LABELS.c.text, REFERRERS.c.text, func.sum(columns.count))
        .join_from(EVENT_COUNTS, LABELS, LABELS.c.id == columns.label_id)
        .join(PATHS, PATHS.c.id == columns.path_id)
        .outerjoin(PAGES, PAGES.c.path_id == columns.path_id)
        .outerjoin(REFERRERS, REFERRERS.c.id == columns.number)
        .where(
            *of_events(connection, moves, question, "anchor"),
            or_(
                PAGES.c.path_id.is_not(None),
                PATHS.c.text == OTHER,
                is_any(columns.path_id, {*moves.pages}),
            ),
            func.lower(LABELS.c.text) != _TOP,
        )
        .group_by(columns.path_id, LABELS.c.text, REFERRERS.c.text)
    )
    met: defaultdict[_Place, Counter[str]] = defaultdict(Counter)
    rows = moves.fold(plain_rows(connection, statement), keys=3)
    headings = _read_headings(connection, {row[0] for row in rows})
    there = {(page, heading.anchor) for page, some in headings.items() for heading in some}
    for path_id, anchor, host, count in rows:
        if (path_id, anchor) not in there:
            # PostgreSQL's sum is a decimal number.
            met[path_id, anchor][host or ""] = int(count)
    return met


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


def _read_renamed(connection: Connection, places: Collection[_Place]) -> dict[_Place, _Meant]:
    """Return those headings that had an anchor before and are still there."""
    columns = FORMER_ANCHORS.c
    now = (HEADINGS.c.path_id == columns.path_id) & (HEADINGS.c.anchor == columns.anchor)
    statement = (
        select(columns.path_id, columns.former, HEADINGS.c.anchor, HEADINGS.c.title)
        .join_from(FORMER_ANCHORS, HEADINGS, now)
        .where(HEADINGS.c.position.is_not(None))
    )
    found: dict[_Place, _Meant] = {}
    ordered = sorted({path_id for path_id, _ in places})
    for start in range(0, len(ordered), MAX_VARIABLES):
        some = statement.where(columns.path_id.in_(ordered[start : start + MAX_VARIABLES]))
        for path_id, former, anchor, title in plain_rows(connection, some):
            if (path_id, former) in places:
                found[path_id, former] = anchor, title, RENAMED, None
    return found


def _closest(anchor: str, headings: Iterable[_Heading]) -> _Meant:
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
    return (*found, SIMILAR, round(best, 3)) if found and best >= LEAST else _NONE
