"""How paths were read, from sums by day. Days are UTC days since the epoch, the last included."""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, func, literal_column, select

from tracker_server.database import plain_rows
from tracker_server.figures import Read
from tracker_server.queries.ranges import is_in, ranges_of
from tracker_server.statements import DAY_READ, DAY_READINGS


def read_readings(
    connection: Connection, first_day: int, last_day: int, path_ids: Collection[int]
) -> dict[int, Read]:
    """Return how each of these paths was read."""
    readings = dict.fromkeys(path_ids, Read())
    for number, ranges in ranges_of(first_day, last_day, path_ids):
        for path_id, *total in plain_rows(connection, _readings_in(number), ranges):
            # PostgreSQL's sum is a decimal number.
            readings[path_id] = Read(*map(int, total))
    return readings


@cache
def _readings_in(ranges: int) -> Select[Any]:
    key = DAY_READINGS.c.key
    path_id = key.bitwise_rshift(literal_column("16"))
    sums = (func.sum(DAY_READINGS.c[name]) for name in DAY_READ)
    return select(path_id, *sums).where(is_in(key, ranges)).group_by(path_id)
