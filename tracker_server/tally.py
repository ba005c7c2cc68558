"""Which messages of a batch count, and the rows they make.

The rules, in the order a message meets them: a page-load id counts once; a view of
the same session and path counts once within the window. Both look at the database
and at what the same batch has already counted.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeVar

from sqlalchemy import Connection, func, select

from tracker_server.errors import StorageError
from tracker_server.model import Event, NotFound, Received, View
from tracker_server.schema import (
    BY_AUDIENCE,
    BY_PATH,
    BY_REFERRER,
    MAX_VISITOR_ID,
    OTHER,
    SECONDS_PER_HOUR,
    day_of,
    load_key,
    visit_key,
)
from tracker_server.statements import AUDIENCES, REFERRERS, Statements
from tracker_server.vocabulary import Vocabulary

_Key = TypeVar("_Key", bound=tuple[int, ...])
_ViewRow = tuple[int, int, int, int, int]

MAX_REFERRERS = 10_000
MAX_AUDIENCES = 10_000
MAX_NOT_FOUND = 1_000
"""How many pairs of missing path and referrer a day has; the rest is other paths by others."""

_NOBODY = 0
"""The visitor that loads of 404 pages go by: whether their session has a number may change."""

_OF_NO_SESSION = {NotFound, Event}
"""Messages that neither begin nor need a visitor."""

_DIMENSIONS = ((BY_PATH, itemgetter(1)), (BY_REFERRER, itemgetter(3)), (BY_AUDIENCE, itemgetter(4)))


@dataclass(slots=True)
class Tally:
    """What a batch adds to the tables."""

    visitors: dict[int, int]
    """Sessions and their numbers, of all that are known or became so."""
    new_visitors: dict[int, int] = field(default_factory=dict)
    """Those of them that were given their numbers now."""
    loads: dict[int, int] = field(default_factory=dict)
    """Key of `Load` to the time it was received, of messages that counted."""
    visits: dict[int, int] = field(default_factory=dict)
    """Key of `Visit` to the time it was last counted."""
    views: list[_ViewRow] = field(default_factory=list)
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
        sessions = {r.message.session for r in batch if type(r.message) not in _OF_NO_SESSION}
        tally = Tally(dict(self._statements.visitors.fetch(connection, sessions)))
        news = [(r.at, r.message) for r in batch if isinstance(r.message, (View, NotFound))]
        if not news:
            return tally
        referrers = self._referrers.resolve(
            connection, {OTHER, *(message.referrer for _at, message in news)}, MAX_REFERRERS
        )
        texts = [_audience(message) for _at, message in news]
        audiences = self._audiences.resolve(connection, {*texts} - {""}, MAX_AUDIENCES)
        seen, last_views = self._before(connection, news, paths, tally.visitors)
        for (at, message), audience in zip(news, texts, strict=True):
            path = paths[message.path]
            if type(message) is NotFound:
                load = load_key(_NOBODY, message.load)
                if load not in seen:
                    seen.add(load)
                    tally.loads[load] = at
                    tally.not_found[day_of(at), path, referrers[message.referrer]] += 1
                continue
            visitor = tally.visitors.get(message.session)
            if visitor is None:
                visitor = _next_visitor(highest_visitor, tally)
                tally.visitors[message.session] = tally.new_visitors[message.session] = visitor
            load = load_key(visitor, message.load)
            if load in seen or self._is_repetition(at, visitor, path, last_views):
                continue
            # What did not count needs no memory: should it count later, it is for the first time.
            seen.add(load)
            tally.loads[load] = at
            visit = visit_key(day_of(at), visitor, path)
            last_views[visit] = tally.visits[visit] = at
            tally.views.append(
                (at, path, visitor, referrers[message.referrer], audiences[audience])
            )
        self._bound_not_found(connection, tally, (paths[OTHER], referrers[OTHER]))
        return tally

    def insert(self, connection: Connection, tally: Tally, tracking_since: int | None) -> None:
        """Write a tally: raw rows and roll-ups together."""
        statements = self._statements
        statements.insert_load.run(connection, sorted(tally.loads.items()))
        statements.add_not_found.run(connection, _rows(tally.not_found))
        if not tally.views:
            return
        statements.insert_visitor.run(connection, sorted(tally.new_visitors.items()))
        statements.keep_visit.run(connection, sorted(tally.visits.items()))
        statements.insert_view.run(connection, tally.views)
        self._roll_up(connection, tally.views)
        since = tracking_since or tally.views[0][0]
        statements.add_totals.run(connection, [(len(tally.views), len(tally.new_visitors), since)])

    def _bound_not_found(self, connection: Connection, tally: Tally, rest: tuple[int, int]) -> None:
        """Let no more pairs than the bound of a day have rows of their own."""
        for day in {key[0] for key in tally.not_found}:
            known = set(self._statements.not_found.fetch(connection, (day,)))
            for key in [key for key in tally.not_found if key[0] == day]:
                if key[1:] in known or len(known) < MAX_NOT_FOUND:
                    known.add(key[1:])
                else:
                    tally.not_found[day, *rest] += tally.not_found.pop(key)

    def _before(
        self,
        connection: Connection,
        news: Sequence[tuple[int, View | NotFound]],
        paths: Mapping[str, int],
        visitors: Mapping[int, int],
    ) -> tuple[set[int], dict[int, int]]:
        """Return which of these loads have counted, and when these paths were last counted."""
        loads: set[int] = set()
        visits: set[int] = set()
        for at, message in news:
            if isinstance(message, NotFound):
                loads.add(load_key(_NOBODY, message.load))
            elif message.session in visitors:  # Nobody else can have any.
                visitor = visitors[message.session]
                loads.add(load_key(visitor, message.load))
                visits.update(self._near(at, visitor, paths[message.path]))
        seen = {row[0] for row in self._statements.loads.fetch(connection, loads)}
        return seen, dict(self._statements.visits.fetch(connection, visits))

    def _is_repetition(
        self, at: int, visitor: int, path: int, last_views: Mapping[int, int]
    ) -> bool:
        for key in self._near(at, visitor, path):
            last = last_views.get(key)
            if last is not None and abs(at - last) < self._window:
                return True
        return False

    def _near(self, at: int, visitor: int, path: int) -> tuple[int, ...]:
        """Return under which keys of `Visit` a view within the window may stand."""
        first, last = day_of(at - self._window), day_of(at + self._window)
        if first == last:
            return (visit_key(first, visitor, path),)
        # Around midnight, or when the clock was set back, it stands under another day.
        return tuple(visit_key(day, visitor, path) for day in range(first, last + 1))

    def _roll_up(self, connection: Connection, views: Sequence[_ViewRow]) -> None:
        hours = Counter([view[0] // SECONDS_PER_HOUR for view in views])
        by_day: defaultdict[int, list[_ViewRow]] = defaultdict(list)
        for view in views:
            by_day[day_of(view[0])].append(view)
        days = []
        all_time = []
        for dimension, key in _DIMENSIONS:
            for day, some in sorted(by_day.items()):
                counts = sorted(Counter(map(key, some)).items())
                days += [(dimension, day, entry, count) for entry, count in counts]
            counts = sorted(Counter(map(key, views)).items())
            all_time += [(dimension, entry, count) for entry, count in counts]
        self._statements.add_hour.run(connection, sorted(hours.items()))
        self._statements.add_day.run(connection, days)
        self._statements.add_all_time.run(connection, all_time)


def _audience(message: View | NotFound) -> str:
    """Return the text of a view's audience; a 404 page has none, and an empty one."""
    if isinstance(message, NotFound):
        return ""
    return f"{message.country}/{message.language}/{message.device}"


def _next_visitor(highest: int, tally: Tally) -> int:
    number = highest + len(tally.new_visitors) + 1
    if number > MAX_VISITOR_ID:
        raise StorageError(f"no more than {MAX_VISITOR_ID:,} visitors can be told apart")
    return number


def _rows(counts: Mapping[_Key, int]) -> list[tuple[int, ...]]:
    return [(*key, count) for key, count in sorted(counts.items())]
