"""Which messages of a batch count, and the rows they make.

The rules, in the order a message meets them: a page-load id counts once; a view of
the same session and path counts once within the window. Both look at the database
and at what the same batch has already counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection, func, select

from tracker_server.errors import StorageError
from tracker_server.model import NotFound, Received, View
from tracker_server.schema import (
    BY_AUDIENCE,
    BY_PATH,
    BY_REFERRER,
    MAX_VISITOR_ID,
    SECONDS_PER_HOUR,
    day_of,
    visit_key,
)
from tracker_server.statements import AUDIENCES, REFERRERS, Statements
from tracker_server.vocabulary import Vocabulary

_Key = TypeVar("_Key", bound=tuple[int, ...])

MAX_REFERRERS = 10_000
MAX_AUDIENCES = 10_000


@dataclass(slots=True)
class Tally:
    """What a batch adds to the tables."""

    loads: dict[int, int] = field(default_factory=dict)
    """Page-load id to the time it was received."""
    visitors: dict[bytes, int] = field(default_factory=dict)
    """New sessions and the numbers they were given."""
    visits: dict[int, int] = field(default_factory=dict)
    """Key of `Visit` to the time it was last counted."""
    views: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    """Time and the ids of path, visitor, referrer and audience."""
    not_found: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    """Shown 404 pages by day, path and referrer."""


class Counting:
    """Turns messages into a `Tally` and a tally into rows."""

    def __init__(self, statements: Statements, view_window_seconds: int) -> None:
        self._statements = statements
        self._window = view_window_seconds
        self._referrers = Vocabulary(REFERRERS, select(func.count()).select_from(REFERRERS))
        self._audiences = Vocabulary(AUDIENCES, select(func.count()).select_from(AUDIENCES))

    def forget(self) -> None:
        """Drop remembered ids: after a rollback they may belong to nothing."""
        self._referrers.forget()
        self._audiences.forget()

    def count(
        self,
        connection: Connection,
        batch: Sequence[Received],
        paths: Mapping[str, int],
        highest_visitor: int,
    ) -> Tally:
        """Decide what counts, in the order the messages came."""
        tally = Tally()
        news = self._unseen(connection, batch, tally)
        if not news:
            return tally
        messages = [received.message for received in news]
        views = [message for message in messages if isinstance(message, View)]
        referrers = self._referrers.resolve(
            connection,
            {m.referrer for m in messages if isinstance(m, View | NotFound)},
            MAX_REFERRERS,
        )
        audiences = self._audiences.resolve(
            connection, {_audience(view) for view in views}, MAX_AUDIENCES
        )
        visitors = self._visitors(connection, views)
        last_views = self._last_views(connection, news, paths, visitors)
        for received in news:
            message, at = received.message, received.at
            path = paths[message.path]
            if isinstance(message, NotFound):
                tally.not_found[day_of(at), path, referrers[message.referrer]] += 1
            elif isinstance(message, View):
                visitor = visitors.get(message.session)
                if visitor is None:
                    visitor = _next_visitor(highest_visitor, tally)
                    visitors[message.session] = tally.visitors[message.session] = visitor
                near = self._near(at, path, visitor) & last_views.keys()
                if all(abs(at - last_views[key]) >= self._window for key in near):
                    key = visit_key(day_of(at), path, visitor)
                    last_views[key] = tally.visits[key] = at
                    tally.views.append(
                        (
                            at,
                            path,
                            visitor,
                            referrers[message.referrer],
                            audiences[_audience(message)],
                        )
                    )
        return tally

    def insert(self, connection: Connection, tally: Tally, tracking_since: int | None) -> None:
        """Write a tally: raw rows and roll-ups together."""
        statements = self._statements
        statements.insert_load.run(connection, list(tally.loads.items()))
        statements.add_not_found.run(connection, _rows(tally.not_found))
        if not tally.views:
            return
        statements.insert_visitor.run(connection, list(tally.visitors.items()))
        statements.keep_visit.run(connection, list(tally.visits.items()))
        statements.insert_view.run(connection, tally.views)
        self._roll_up(connection, tally)
        since = tracking_since or tally.views[0][0]
        statements.add_totals.run(connection, [(len(tally.views), len(tally.visitors), since)])

    def _unseen(
        self, connection: Connection, batch: Sequence[Received], tally: Tally
    ) -> list[Received]:
        """Return the messages that count by their page-load id, and note the ids."""
        candidates = [r for r in batch if isinstance(r.message, View | NotFound)]
        if not candidates:
            return []
        ids = [received.message.load for received in candidates]
        seen = {row[0] for row in self._statements.loads.fetch(connection, ids)}
        unseen = []
        for received in candidates:
            load = received.message.load
            if load not in seen:
                seen.add(load)
                tally.loads[load] = received.at
                unseen.append(received)
        return unseen

    def _visitors(self, connection: Connection, views: Sequence[View]) -> dict[bytes, int]:
        sessions = {view.session for view in views}
        return dict(self._statements.visitors.fetch(connection, sessions))

    def _last_views(
        self,
        connection: Connection,
        news: Sequence[Received],
        paths: Mapping[str, int],
        visitors: Mapping[bytes, int],
    ) -> dict[int, int]:
        """Return when the paths of these views were last counted for the same visitors."""
        keys: set[int] = set()
        for received in news:
            message, at = received.message, received.at
            visitor = visitors.get(message.session) if isinstance(message, View) else None
            if visitor is not None:
                keys |= self._near(at, paths[message.path], visitor)
        return dict(self._statements.visits.fetch(connection, keys))

    def _near(self, at: int, path: int, visitor: int) -> set[int]:
        """Return under which keys of `Visit` a view within the window may stand."""
        # Around midnight, or when the clock was set back, it stands under another day.
        days = range(day_of(at - self._window), day_of(at + self._window) + 1)
        return {visit_key(day, path, visitor) for day in days}

    def _roll_up(self, connection: Connection, tally: Tally) -> None:
        hours: Counter[tuple[int]] = Counter()
        days: Counter[tuple[int, int, int]] = Counter()
        all_time: Counter[tuple[int, int]] = Counter()
        for at, path, _visitor, referrer, audience in tally.views:
            hours[(at // SECONDS_PER_HOUR,)] += 1
            for dimension, key in (
                (BY_PATH, path),
                (BY_REFERRER, referrer),
                (BY_AUDIENCE, audience),
            ):
                days[dimension, day_of(at), key] += 1
                all_time[dimension, key] += 1
        self._statements.add_hour.run(connection, _rows(hours))
        self._statements.add_day.run(connection, _rows(days))
        self._statements.add_all_time.run(connection, _rows(all_time))


def _audience(view: View) -> str:
    return f"{view.country}/{view.language}/{view.device}"


def _next_visitor(highest: int, tally: Tally) -> int:
    number = highest + len(tally.visitors) + 1
    if number > MAX_VISITOR_ID:
        raise StorageError(f"no more than {MAX_VISITOR_ID:,} visitors can be told apart")
    return number


def _rows(counts: Mapping[_Key, int]) -> list[tuple[int, ...]]:
    return [(*key, count) for key, count in sorted(counts.items())]
