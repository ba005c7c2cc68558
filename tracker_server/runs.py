"""Where the raw views of a day are, so that reading some days looks at no others.

Rows are fetched in portions along their ids, so memory is bounded, and between two
portions others get their turn. The latest day is first: when the time is up, what is
missing are the earliest days.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from tracker_server.database import plain_rows
from tracker_server.packing import SECONDS_PER_DAY, day_of
from tracker_server.statements import RUNS, TOTALS, VIEWS

LAST_DAY = (1 << 16) - 1
PORTION_IDS = 20_000
"""Over how many ids one statement goes."""
_LAST_ID = (1 << 63) - 1

Span = tuple[int, int]
"""An id behind which views begin, and the id of the last one."""


def read_spans(connection: Connection, first_day: int, last_day: int) -> dict[int, list[Span]]:
    """Return, by day, where its views may be; those of other days may be there too."""
    runs: defaultdict[int, list[int]] = defaultdict(list)
    for after, day in connection.execute(select(RUNS.c.after_id, RUNS.c.day)).all():
        runs[after].append(day)
    begins = sorted(runs)
    spans: defaultdict[int, list[Span]] = defaultdict(list)
    for after, last in zip(begins, [*begins, _LAST_ID][1:], strict=True):
        for day in runs[after]:
            if first_day <= day <= last_day:
                spans[day].append((after, last))
    return dict(spans)


def of_days(first_day: int, last_day: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that a raw view is of these days."""
    at = VIEWS.c.at
    return at >= first_day * SECONDS_PER_DAY, at < (last_day + 1) * SECONDS_PER_DAY


def read_latest_first(
    connection: Connection,
    days: tuple[int, int],
    columns: Sequence[str],
    conditions: Sequence[ColumnElement[bool]],
    is_late: Callable[[], bool],
) -> Iterator[tuple[int, Iterator[list[Any]]]]:
    """Yield days and the portions of their raw views, the latest day first.

    Args:
        connection: for reading.
        days: the first and the last.
        columns: names of the columns that rows have.
        conditions: all of which a row fulfils.
        is_late: whether no further day is to be begun.
    """
    first_day, last_day = days
    spans = read_spans(connection, first_day, last_day)
    for day in range(last_day, first_day - 1, -1):
        if is_late():
            return
        statement = select(*(VIEWS.c[name] for name in columns))
        statement = statement.where(*of_days(day, day), *conditions)
        yield day, _portions(connection, spans.get(day, []), statement)


def first_counted_day(connection: Connection, days: tuple[int, int], read_day: int) -> int:
    """Return since when raw views were counted: were there any, are they kept, was there time.

    Args:
        connection: for reading.
        days: the first that is asked for and the last, which is it before any view.
        read_day: the earliest day that was read.
    """
    columns = TOTALS.c
    kept, began = connection.execute(select(columns.raw_since, columns.tracking_since)).one()
    first, last = days
    counted: list[int] = [first, read_day, kept, last if began is None else day_of(began)]
    return max(counted)


def _portions(
    connection: Connection, spans: Sequence[Span], statement: Select[Any]
) -> Iterator[list[Any]]:
    """Yield the rows of a day."""
    identifier = VIEWS.c.id
    highest = connection.execute(select(func.max(identifier))).scalar_one() or 0
    for after, last in spans:
        for start in range(after, min(last, highest), PORTION_IDS):
            end = min(start + PORTION_IDS, last, highest)
            rows = plain_rows(connection, statement.where(identifier > start, identifier <= end))
            if rows:
                yield rows
