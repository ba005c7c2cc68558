"""How paths were read, from sums by day. Days are UTC days since the epoch, the last included."""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, func, literal_column, select

from tracker_server.database import plain_rows
from tracker_server.figures import Read
from tracker_server.queries.moved import Moves
from tracker_server.queries.ranges import is_in, ranges_of
from tracker_server.statements import DAY_READ, DAY_READINGS


def read_readings(
    connection: Connection, moves: Moves, first_day: int, last_day: int, page_ids: Collection[int]
) -> dict[int, Read]:
    """Return how each of these pages was read."""
    readings = dict.fromkeys(page_ids, Read())
    rows: list[tuple[Any, ...]] = []
    for number, ranges in ranges_of(first_day, last_day, moves.paths_of(*page_ids)):
        rows += plain_rows(connection, _readings_in(number), ranges)
    for page_id, *total in moves.fold(rows):
        # PostgreSQL's sum is a decimal number.
        readings[page_id] = Read(*map(int, total))
    return readings


@cache
def _readings_in(ranges: int) -> Select[Any]:
    key = DAY_READINGS.c.key
    path_id = key.bitwise_rshift(literal_column("16"))
    sums = (func.sum(DAY_READINGS.c[name]) for name in DAY_READ)
    return select(path_id, *sums).where(is_in(key, ranges)).group_by(path_id)
