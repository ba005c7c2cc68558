"""Where the raw views of a day are, so that reading some days looks at no others."""

from collections import defaultdict

from sqlalchemy import ColumnElement, Connection, select

from tracker_server.packing import SECONDS_PER_DAY
from tracker_server.statements import RUNS, VIEWS

LAST_DAY = (1 << 16) - 1
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
