"""Housekeeping in small steps: each looks at a bounded number of rows of one table.

Every table here has an integer key and is walked along it, so a step costs the same
however large the table is, and no message ever waits for more than one step.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from pyroaring import BitMap
from sqlalchemy import Connection, Table, and_, delete, func, select, update
from sqlalchemy.sql import ColumnElement

from tracker_server.config import Settings
from tracker_server.packing import (
    MAX_PATH_ID,
    MAX_VISITOR_ID,
    PATH_BITS,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
    VISITOR_BITS,
    day_of,
    day_visitors_key,
)
from tracker_server.schema import WHOLE_SITE
from tracker_server.statements import (
    LOADS,
    MINUTES,
    READINGS,
    RUNS,
    SESSIONS,
    TOTALS,
    VIEWS,
    VISITS,
    Statements,
)
from tracker_server.vocabulary import MAX_VARIABLES

STEP_ROWS = 2_000
"""How many rows one step looks at."""
COLLECTED_ROWS = 20_000
"""How many visits are gathered before they are sealed, so that a set is seldom made anew."""
KEPT_MINUTES = 120
SEAL_ROWS = 1_000
SEAL_SETS = 32
"""How many visits and how many sets one step seals at most."""
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
            partial(self._forget, LOADS, settings.load_memory_seconds),
            partial(self._forget, READINGS, settings.load_memory_seconds),
            _forget_minutes,
            self._seal_visits,
            self._prune_views,
        )
        self._job = 0
        self._patience = 1
        self._after = _LOWEST
        self._collected: list[int] = []
        """Keys of visits that are to be sealed."""
        self._unsealed: list[tuple[int, list[int]]] = []
        """The same by set; the next one to be sealed is the last."""
        self._clock = _EvenClock(2 * settings.cleanup_seconds + 60)

    def step(self, connection: Connection, now: int, patience: int) -> bool:
        """Do one step; returns whether it was the last one of a round."""
        self._clock.hear(now)
        self._patience = patience
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
        ended = age >= self._settings.session_timeout_seconds * self._patience
        connection.execute(delete(SESSIONS).where(part, ended))
        return False

    def _forget(self, table: Table, seconds: int, connection: Connection, now: int) -> bool:
        """Delete what is so old that no message is about it any more."""
        part = self._next_part(connection, table, table.c.key)
        if part is None:
            return True
        connection.execute(delete(table).where(part, func.abs(table.c.at - now) >= seconds))
        return False

    def _seal_visits(self, connection: Connection, now: int) -> bool:
        """Gather visits that the window has left behind, then seal them set by set."""
        if self._unsealed:
            self._seal_some(connection, now)
            return False
        part = self._next_part(connection, VISITS, VISITS.c.key)
        if part is not None:
            left = and_(part, self._is_left_behind(now))
            self._collected += connection.execute(select(VISITS.c.key).where(left)).scalars()
        elif not self._collected:
            return True
        if part is None or len(self._collected) >= COLLECTED_ROWS:
            self._unsealed = _by_set(self._collected)
            self._collected = []
        return False

    def _seal_some(self, connection: Connection, now: int) -> None:
        sets: dict[int, list[int]] = {}
        sealed: list[int] = []
        room = SEAL_ROWS
        while self._unsealed and len(sets) < SEAL_SETS and room > 0:
            key, visits = self._unsealed[-1]
            some = visits[-room:]
            del visits[-room:]
            room -= len(some)
            if not visits:
                self._unsealed.pop()
            sets[key] = [visit >> PATH_BITS & MAX_VISITOR_ID for visit in some]
            # The sets of the site come first: then what a set of a path has is in both.
            sealed += some if key >> 16 != WHOLE_SITE else []
        add_to_sets(connection, self._statements, sets)
        # Who came again meanwhile is in the set all the same, and is remembered for the window.
        for start in range(0, len(sealed), MAX_VARIABLES):
            some = sealed[start : start + MAX_VARIABLES]
            gone = and_(VISITS.c.key.in_(some), self._is_left_behind(now))
            connection.execute(delete(VISITS).where(gone))

    def _is_left_behind(self, now: int) -> ColumnElement[bool]:
        return func.abs(VISITS.c.last - now) >= self._settings.view_window_seconds

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
        last = _last_of_part(connection, table, key, self._after)
        if last is None:
            return None
        part = key.between(self._after, last)
        self._after = last + 1
        return part


def _forget_minutes(connection: Connection, now: int) -> bool:
    """Delete the views by minute that nobody is shown any more; there are few at any time."""
    old = func.abs(MINUTES.c.minute - now // SECONDS_PER_MINUTE) >= KEPT_MINUTES
    connection.execute(delete(MINUTES).where(old))
    return True


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


def _last_of_part(
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
    last = _last_of_part(connection, VIEWS, VIEWS.c.id, after + 1)
    if last is None:
        return None, 0
    connection.execute(
        update(TOTALS).where(TOTALS.c.raw_since < first_day).values(raw_since=first_day)
    )
    # When no view is left, ids begin anew: no run of before may reach into them.
    if connection.execute(delete(RUNS).where(RUNS.c.day < first_day)).rowcount:
        connection.execute(update(TOTALS).values(run_day=-1))
    part = VIEWS.c.id.between(after + 1, last)
    old = VIEWS.c.at < first_day * SECONDS_PER_DAY
    return last, connection.execute(delete(VIEWS).where(part, old)).rowcount


def _by_set(visits: Iterable[int]) -> list[tuple[int, list[int]]]:
    """Sort keys of `Visit` by the sets they belong to, those of the whole site last."""
    sets: defaultdict[int, list[int]] = defaultdict(list)
    for visit in visits:
        day = visit >> PATH_BITS + VISITOR_BITS
        sets[day_visitors_key(visit & MAX_PATH_ID, day)].append(visit)
        sets[day_visitors_key(WHOLE_SITE, day)].append(visit)
    return sorted(sets.items(), reverse=True)


def add_to_sets(
    connection: Connection, statements: Statements, sets: Mapping[int, Iterable[int]]
) -> None:
    """Add visitors to sets.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        sets: key of `DayVisitors` to the numbers of visitors.
    """
    stored: dict[int, bytes] = dict(statements.day_visitors.fetch(connection, sets))
    rows = []
    for key, visitors in sorted(sets.items()):
        members = BitMap.deserialize(stored[key]) if key in stored else BitMap()
        members.update(visitors)
        members.run_optimize()
        rows.append((key, len(members), members.serialize()))
    statements.keep_day_visitors.run(connection, rows)
