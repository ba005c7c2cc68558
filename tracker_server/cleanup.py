"""Housekeeping in small steps: each looks at a bounded number of rows of one table.

Every table here has an integer key and is walked along it, so a step costs the same
however large the table is, and no message ever waits for more than one step.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

from pyroaring import BitMap
from sqlalchemy import Connection, Table, and_, delete, func, select, update
from sqlalchemy.sql import ColumnElement

from tracker_server.config import Settings
from tracker_server.schema import (
    MAX_PATH_ID,
    MAX_VISITOR_ID,
    PATH_BITS,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    VISITOR_BITS,
    WHOLE_SITE,
    day_of,
    day_visitors_key,
)
from tracker_server.statements import LOADS, SESSIONS, TOTALS, VIEWS, VISITS, Statements

STEP_ROWS = 2_000
"""How many rows one step looks at."""
TRUST_SECONDS = SECONDS_PER_HOUR
"""For how long the clock has to run evenly before raw views are deleted by what it says."""

_LOWEST = -(1 << 63)


class CleanUp:
    """Walks the tables round after round; remembers where it is."""

    def __init__(self, statements: Statements, settings: Settings) -> None:
        self._statements = statements
        self._settings = settings
        self._jobs: tuple[Callable[[Connection, int], bool], ...] = (
            self._end_sessions,
            self._forget_loads,
            self._seal_visits,
            self._prune_views,
        )
        self._job = 0
        self._after = _LOWEST
        self._clock = _EvenClock(2 * settings.cleanup_seconds + 60)

    def step(self, connection: Connection, now: int) -> bool:
        """Do one step; returns whether it was the last one of a round."""
        self._clock.hear(now)
        if self._jobs[self._job](connection, now):
            self._after = _LOWEST
            self._job = (self._job + 1) % len(self._jobs)
            return self._job == 0
        return False

    def _end_sessions(self, connection: Connection, now: int) -> bool:
        part = self._next_part(connection, SESSIONS, SESSIONS.c.key)
        if part is None:
            return True
        age = func.abs(SESSIONS.c.last_seen - now)
        ended = age >= self._settings.session_timeout_seconds
        connection.execute(delete(SESSIONS).where(part, ended))
        return False

    def _forget_loads(self, connection: Connection, now: int) -> bool:
        part = self._next_part(connection, LOADS, LOADS.c.key)
        if part is None:
            return True
        old = func.abs(LOADS.c.at - now) >= self._settings.load_memory_seconds
        connection.execute(delete(LOADS).where(part, old))
        return False

    def _seal_visits(self, connection: Connection, now: int) -> bool:
        part = self._next_part(connection, VISITS, VISITS.c.key)
        if part is None:
            return True
        left = and_(part, func.abs(VISITS.c.last - now) >= self._settings.view_window_seconds)
        keys = connection.execute(select(VISITS.c.key).where(left)).scalars().all()
        if keys:
            seal(connection, self._statements, keys)
            connection.execute(delete(VISITS).where(left))
        return False

    def _prune_views(self, connection: Connection, now: int) -> bool:
        days = self._settings.retention_days
        if days == 0 or not self._clock.is_trusted(now):
            return True
        # Views are kept in the order they came: when a step finds none to delete, none is left.
        return prune_views(connection, day_of(now) - days, _LOWEST)[1] == 0

    def _next_part(
        self, connection: Connection, table: Table, key: ColumnElement[int]
    ) -> ColumnElement[bool] | None:
        """Return a condition for the next rows of a table, ``None`` at its end."""
        last = last_of_part(connection, table, key, self._after)
        if last is None:
            return None
        part = key.between(self._after, last)
        self._after = last + 1
        return part


class _EvenClock:
    """Tells for how long the time has neither jumped nor stood still."""

    def __init__(self, tolerance: int) -> None:
        self._tolerance = tolerance
        self._since: int | None = None
        self._heard = 0

    def hear(self, now: int) -> None:
        if self._since is None or not 0 <= now - self._heard <= self._tolerance:
            self._since = now
        self._heard = now

    def is_trusted(self, now: int) -> bool:
        return self._since is not None and now - self._since >= TRUST_SECONDS


def last_of_part(
    connection: Connection, table: Table, key: ColumnElement[int], first: int
) -> int | None:
    """Return the last key of the next `STEP_ROWS` rows from `first` on, ``None`` for no rows."""
    some = select(key).select_from(table).where(key >= first).order_by(key).limit(STEP_ROWS)
    last: int | None = connection.execute(select(func.max(some.subquery().c[0]))).scalar_one()
    return last


def prune_views(connection: Connection, first_day: int, after: int) -> tuple[int | None, int]:
    """Delete raw views of the days before one, among the next `STEP_ROWS` of them.

    Args:
        connection: in a transaction that holds the lock.
        first_day: the first day to keep, since the epoch.
        after: the id to begin behind.

    Returns:
        The last id looked at, ``None`` at the end of the table, and how many rows went.
    """
    last = last_of_part(connection, VIEWS, VIEWS.c.id, after + 1)
    if last is None:
        return None, 0
    connection.execute(
        update(TOTALS).where(TOTALS.c.raw_since < first_day).values(raw_since=first_day)
    )
    part = VIEWS.c.id.between(after + 1, last)
    old = VIEWS.c.at < first_day * SECONDS_PER_DAY
    return last, connection.execute(delete(VIEWS).where(part, old)).rowcount


def seal(connection: Connection, statements: Statements, visit_keys: Iterable[int]) -> None:
    """Add visits to the sets of visitors of their days, for their paths and for the site."""
    sets: defaultdict[int, list[int]] = defaultdict(list)
    for key in visit_keys:
        visitor = key >> PATH_BITS & MAX_VISITOR_ID
        day = key >> PATH_BITS + VISITOR_BITS
        sets[day_visitors_key(key & MAX_PATH_ID, day)].append(visitor)
        sets[day_visitors_key(WHOLE_SITE, day)].append(visitor)
    stored: dict[int, bytes] = dict(statements.day_visitors.fetch(connection, sets))
    rows = []
    for key, visitors in sorted(sets.items()):
        members = BitMap.deserialize(stored[key]) if key in stored else BitMap()
        members.update(visitors)
        members.run_optimize()
        rows.append((key, len(members), members.serialize()))
    statements.keep_day_visitors.run(connection, rows)
