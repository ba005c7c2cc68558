"""What readers think of each page, or section: ratings against how often it was read."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.grains import ALL
from tracker_server.model import MAX_HEADINGS
from tracker_server.queries.events import of_events
from tracker_server.queries.moved import Moves, read_moves
from tracker_server.queries.readings import read_readings
from tracker_server.queries.refs import read_refs
from tracker_server.schema import WHOLE_SITE
from tracker_server.statements import EVENT_COUNTS, HEADINGS
from tracker_server.tables import (
    SHARE_DIGITS,
    Column,
    ContentReport,
    Kind,
    Option,
    Table,
    TableQuestion,
    Value,
    share_of,
)
from tracker_server.vocabulary import MAX_VARIABLES

_COLUMNS = (
    Column("path", "page"),
    Column("reads", "number"),
    Column("positive", "number"),
    Column("negative", "number"),
    Column("ratePerThousand", "decimal"),
    Column("positiveShare", "share"),
    Column("shareChange", "points"),
)
_SECTION_COLUMNS = (
    Column("path", "page"),
    Column("section", "text"),
    Column("anchor", "code"),
    Column("ratings", "number"),
    Column("positive", "number"),
    Column("negative", "number"),
    Column("positiveShare", "share"),
    Column("shareChange", "points"),
)
_BY_HEADING = Option("headings", 0, 0, 1)
"""1: a row for each heading below which a form stands."""
_FACT_KINDS: dict[str, Kind] = {"positiveShare": "share", "ratePerThousand": "decimal"}

_Ratings = tuple[int, int]
"""How many were positive, and how many negative."""
_Place = tuple[int, int]
"""Ids of a path and of a heading on it; 0 for none."""
_Heading = tuple[int, str | None, str | None]
"""Where in its page it stands, its title and its id."""
_Rated = TypeVar("_Rated", int, _Place)


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the pages, or headings, that were rated, those first with most negative ratings."""
    moves = read_moves(connection)
    sections = _read_ratings(connection, moves, question)
    before: dict[_Place, _Ratings] = {}
    if question.period != ALL:
        before = _read_ratings(connection, moves, _days_before(question))
    pages = _by_page(sections)
    days = question.days
    readings = read_readings(connection, moves, *days, {WHOLE_SITE, *pages})
    refs = read_refs(connection, pages)
    rows: list[tuple[Value, ...]]
    if question.option(_BY_HEADING.name):
        headings = _read_headings(connection, {heading for _, heading in (*sections, *before)})
        places = _one_of_each({*sections, *before}, headings)
        sections, before = _united(sections, places), _united(before, places)
        ordered = _worst_first(sections, lambda one: (refs[one[0]].path, headings[one[1]]))
        rows = [
            (
                refs[one[0]],
                *headings[one[1]][1:],
                sum(rated),
                *rated,
                _share(rated),
                _change(rated, before.get(one)),
            )
            for one, rated in ordered
        ]
    else:
        pages_before = _by_page(before)
        rows = [
            (
                refs[page],
                readings[page].loads,
                *rated,
                _rate(rated, readings[page].loads),
                _share(rated),
                _change(rated, pages_before.get(page)),
            )
            for page, rated in _worst_first(pages, lambda page: refs[page].path)
        ]
    whole = _sum(pages.values())
    facts = {
        "ratings": sum(whole),
        "positiveShare": _share(whole),
        "ratePerThousand": _rate(whole, readings[WHOLE_SITE].loads),
    }
    columns = _SECTION_COLUMNS if question.option(_BY_HEADING.name) else _COLUMNS
    return Table(columns, tuple(rows), facts, fact_kinds=_FACT_KINDS)


REPORT = ContentReport("feedback", read, (_BY_HEADING,))


def _days_before(question: TableQuestion) -> TableQuestion:
    length = question.last_day - question.first_day + 1
    first = question.first_day - length
    return replace(question, first_day=first, last_day=question.first_day - 1)


def _read_ratings(
    connection: Connection, moves: Moves, question: TableQuestion
) -> dict[_Place, _Ratings]:
    columns = EVENT_COUNTS.c
    place = columns.path_id, columns.number
    statement = (
        select(*place, func.sum(columns.total), func.sum(columns.zeros))
        .where(*of_events(connection, moves, question, "feedback"))
        .group_by(*place)
    )
    # PostgreSQL's sum is a decimal number.
    rows = moves.fold(plain_rows(connection, statement), keys=2)
    return {
        (path_id, heading): (int(positive), int(negative))
        for path_id, heading, positive, negative in rows
    }


def _read_headings(connection: Connection, ids: Collection[int]) -> dict[int, _Heading]:
    """Return what is known of some headings, and of 0, which is none."""
    columns = HEADINGS.c
    statement = select(columns.id, columns.position, columns.title, columns.anchor)
    found: dict[int, _Heading] = {0: (-1, None, None)}
    ordered = sorted(ids)
    for start in range(0, len(ordered), MAX_VARIABLES):
        some = statement.where(columns.id.in_(ordered[start : start + MAX_VARIABLES]))
        for heading, position, title, anchor in plain_rows(connection, some):
            # Those that are gone come last.
            found[heading] = (MAX_HEADINGS if position is None else position, title, anchor)
    return found


def _by_page(ratings: Mapping[_Place, _Ratings]) -> dict[int, _Ratings]:
    pages: defaultdict[int, list[_Ratings]] = defaultdict(list)
    for (path_id, _), rated in ratings.items():
        pages[path_id].append(rated)
    return {path_id: _sum(rated) for path_id, rated in pages.items()}


def _one_of_each(
    places: Iterable[_Place], headings: Mapping[int, _Heading]
) -> dict[_Place, _Place]:
    """Return which heading stands for one: those of former paths are the page's with their id.

    That is the one that is there, else the oldest.
    """
    named: defaultdict[tuple[int, str | None], list[_Place]] = defaultdict(list)
    for page, heading in sorted(places, key=lambda place: (headings[place[1]][0], place[1])):
        named[page, headings[heading][2]].append((page, heading))
    return {place: same[0] for same in named.values() for place in same}


def _united(
    ratings: Mapping[_Place, _Ratings], places: Mapping[_Place, _Place]
) -> dict[_Place, _Ratings]:
    found: defaultdict[_Place, list[_Ratings]] = defaultdict(list)
    for place, rated in ratings.items():
        found[places[place]].append(rated)
    return {place: _sum(rated) for place, rated in found.items()}


def _worst_first(
    ratings: Mapping[_Rated, _Ratings], name: Callable[[_Rated], Any]
) -> list[tuple[_Rated, _Ratings]]:
    """Return what was rated with most negative ratings first, then with fewest positive ones."""
    return sorted(ratings.items(), key=lambda one: (-one[1][1], one[1][0], name(one[0])))


def _sum(ratings: Iterable[_Ratings]) -> _Ratings:
    positive = negative = 0
    for one in ratings:
        positive += one[0]
        negative += one[1]
    return positive, negative


def _change(ratings: _Ratings, before: _Ratings | None) -> float | None:
    """Return by how much the share has changed; ``None`` without ratings before."""
    share, share_before = _share(ratings), _share(before or (0, 0))
    if share is None or share_before is None:
        return None
    return round(share - share_before, SHARE_DIGITS)


def _share(ratings: _Ratings) -> float | None:
    """Return which share was positive; ``None`` without a rating."""
    return share_of(ratings[0], sum(ratings))


def _rate(ratings: _Ratings, reads: int) -> float | None:
    """Return how many ratings there were to a thousand reads; ``None`` without a read."""
    return round(sum(ratings) * 1_000 / reads, 1) if reads else None
