"""Which messages of a batch count, and the rows they make.

The rules, in the order a message meets them: a page-load id counts once; a view of
the same session and path counts once within the window. Both look at the database
and at what the same batch has already counted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection, Executable, func, insert, select

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
from tracker_server.statements import AUDIENCES, LOADS, REFERRERS, VIEWS, VISITORS, Statements
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
                last = last_views.get((path, visitor))
                if last is None or abs(at - last) >= self._window:
                    last_views[path, visitor] = at
                    tally.visits[visit_key(day_of(at), path, visitor)] = at
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
        _many(connection, insert(LOADS), [{"id": n, "at": at} for n, at in tally.loads.items()])
        _many(
            connection,
            statements.add_not_found,
            _rows(("day", "path_id", "referrer_id"), tally.not_found),
        )
        if not tally.views:
            return
        visitors = [
            {"session": session, "id": number} for session, number in tally.visitors.items()
        ]
        _many(connection, insert(VISITORS), visitors)
        visits = [{"key": key, "last": last} for key, last in tally.visits.items()]
        _many(connection, statements.keep_visit, visits)
        columns = ("at", "path_id", "visitor_id", "referrer_id", "audience_id")
        _many(
            connection,
            insert(VIEWS),
            [dict(zip(columns, view, strict=True)) for view in tally.views],
        )
        self._roll_up(connection, tally)
        connection.execute(
            statements.add_totals,
            {
                "new_views": len(tally.views),
                "new_visitors": len(tally.visitors),
                "since": tracking_since or tally.views[0][0],
            },
        )

    def _unseen(
        self, connection: Connection, batch: Sequence[Received], tally: Tally
    ) -> list[Received]:
        """Return the messages that count by their page-load id, and note the ids."""
        candidates = [r for r in batch if isinstance(r.message, View | NotFound)]
        if not candidates:
            return []
        ids = [received.message.load for received in candidates]
        seen = set(connection.execute(self._statements.loads, {"ids": ids}).scalars())
        unseen = []
        for received in candidates:
            load = received.message.load
            if load not in seen:
                seen.add(load)
                tally.loads[load] = received.at
                unseen.append(received)
        return unseen

    def _visitors(self, connection: Connection, views: Sequence[View]) -> dict[bytes, int]:
        sessions = list({view.session for view in views})
        if not sessions:
            return {}
        rows = connection.execute(self._statements.visitors, {"sessions": sessions})
        return {row[0]: row[1] for row in rows}

    def _last_views(
        self,
        connection: Connection,
        news: Sequence[Received],
        paths: Mapping[str, int],
        visitors: Mapping[bytes, int],
    ) -> dict[tuple[int, int], int]:
        """Return when the paths of these views were last counted for the same visitors."""
        keys: dict[int, tuple[int, int]] = {}
        for received in news:
            message, at = received.message, received.at
            visitor = visitors.get(message.session) if isinstance(message, View) else None
            if visitor is not None:
                pair = (paths[message.path], visitor)
                # Around midnight, or when the clock was set back, it stands under another day.
                for day in {day_of(at - self._window), day_of(at), day_of(at + self._window)}:
                    keys[visit_key(day, *pair)] = pair
        last_views: dict[tuple[int, int], int] = {}
        if keys:
            for key, last in connection.execute(self._statements.visits, {"keys": list(keys)}):
                pair = keys[key]
                last_views[pair] = max(last, last_views.get(pair, last))
        return last_views

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
        _many(connection, self._statements.add_hour, _rows(("hour",), hours))
        _many(connection, self._statements.add_day, _rows(("dimension", "day", "key"), days))
        _many(connection, self._statements.add_all_time, _rows(("dimension", "key"), all_time))


def _audience(view: View) -> str:
    return f"{view.country}/{view.language}/{view.device}"


def _next_visitor(highest: int, tally: Tally) -> int:
    number = highest + len(tally.visitors) + 1
    if number > MAX_VISITOR_ID:
        raise StorageError(f"no more than {MAX_VISITOR_ID:,} visitors can be told apart")
    return number


def _rows(names: tuple[str, ...], counts: Mapping[_Key, int]) -> list[dict[str, int]]:
    return [{**dict(zip(names, key, strict=True)), "count": n} for key, n in sorted(counts.items())]


def _many(
    connection: Connection, statement: Executable, rows: Sequence[Mapping[str, object]]
) -> None:
    if rows:
        connection.execute(statement, rows)
