"""Which messages of a batch count, and the rows they make.

The rules, in the order a message meets them: a page-load id counts once; a view of
the same session and path counts once within the window. Both look at the database
and at what the same batch has already counted.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeVar

from sqlalchemy import Connection, func, select

from tracker_server.errors import StorageError
from tracker_server.model import (
    OF_NO_SESSION,
    NotFound,
    Received,
    View,
)
from tracker_server.packing import (
    MAX_PATH_ID,
    MAX_VISITOR_ID,
    NOBODY,
    PATH_BITS,
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
    VISITOR_BITS,
    day_of,
    load_key,
    visit_key,
)
from tracker_server.schema import BY_AUDIENCE, BY_CAMPAIGN, BY_PATH, BY_REFERRER, OTHER
from tracker_server.statements import AUDIENCES, CAMPAIGNS, REFERRERS, VERSIONS, Statements
from tracker_server.vocabulary import Vocabulary

_Key = TypeVar("_Key", bound=tuple[int, ...])
_ViewRow = tuple[int, int, int, int, int, int, int]

MAX_REFERRERS = 10_000
MAX_CAMPAIGNS = 10_000
MAX_AUDIENCES = 20_000
MAX_VERSIONS = 200
MAX_NOT_FOUND = 1_000
"""How many pairs of missing path and referrer a day has; the rest is other paths by others."""

_MIXED = -1
"""Stands for the day of a run of views that are of several."""

_NO_CAMPAIGN = 0

_DIMENSIONS = (
    (BY_PATH, itemgetter(1)),
    (BY_REFERRER, itemgetter(3)),
    (BY_AUDIENCE, itemgetter(4)),
    (BY_CAMPAIGN, itemgetter(6)),
)


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
    """Time and the ids of path, visitor, referrer, audience, the path before and campaign."""
    not_found: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    """Shown 404 pages by day, path and referrer."""


class Counting:
    """Turns messages into a `Tally` and a tally into rows."""

    def __init__(self, statements: Statements, view_window_seconds: int) -> None:
        self._statements = statements
        self._window = view_window_seconds
        self._referrers = Vocabulary(REFERRERS, select(func.count()).select_from(REFERRERS))
        self._campaigns = Vocabulary(CAMPAIGNS, select(func.count()).select_from(CAMPAIGNS))
        self._audiences = Vocabulary(AUDIENCES, select(func.count()).select_from(AUDIENCES))
        self._versions = Vocabulary(VERSIONS, select(func.count()).select_from(VERSIONS))

    def forget(self) -> None:
        """Drop remembered ids: after a rollback they may belong to nothing."""
        self._referrers.forget()
        self._campaigns.forget()
        self._audiences.forget()
        self._versions.forget()

    def referrers(self, connection: Connection, hosts: Collection[str]) -> Mapping[str, int]:
        """Return the ids of hosts, making rows for them within their bound."""
        return self._referrers.resolve(connection, {OTHER, *hosts}, MAX_REFERRERS)

    def count(
        self,
        connection: Connection,
        batch: Sequence[Received],
        paths: Mapping[str, int],
        highest_visitor: int,
        others: Collection[int] = (),
    ) -> Tally:
        """Decide what counts, in the order the messages came.

        Args:
            connection: in a transaction that holds the lock.
            batch: the messages.
            paths: ids of the paths in it.
            highest_visitor: the last number that was handed out.
            others: sessions whose numbers are wanted too, if they have any.
        """
        sessions = {r.message.session for r in batch if type(r.message) not in OF_NO_SESSION}
        sessions.update(others)
        tally = Tally(dict(self._statements.visitors.fetch(connection, sessions)))
        news = [(r.at, r.message) for r in batch if isinstance(r.message, (View, NotFound))]
        if not news:
            return tally
        referrers = self.referrers(connection, {message.referrer for _at, message in news})
        campaigns = self._resolve_campaigns(connection, news)
        versions = self._bound_versions(connection, news)
        texts = [_audience(message, versions) for _at, message in news]
        audiences = self._audiences.resolve(connection, {*texts} - {""}, MAX_AUDIENCES)
        seen, last_views = self._before(connection, news, tally.visitors)
        for (at, message), audience in zip(news, texts, strict=True):
            path = paths[message.path]
            if isinstance(message, NotFound):
                load = load_key(NOBODY, message.load)
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
            visits = last_views[visitor]
            if load in seen or (visits and self._is_repetition(at, visitor, path, visits)):
                continue
            # What did not count needs no memory: should it count later, it is for the first time.
            seen.add(load)
            tally.loads[load] = at
            comes = message.referrer or message.campaign or not visits
            before = 0 if comes else self._path_before(visits, at)
            visit = visit_key(day_of(at), visitor, path)
            visits[visit] = tally.visits[visit] = at
            referrer = referrers[message.referrer]
            campaign = campaigns[message.campaign]
            row = (at, path, visitor, referrer, audiences[audience], before, campaign)
            tally.views.append(row)
        self._bound_not_found(connection, tally, (paths[OTHER], referrers[OTHER]))
        return tally

    def insert(
        self, connection: Connection, tally: Tally, tracking_since: int | None, run_day: int
    ) -> None:
        """Write a tally: raw rows and roll-ups together.

        Args:
            connection: in a transaction that holds the lock.
            tally: of this transaction.
            tracking_since: time of the first view that was ever counted.
            run_day: day of the latest `DayRun`.
        """
        statements = self._statements
        statements.insert_load.run(connection, sorted(tally.loads.items()))
        statements.add_not_found.run(connection, _rows(tally.not_found))
        if not tally.views:
            return
        statements.insert_visitor.run(connection, sorted(tally.new_visitors.items()))
        statements.keep_visit.run(connection, sorted(tally.visits.items()))
        run_day = self._keep_run(connection, tally.views, run_day)
        statements.insert_view.run(connection, tally.views)
        self._roll_up(connection, tally.views)
        since = tracking_since or tally.views[0][0]
        statements.add_totals.run(
            connection, [(len(tally.views), len(tally.new_visitors), since, run_day)]
        )

    def _keep_run(self, connection: Connection, views: Sequence[_ViewRow], run_day: int) -> int:
        """Begin a run unless these views go on with the latest; returns the day of the latest."""
        days = {day_of(view[0]) for view in views}
        if days != {run_day}:
            ((after,),) = self._statements.last_view.fetch(connection)
            self._statements.add_run.run(connection, [(after, day) for day in sorted(days)])
        return days.pop() if len(days) == 1 else _MIXED

    def _resolve_campaigns(
        self, connection: Connection, news: Sequence[tuple[int, View | NotFound]]
    ) -> Mapping[str, int]:
        """Return the ids of campaigns; where nobody came from one that takes no statement."""
        told = {message.campaign for _at, message in news if isinstance(message, View)} - {""}
        found = self._campaigns.resolve(connection, told, MAX_CAMPAIGNS) if told else {}
        return {"": _NO_CAMPAIGN, **found}

    def _bound_versions(
        self, connection: Connection, news: Sequence[tuple[int, View | NotFound]]
    ) -> Mapping[str, str]:
        """Return what each version goes by; where there are none that takes no statement."""
        told = {message.version for _at, message in news if isinstance(message, View)} - {""}
        if not told:
            return {"": ""}
        found = self._versions.resolve(connection, {OTHER, *told}, MAX_VERSIONS)
        return {"": "", **{text: text if found[text] != found[OTHER] else OTHER for text in told}}

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
        visitors: Mapping[int, int],
    ) -> tuple[set[int], defaultdict[int, dict[int, int]]]:
        """Return which of these loads have counted, and the visits of the window by visitor."""
        loads: set[int] = set()
        visits: set[int] = set()
        for at, message in news:
            if isinstance(message, NotFound):
                loads.add(load_key(NOBODY, message.load))
            elif message.session in visitors:  # Nobody else can have any.
                visitor = visitors[message.session]
                loads.add(load_key(visitor, message.load))
                visits.update(self._near(at, visitor))
        seen = {row[0] for row in self._statements.loads.fetch(connection, loads)}
        last_views: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for key, last in self._statements.visits.fetch(connection, visits):
            last_views[key >> PATH_BITS & MAX_VISITOR_ID][key] = last
        return seen, last_views

    def _is_repetition(self, at: int, visitor: int, path: int, visits: Mapping[int, int]) -> bool:
        for day in self._near(at, visitor):
            last = visits.get(day | path)
            if last is not None and abs(at - last) < self._window:
                return True
        return False

    def _near(self, at: int, visitor: int) -> tuple[int, ...]:
        """Return the keys of `Visit`, less the path, under which a view of the window may stand."""
        first, last = day_of(at - self._window), day_of(at + self._window)
        if first == last:
            return (visit_key(first, visitor, 0),)
        # Around midnight, or when the clock was set back, it stands under another day.
        return tuple(visit_key(day, visitor, 0) for day in range(first, last + 1))

    def _path_before(self, visits: Mapping[int, int], at: int) -> int:
        """Return the path from which a visit goes on with a view at this time, 0 where one begins.

        Visits end at midnight, as days do, so that what is counted by day adds up. Of paths that
        were viewed in the same second any will do, so long as it is always the same.
        """
        day = day_of(at)
        return max(
            (
                (last, key & MAX_PATH_ID)
                for key, last in visits.items()
                if key >> PATH_BITS + VISITOR_BITS == day and abs(at - last) < self._window
            ),
            default=(0, 0),
        )[1]

    def _roll_up(self, connection: Connection, views: Sequence[_ViewRow]) -> None:
        hours = Counter([view[0] // SECONDS_PER_HOUR for view in views])
        minutes = Counter([view[0] // SECONDS_PER_MINUTE for view in views])
        by_day: defaultdict[int, list[_ViewRow]] = defaultdict(list)
        for view in views:
            by_day[day_of(view[0])].append(view)
        days: list[tuple[int, ...]] = []
        all_time = []
        for dimension, key in _DIMENSIONS:
            for day, some in sorted(by_day.items()):
                counts = _counts(key, some)
                if dimension == BY_PATH:
                    days += [(dimension, day, *row) for row in _with_steps(counts, some)]
                else:
                    begun = _begun_visits(dimension, some)
                    days += [(dimension, day, entry, n, begun[entry], 0) for entry, n in counts]
            all_time += [(dimension, *count) for count in _counts(key, views)]
        self._statements.add_minute.run(connection, sorted(minutes.items()))
        self._statements.add_hour.run(connection, sorted(hours.items()))
        self._statements.add_day.run(connection, days)
        self._statements.add_all_time.run(connection, all_time)


def _counts(key: Callable[[_ViewRow], int], views: Sequence[_ViewRow]) -> list[tuple[int, int]]:
    """Count views by an id; those that have none are left out."""
    counts = Counter(map(key, views))
    counts.pop(0, None)
    return sorted(counts.items())


def _with_steps(
    counts: Sequence[tuple[int, int]], views: Sequence[_ViewRow]
) -> list[tuple[int, int, int, int]]:
    """Return path, views, entries and leads of the views of one day."""
    entries = Counter([view[1] for view in views if not view[5]])
    leads = Counter([view[5] for view in views if view[5]])
    rows = [(path, count, entries[path], leads.pop(path, 0)) for path, count in counts]
    return rows + [(path, 0, 0, led) for path, led in sorted(leads.items())]


def _begun_visits(dimension: int, views: Sequence[_ViewRow]) -> Counter[int]:
    """Return how many of these views began a visit, by referrer; nothing by all else."""
    return Counter([view[3] for view in views if not view[5]] if dimension == BY_REFERRER else ())


def _audience(message: View | NotFound, versions: Mapping[str, str]) -> str:
    """Return the text of a view's audience; a 404 page has none, and an empty one."""
    if isinstance(message, NotFound):
        return ""
    version = versions[message.version]
    return f"{message.country}/{message.language}/{message.device}/{message.browser}/{version}"


def _next_visitor(highest: int, tally: Tally) -> int:
    number = highest + len(tally.new_visitors) + 1
    if number > MAX_VISITOR_ID:
        raise StorageError(f"no more than {MAX_VISITOR_ID:,} visitors can be told apart")
    return number


def _rows(counts: Mapping[_Key, int]) -> list[tuple[int, ...]]:
    return [(*key, count) for key, count in sorted(counts.items())]
