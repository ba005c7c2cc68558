"""How the sections of one page were read in some days."""

from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, func, literal_column, select

from tracker_server.database import plain_rows
from tracker_server.figures import SectionFigures
from tracker_server.queries.ranges import is_in, ranges_of
from tracker_server.statements import DAY_HEADINGS, HEADINGS, SECTION_READ


def read_sections(
    connection: Connection, first_day: int, last_day: int, path_id: int
) -> tuple[SectionFigures, ...]:
    """Read the sections of a page in its order, those that nobody had in view included.

    Sections that are gone from the manifest come last, those of them that were read in these days.
    """
    columns = HEADINGS.c
    statement = select(
        columns.id, columns.position, columns.anchor, columns.title, columns.level, columns.words
    ).where(columns.path_id == path_id)
    # New ids are greater, so of those that are gone the older ones come first.
    headings = sorted(plain_rows(connection, statement), key=lambda row: (*_place(row[1]), row[0]))
    read = _read(connection, first_day, last_day, [row[0] for row in headings])
    return tuple(
        SectionFigures(anchor, title, level, words, *read.get(heading, (0, 0, 0)), position is None)
        for heading, position, anchor, title, level, words in headings
        if position is not None or heading in read
    )


def _place(position: int | None) -> tuple[bool, int]:
    return position is None, position or 0


def _read(
    connection: Connection, first_day: int, last_day: int, headings: list[int]
) -> dict[int, tuple[int, int, int]]:
    read = {}
    for number, ranges in ranges_of(first_day, last_day, headings):
        for heading, loads, visible, stops in plain_rows(connection, _sums_in(number), ranges):
            # PostgreSQL's sum is a decimal number.
            read[heading] = int(loads), int(visible), int(stops)
    return read


@cache
def _sums_in(ranges: int) -> Select[Any]:
    key = DAY_HEADINGS.c.key
    heading = key.bitwise_rshift(literal_column("16"))
    sums = (func.sum(DAY_HEADINGS.c[name]) for name in SECTION_READ)
    return select(heading, *sums).where(is_in(key, ranges)).group_by(heading)
