"""How the sections of pages were read in some days."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from operator import add
from typing import Any

from sqlalchemy import Connection, Select, func, literal_column, select

from tracker_server.database import plain_rows
from tracker_server.figures import SectionFigures
from tracker_server.queries.moved import Moves
from tracker_server.queries.ranges import is_any, is_in, ranges_of
from tracker_server.statements import DAY_HEADINGS, HEADINGS, SECTION_READ

_DAY_MASK = (1 << 16) - 1
_Heading = tuple[Any, ...]
"""Whether it is the page's own and no former path's, id, position, anchor, title, level, words."""
_Sums = tuple[int, int, int]
"""Page loads that had it in view, milliseconds, how many stopped there."""
_HEADINGS = select(
    *(HEADINGS.c.path_id, HEADINGS.c.id, HEADINGS.c.position, HEADINGS.c.anchor),
    *(HEADINGS.c.title, HEADINGS.c.level, HEADINGS.c.words),
)
_NOT_READ: _Sums = (0, 0, 0)
_SUMS = tuple(func.sum(DAY_HEADINGS.c[name]) for name in SECTION_READ)


def read_sections(
    connection: Connection, moves: Moves, first_day: int, last_day: int, path_id: int
) -> tuple[SectionFigures, ...]:
    """Read the sections of a page in its order, those that nobody had in view included.

    Sections that are gone from the manifest come last, those of them that were read in these days.
    """
    of_page = _HEADINGS.where(is_any(HEADINGS.c.path_id, moves.paths_of(path_id)))
    headings = [(path == path_id, *row) for path, *row in plain_rows(connection, of_page)]
    read = _read(connection, first_day, last_day, [row[1] for row in headings])
    return _in_order(headings, read)


def read_all_sections(
    connection: Connection, moves: Moves, first_day: int, last_day: int
) -> dict[int, tuple[SectionFigures, ...]]:
    """Read the sections of all pages that were read in these days, by the id of the path."""
    key = DAY_HEADINGS.c.key
    day = key.bitwise_and(literal_column(str(_DAY_MASK)))
    statement = (
        select(key.bitwise_rshift(literal_column("16")), *_SUMS)
        .where(day.between(first_day, last_day))
        .group_by(key.bitwise_rshift(literal_column("16")))
    )
    # PostgreSQL's sum is a decimal number.
    read = {row[0]: _whole(row[1:]) for row in plain_rows(connection, statement)}
    pages: defaultdict[int, list[_Heading]] = defaultdict(list)
    for path_id, *heading in plain_rows(connection, _HEADINGS):
        page_id = moves.page_of(path_id)
        pages[page_id].append((path_id == page_id, *heading))
    return {
        path_id: _in_order(headings, read)
        for path_id, headings in pages.items()
        if any(heading[1] in read for heading in headings)
    }


def _in_order(headings: Iterable[_Heading], read: dict[int, _Sums]) -> tuple[SectionFigures, ...]:
    """Put the headings of a page in order; those of former paths go by their ids in the page."""
    # New ids are greater, so of those that are gone the older ones come first.
    ordered = sorted(headings, key=lambda row: (not row[0], *_place(row[2]), row[1]))
    sections: dict[str, tuple[_Heading, _Sums | None]] = {}
    for heading in ordered:
        _, heading_id, _, anchor, *_ = heading
        first, sums = sections.get(anchor, (heading, None))
        if heading_id in read:
            sums = _whole(map(add, sums or _NOT_READ, read[heading_id]))
        sections[anchor] = first, sums
    return tuple(
        SectionFigures(anchor, title, level, words, *(sums or _NOT_READ), position is None)
        for (_, _, position, anchor, title, level, words), sums in sections.values()
        if position is not None or sums is not None
    )


def _whole(sums: Iterable[Any]) -> _Sums:
    loads, visible, stops = map(int, sums)
    return loads, visible, stops


def _place(position: int | None) -> tuple[bool, int]:
    return position is None, position or 0


def _read(
    connection: Connection, first_day: int, last_day: int, headings: list[int]
) -> dict[int, tuple[int, int, int]]:
    read = {}
    for number, ranges in ranges_of(first_day, last_day, headings):
        for heading, loads, visible, stops in plain_rows(connection, _sums_in(number), ranges):
            read[heading] = _whole((loads, visible, stops))
    return read


@cache
def _sums_in(ranges: int) -> Select[Any]:
    key = DAY_HEADINGS.c.key
    heading = key.bitwise_rshift(literal_column("16"))
    return select(heading, *_SUMS).where(is_in(key, ranges)).group_by(heading)
