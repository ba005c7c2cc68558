"""The tracker against a model of its rules in thirty lines of plain Python.

The model keeps everything in dictionaries and looks at one message at a time. The
tracker gets the same messages in batches of any size, over restarts, failed commits
and a clock that jumps; afterwards every table must say what the model says, and every
roll-up what a recount of the raw views says.

``TEST_EVENTS`` in the environment sets how many messages the long streams have together.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import cycle, islice
from operator import sub
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from tests.server.conftest import NOON, FakeClock, MakeDatabase, refuse_writes
from tracker_server import cleanup as cleanup_module
from tracker_server.app import Tracker, create_app
from tracker_server.audit import compare
from tracker_server.config import Settings
from tracker_server.database import open_reader
from tracker_server.errors import StorageError
from tracker_server.figures import (
    Count,
    Deploy,
    Figures,
    Filters,
    MissingPath,
    PageCount,
    PageFigures,
    Question,
    Read,
    Report,
    Series,
)
from tracker_server.model import (
    Beat,
    Engagement,
    Event,
    Leave,
    Manifest,
    Message,
    NotFound,
    Page,
    Received,
    View,
)
from tracker_server.packing import (
    MAX_PATH_ID,
    MAX_VISITOR_ID,
    PATH_BITS,
    VISITOR_BITS,
    load_key,
    uncounted_key,
)
from tracker_server.queries.report import read_report
from tracker_server.schema import WHOLE_SITE

EVENTS = int(os.environ.get("TEST_EVENTS", "100000"))
DAY = 86_400
WINDOW = 1_800
POISON = 666
"""The page-load id that makes a commit fail."""

SESSIONS = [3, 2**62, 2**63 - 1, -5, -2, -(2**63), 77, -77]
PATHS = ["/", "/a/", "/b/", "/guide/install/", "/\u00fcber/"]
REFERRERS = ["", "search.example", "old.example"]
CAMPAIGNS = ["", "", "", "news/email/spring", "forum//"]
AUDIENCES = [
    ("", "", "", "", ""),
    ("DE", "de", "small", "Firefox", "1.2"),
    ("DE", "en", "large", "Safari", ""),
    ("IN", "en", "large", "Chrome", "latest"),
]
FILTERS = [
    Filters(country="DE"),
    Filters(language="en", device="large"),
    Filters(browser=""),
    Filters(referrer="search.example"),
    Filters(page="/a/", country="DE"),
    Filters(page="/b/", referrer="", browser="Safari"),
    Filters(campaign="news/email/spring"),
    Filters(page="/a/", campaign=""),
    Filters(country="nowhere"),
    Filters(version="latest"),
    Filters(page="/a/", version=""),
]
STEPS = [0, 0, 0, 1, 5, 9, 10, 11, 60, 119, 120, 121, 1_799, 1_800, 1_801, 3_600]
JUMPS = [-3 * DAY, -DAY, -DAY + 600, -7_200, -1_801, -1_800, -1_799, -600, 7_200, DAY, 40 * DAY]


@dataclass
class _Reading:
    """How a page load was read."""

    path: str
    greatest: tuple[int, ...] = (0, 0, 0)
    """Milliseconds visible and active, and depth, that were said so far."""
    growth: list[tuple[int, ...]] = field(default_factory=list)
    """When each message came, and by how much it raised them."""
    searched: bool = False
    """Whether the search was used on it."""

    def hear(self, at: int, *said: int) -> None:
        """Follow a message."""
        greatest = tuple(map(max, self.greatest, said))
        self.growth.append((at, *map(sub, greatest, self.greatest)))
        self.greatest = greatest


class Model:
    """The rules of counting, one message at a time."""

    def __init__(self) -> None:
        self.loads: dict[tuple[int | None, int], int] = {}
        self.views: list[_View] = []
        """Time, path, session, referrer, audience, the path before and campaign."""
        self.minutes: Counter[int] = Counter()
        self.visits: dict[tuple[int, str, int], int] = {}
        self.sessions: dict[int, tuple[str, int, int]] = {}
        self.not_found: Counter[tuple[int, str, str]] = Counter()
        self.readings: list[_Reading] = []
        """All there were; a load that was forgotten and is heard of again is another."""
        self.followed: dict[tuple[int, int], _Reading] = {}
        """Those that are still known."""

    def receive(self, at: int, message: Message) -> None:
        """Count what counts, and follow the active session."""
        if isinstance(message, NotFound):
            if (None, message.load) not in self.loads:
                self.loads[None, message.load] = at
                self.not_found[at // DAY, message.path, message.referrer] += 1
        elif isinstance(message, View):
            load = (message.session, message.load)
            if load not in self.loads and not self._was_counted_around(at, message):
                self.loads[load] = at
                comes = message.referrer or message.campaign
                before = "" if comes else self._path_before(at, message)
                self.visits[at // DAY, message.path, message.session] = at
                self.minutes[at // 60] += 1
                of_reader = message.country, message.language, message.device, message.browser
                audience = "/".join((*of_reader, message.version))
                of_visit = message.referrer, audience, before, message.campaign
                self.views.append((at, message.path, message.session, *of_visit))
        self._follow(at, message)
        row = self.sessions.get(message.session)
        if isinstance(message, Leave):
            if row and row[1] == message.load:
                del self.sessions[message.session]
        elif isinstance(message, View | Beat):
            repeats = row and row[0] == message.path and abs(at - row[2]) < 10
            if isinstance(message, View):
                repeats = repeats and row and row[1] == message.load
            if not repeats:
                self.sessions[message.session] = (message.path, message.load, at)

    def _follow(self, at: int, message: Message) -> None:
        searches = isinstance(message, Event) and message.name == "search"
        said = message.engagement if isinstance(message, Beat | Leave) else None
        if searches or said is not None:
            load = (message.session, message.load)
            if load not in self.followed:
                self.followed[load] = _Reading(message.path)
                self.readings.append(self.followed[load])
            reading = self.followed[load]
            reading.hear(at, *((said.visible, said.active, said.depth) if said else (0, 0, 0)))
            reading.searched |= searches and message.path == reading.path

    def read(self, first: int, last: int, path: str | None) -> Read:
        """Sum up how the site or a path was read: growth by its day, loads by their first."""
        sums = Counter[str]()
        for reading in self.readings:
            if path not in {None, reading.path}:
                continue
            for at, visible, active, depth in reading.growth:
                if first <= at // DAY <= last:
                    sums.update(visible=visible, active=active, depth=depth)
            if first <= reading.growth[0][0] // DAY <= last:
                _, active, depth = reading.greatest
                kind = "skimmed"
                if depth >= 90 and active >= 20_000:
                    kind = "completed"
                elif reading.searched:
                    kind = "searched"
                elif depth < 25 and active < 10_000:
                    kind = "bounced"
                sums.update(["loads", kind])
        del sums["skimmed"]
        return Read(**sums)

    def active(self, path: str | None) -> list[tuple[int, int]]:
        """Return when how many milliseconds of activity were told."""
        return [
            (at, active)
            for reading in self.readings
            if path in {None, reading.path}
            for at, _, active, _ in reading.growth
        ]

    def _path_before(self, at: int, view: View) -> str:
        """Return what the visitor viewed last within the window on the same day."""
        candidates = [
            (last, PATHS.index(path), path)
            for (day, path, session), last in self.visits.items()
            if session == view.session and day == at // DAY and abs(at - last) < WINDOW
        ]
        return max(candidates)[2] if candidates else ""

    def _was_counted_around(self, at: int, view: View) -> bool:
        """Look at the last counted view of each day that the window touches."""
        lasts = [
            self.visits.get((day, view.path, view.session))
            for day in {(at - WINDOW) // DAY, at // DAY, (at + WINDOW) // DAY}
        ]
        return any(last is not None and abs(at - last) < WINDOW for last in lasts)

    def clean_up(self, now: int) -> None:
        """Forget ended sessions, old page loads, and the views that the window left behind."""
        self.visits = {v: at for v, at in self.visits.items() if abs(at - now) < WINDOW}
        self.sessions = {s: r for s, r in self.sessions.items() if abs(r[2] - now) < 120}
        self.loads = {load: at for load, at in self.loads.items() if abs(at - now) < DAY}
        self.followed = {
            load: reading
            for load, reading in self.followed.items()
            if abs(reading.growth[-1][0] - now) < DAY
        }
        for minute in [minute for minute in self.minutes if abs(minute - now // 60) >= 120]:
            del self.minutes[minute]


class Pair:
    """A tracker and a model that get the same messages."""

    def __init__(self, database_url: str) -> None:
        self.model = Model()
        self.clock = FakeClock(NOON + 43_000)
        self._url = database_url
        self._filters = cycle([*(Filters(page=path) for path in PATHS), *FILTERS])
        self.tracker = self._start()
        # So that both databases of a test number the paths alike.
        pages = tuple(
            Page(path, path, path.upper(), "page", published=True, words=240) for path in PATHS
        )
        self.deployed = int(self.clock())
        self.tracker.store.replace_pages(Manifest("", None, pages), "1", self.deployed)
        refuse_writes(self.tracker.engine, "load", f"new.key = {load_key(0, POISON)}")

    def write(self, batch: list[Received]) -> None:
        """Give both a batch."""
        self.tracker.store.write(batch)
        for received in batch:
            self.model.receive(received.at, received.message)

    def fail(self, batch: list[Received]) -> None:
        """Give the tracker a batch whose commit fails; the model never hears of it."""
        poison = Received(batch[-1].at, NotFound(SESSIONS[0], POISON, "/poison/"))
        with pytest.raises(StorageError, match="refused"):
            self.tracker.store.write([*batch, poison])

    def clean_up(self) -> None:
        """Let both forget."""
        self.tracker.recorder.clean_up()
        self.model.clean_up(int(self.clock()))

    def restart(self) -> None:
        """Start the tracker anew on the same database."""
        self.tracker.close()
        self.tracker = self._start()

    def _start(self) -> Tracker:
        app = create_app(Settings(database_url=self._url, rate_limit=0), self.clock)
        tracker = app.extensions["tracker"]
        assert isinstance(tracker, Tracker)
        return tracker

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.tracker.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def assert_equal(self) -> None:
        """Compare every table with the model."""
        self._assert_raw_rows()
        self._assert_day_visitors()
        self._assert_roll_ups()
        self._assert_figures()
        self._assert_reports()

    def _assert_raw_rows(self) -> None:
        model = self.model
        views = self.query(
            "SELECT at, path.text, session, referrer.text, audience.text, "
            "coalesce(led.text, ''), coalesce(campaign.text, '') "
            "FROM view LEFT JOIN path led ON led.id = before_id "
            "LEFT JOIN campaign ON campaign.id = campaign_id "
            "JOIN path ON path.id = path_id JOIN visitor ON visitor.id = visitor_id "
            "JOIN referrer ON referrer.id = referrer_id "
            "JOIN audience ON audience.id = audience_id ORDER BY view.id"
        )
        visits = self.query(
            f"SELECT key >> {PATH_BITS + VISITOR_BITS}, text, session, last FROM visit "
            f"JOIN path ON path.id = key & {MAX_PATH_ID} "
            f"JOIN visitor ON visitor.id = (key >> {PATH_BITS}) & {MAX_VISITOR_ID}"
        )
        sessions = self.query(
            "SELECT key, text, load, last_seen FROM active_session JOIN path ON path.id = path_id"
        )
        numbers = dict(self.query("SELECT session, id FROM visitor"))
        not_found = self.query(
            "SELECT day, path.text, referrer.text, count FROM not_found "
            "JOIN path ON path.id = path_id JOIN referrer ON referrer.id = referrer_id"
        )
        assert views == model.views
        assert {row[:3]: row[3] for row in visits} == model.visits
        assert len(visits) == self.query("SELECT count(*) FROM visit")[0][0]
        assert {row[0]: row[1:] for row in sessions} == {
            numbers.get(session) or uncounted_key(session): row
            for session, row in model.sessions.items()
        }
        assert {row[:3]: row[3] for row in not_found} == model.not_found
        assert dict(self.query("SELECT key, at FROM load")) == {
            load_key(numbers[session] if session is not None else 0, load): at
            for (session, load), at in model.loads.items()
        }
        assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))

    def _assert_day_visitors(self) -> None:
        """Sets and rows not yet in them, together: who viewed what on which day, and no more."""
        paths = {WHOLE_SITE: "", **dict(self.query("SELECT id, text FROM path"))}
        sessions = {number: s for s, number in self.query("SELECT session, id FROM visitor")}
        found = set()
        for key, count, members in self.query("SELECT key, count, members FROM day_visitors"):
            visitors = BitMap.deserialize(members)
            assert len(visitors) == count > 0
            found |= {(key & 0xFFFF, paths[key >> 16], sessions[v]) for v in visitors}
        for day, path, session in self.model.visits:
            found |= {(day, path, session), (day, "", session)}
        viewed = {(at // DAY, path, session) for at, path, session, *_ in self.model.views}
        assert found == viewed | {(day, "", session) for day, _, session in viewed}

    def _assert_roll_ups(self) -> None:
        recounts = {
            "total_count": "SELECT 1, path_id, count(*) FROM view GROUP BY 2 UNION ALL "
            "SELECT 2, referrer_id, count(*) FROM view GROUP BY 2 UNION ALL "
            "SELECT 3, audience_id, count(*) FROM view GROUP BY 2 UNION ALL "
            "SELECT 4, campaign_id, count(*) FROM view WHERE campaign_id <> 0 GROUP BY 2",
            "day_count": "SELECT 1, day, path_id, sum(views), sum(entries), sum(leads) FROM "
            "(SELECT at / 86400 AS day, path_id, 1 AS views, 0 AS leads, "
            "CASE WHEN before_id = 0 THEN 1 ELSE 0 END AS entries FROM view UNION ALL "
            "SELECT at / 86400, before_id, 0, 1, 0 FROM view WHERE before_id <> 0) AS steps "
            "GROUP BY day, path_id "
            "UNION ALL SELECT 2, at / 86400, referrer_id, count(*), "
            "sum(CASE WHEN before_id = 0 THEN 1 ELSE 0 END), 0 FROM view GROUP BY 2, 3 "
            "UNION ALL SELECT 3, at / 86400, audience_id, count(*), 0, 0 FROM view GROUP BY 2, 3 "
            "UNION ALL SELECT 4, at / 86400, campaign_id, count(*), 0, 0 FROM view "
            "WHERE campaign_id <> 0 GROUP BY 2, 3",
            "hour_count": "SELECT at / 3600, count(*) FROM view GROUP BY 1",
        }
        for table, recount in recounts.items():
            assert sorted(self.query(f"SELECT * FROM {table}")) == sorted(self.query(recount))
        with open_reader(self.tracker.engine) as connection:
            assert [found for found in compare(connection) if found.differing] == []

    def _assert_figures(self) -> None:
        model, now = self.model, int(self.clock())
        self.tracker.live._snapshot = None
        overview = self.tracker.live.snapshot().overview
        active = [row for row in model.sessions.values() if abs(row[2] - now) < 120]
        assert overview.total_page_views == len(model.views)
        assert overview.unique_visitors == len({view[2] for view in model.views})
        assert overview.tracking_since == (model.views[0][0] if model.views else None)
        assert overview.active_visitors == len(active)
        assert {row.path: row.visitors for row in overview.active_by_path} == Counter(
            row[0] for row in active
        )
        assert {row.path: row.views for row in overview.page_stats} == Counter(
            view[1] for view in model.views
        )
        assert overview.minutes == tuple(
            model.minutes[now // 60 - ago] for ago in range(29, -1, -1)
        )
        assert [(row.at, row.path, row.country, row.referrer) for row in overview.recent] == [
            (at, path, audience.split("/")[0], referrer)
            for at, path, _, referrer, audience, *_ in model.views[:-21:-1]
        ]

    def _assert_reports(self) -> None:
        """Any days, of the site, a page, or filtered: what counting the model's views gives.

        Each time another few of the filters, because counting takes long: all of them in turn.
        """
        days = sorted({view[0] // DAY for view in self.model.views})
        if not days:
            return
        middle = days[len(days) // 2]
        spans = [(days[0] - 1, days[-1] + 1, "week"), (middle, middle, "hour")]
        spans += [(middle, days[-1], "month"), (middle - 1, middle, "day")]
        with open_reader(self.tracker.engine) as connection:
            for first, last, grain in spans:
                for filters in (Filters(), *islice(self._filters, 2)):
                    question = Question(
                        "custom", first, last, grain, compare=True, filters=filters, max_rows=100
                    )
                    assert read_report(connection, question) == self._counted(question)

    def _counted(self, question: Question) -> Report:
        filters = question.filters
        days = question.first_day, question.last_day
        days_before = 2 * days[0] - days[1] - 1, days[0] - 1
        fitting = [view for view in self.model.views if _fits(view, filters)]
        views = _within(fitting, *days)
        others = replace(filters, page=None)
        around = _within([view for view in self.model.views if _fits(view, others)], *days)
        leads = Counter(view[5] for view in around if view[5] and filters.page in {None, view[5]})
        viewed = Counter(view[1] for view in views)
        entries = Counter(view[1] for view in views if not view[5])
        exits = viewed - leads
        readers = Counter(path for path, _ in {(view[1], view[2]) for view in views})
        audiences = [view[4].split("/") for view in views]
        knows_exits = filters.referrer is None and filters.campaign is None
        onward = (view[1] for view in around if filters.page and view[5] == filters.page)
        missing: dict[str, Counter[str]] = {}
        for (day, gone, referrer), count in self.model.not_found.items():
            if days[0] <= day <= days[1]:
                missing.setdefault(gone, Counter())[referrer] += count
        page, model = filters.page, self.model
        active = model.active(page)
        before = _figures(_within(fitting, *days_before), *days_before, question, active)
        figures = _figures(views, *days, question, active)
        if not filters.are_of_views:
            figures = replace(figures, read=model.read(*days, page))
            before = replace(before, read=model.read(*days_before, page))
        return Report(
            figures,
            before=before,
            page=page,
            deploys=(Deploy(self.deployed, None, None),)
            if days[0] <= self.deployed // DAY <= days[1]
            else (),
            pages=tuple(
                PageFigures(
                    row.text,
                    row.text.upper(),
                    "page",
                    row.count,
                    readers[row.text],
                    _trend([view[0] // DAY for view in views if view[1] == row.text], *days),
                    entries[row.text],
                    exits[row.text] if knows_exits else None,
                    None if filters.are_of_views else model.read(*days, row.text),
                )
                for row in _largest(viewed.elements())
            ),
            entry_pages=_pages(entries),
            exit_pages=_pages(exits) if knows_exits else None,
            next_pages=_pages(Counter(onward)) if filters.page and knows_exits else None,
            referrers=_largest(view[3] for view in views if not view[5]),
            campaigns=_largest(view[6] for view in views if view[6]),
            countries=_largest(parts[0] for parts in audiences),
            languages=_largest(parts[1] for parts in audiences),
            devices=_largest(parts[2] for parts in audiences),
            browsers=_largest(parts[3] for parts in audiences),
            versions=_largest(parts[4] for parts in audiences if parts[4]),
            feedback=None if filters.are_of_views else (0, 0),
            not_found=None
            if filters != Filters()
            else tuple(
                MissingPath(row.text, row.count, _largest(missing[row.text].elements())[:5])
                for row in _largest(gone for gone, c in missing.items() for _ in range(c.total()))
            ),
            bots=None if filters != Filters() else (),
            bot_views=None if filters.are_of_views else 0,
            sections=() if filters.page and not filters.are_of_views else None,
        )


_View = tuple[int, str, int, str, str, str, str]


def _fits(view: _View, filters: Filters) -> bool:
    wanted = (filters.page, filters.referrer, filters.campaign, *filters.audience)
    said = (view[1], view[3], view[6], *view[4].split("/"))
    return all(want is None or want == have for want, have in zip(wanted, said, strict=True))


def _within(views: Iterable[_View], first: int, last: int) -> list[_View]:
    return [view for view in views if first <= view[0] // DAY <= last]


def _figures(
    views: list[_View], first: int, last: int, question: Question, active: list[tuple[int, int]]
) -> Figures:
    """Count views; how they were read is left out."""
    grain, of_views = question.grain, question.filters.are_of_views
    days = [date(1970, 1, 1) + timedelta(day) for day in range(first, last + 1)]
    name: dict[str, Callable[[date], object]] = {
        "day": lambda day: day,
        "week": lambda day: day.isocalendar()[:2],
        "month": lambda day: (day.year, day.month),
    }
    if grain == "hour":
        starts = [day * 24 + hour for day in range(first, last + 1) for hour in range(24)]
    else:
        names = [name[grain](day) for day in days]
        starts = [first + names.index(each) for each in dict.fromkeys(names)]

    def part_of(at: int) -> int:
        return at // 3_600 if grain == "hour" else first + names.index(names[at // DAY - first])

    part = [part_of(view[0]) for view in views]
    told: Counter[int] = Counter()
    for at, more in active:
        if first <= at // DAY <= last:
            told[part_of(at)] += more
    viewed = Counter(part)
    readers = Counter(start for start, _ in {(p, v[2]) for p, v in zip(part, views, strict=True)})
    unknown = of_views or (grain == "hour" and question.filters.page is not None)
    return Figures(
        first,
        last,
        len(views),
        len({view[2] for view in views}),
        sum(not view[5] for view in views),
        None,
        Series(
            tuple(starts),
            tuple(viewed[start] for start in starts),
            tuple(readers[start] for start in starts),
            None if unknown else tuple(told[start] for start in starts),
        ),
    )


def _trend(days: list[int], first: int, last: int) -> tuple[int, ...]:
    """Count in spans of equal length, of which the last ends with the last day."""
    length = -(-(last - first + 1) // 30)
    counts = Counter((last - day) // length for day in days)
    return tuple(counts[span] for span in reversed(range((last - first) // length + 1)))


def _pages(counts: Counter[str]) -> tuple[PageCount, ...]:
    rows = _largest(counts.elements())
    return tuple(PageCount(row.text, row.text.upper(), "page", row.count) for row in rows)


def _largest(texts: Iterable[str]) -> tuple[Count, ...]:
    counts = sorted(Counter(texts).items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Count(text, count) for text, count in counts)


def _message(random: Random, loads: list[int]) -> Message:
    """Make a message; a view is a new page load, a retry of one, or one of another's."""
    session, path = random.choice(SESSIONS), random.choice(PATHS)
    kind = random.choice([View, View, View, Beat, Beat, Leave, NotFound])
    if kind is View or kind is NotFound:
        if not loads or random.random() < 0.7:
            loads.append(len(loads) + 1_000)
        load = loads[-1] if random.random() < 0.8 else random.choice(loads)
        referrer = random.choice(REFERRERS)
        if kind is NotFound:
            # A load of its own: of the 404 page, on which a search counts for nothing.
            return NotFound(session, -load, path, referrer)
        audience, campaign = random.choice(AUDIENCES), random.choice(CAMPAIGNS)
        country, language, device, browser, version = audience
        view = View(session, load, path, referrer, country, language, device, browser)
        return replace(view, campaign=campaign, version=version)
    load = random.choice(loads[-4:]) if loads else 1
    return Beat(session, load, path) if kind is Beat else Leave(session, load, path)


def _tell_reading(random: Random, message: Message, told: list[tuple[int, int]]) -> Message:
    """Return what else a message says, if it may: how a page was read, or what was done on it.

    How it was read so far is around the bounds of the classes.
    """
    if not isinstance(message, Beat | Leave):
        return message
    if told and random.random() < 0.7:  # Reading goes on, perhaps over midnight.
        message.session, message.load = random.choice(told[-3:])
    told.append((message.session, message.load))
    if random.random() < 0.25:
        name = random.choice(["search", "search", "search", "copy"])
        return Event(message.session, message.load, message.path, name)
    visible = random.choice([0, 9_000, 12_000, 25_000, 60_000])
    active = random.choice([0, 9_999, 10_000, 19_999, 20_000])
    depth = random.choice([0, 24, 25, 60, 89, 90, 100])
    message.engagement = Engagement(visible, min(active, visible), depth)
    return message


def _drive(pair: Pair, random: Random, events: int, *, jumps: bool = True) -> None:
    """Send so many messages, in batches, with everything in between that can happen."""
    loads: list[int] = []
    sent: list[Received] = []
    told: list[tuple[int, int]] = []
    while len(sent) < events:
        batch = []
        counted = {view[2] for view in pair.model.views}
        for _ in range(random.choice([1, 1, 2, 5, 20, 60])):
            pair.clock.advance(random.choice(STEPS))
            if jumps and random.random() < 0.03:
                pair.clock.now = max(NOON - 30 * DAY, pair.clock.now + random.choice(JUMPS))
            message = _message(random, loads)
            # Whether nothing is kept of who is counted later on depends on the batches.
            if message.session in counted:
                message = _tell_reading(random, message, told)
            batch.append(Received(int(pair.clock()), message))
        if sent and random.random() < 0.2:  # Some are sent again, as after a lost answer.
            again = [random.choice(sent[-50:]).message for _ in range(3)]
            batch += [Received(int(pair.clock()), message) for message in again]
        if jumps and random.random() < 0.3:  # Threads come to the batch in any order.
            random.shuffle(batch)
        if random.random() < 0.05:
            pair.fail(batch)
        pair.write(batch)
        sent += batch
        if random.random() < 0.02:
            pair.restart()
        if random.random() < 0.02:
            pair.clean_up()
    pair.assert_equal()


@contextmanager
def _pair(make_database: MakeDatabase) -> Iterator[Pair]:
    pair = Pair(make_database())
    try:
        yield pair
    finally:
        pair.tracker.close()


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every limit of a step of housekeeping be met, which ten million views would take."""
    for limit, rows in (
        ("STEP_ROWS", 5),
        ("COLLECTED_ROWS", 9),
        ("SEAL_ROWS", 3),
        ("SEAL_SETS", 2),
    ):
        monkeypatch.setattr(cleanup_module, limit, rows)


@pytest.mark.parametrize("seed", range(4))
def test_long_streams_leave_the_tables_that_the_model_expects(
    make_database: MakeDatabase, seed: int
) -> None:
    """Thousands of messages, retries, restarts, failed commits and clock jumps: every row fits."""
    with _pair(make_database) as pair:
        # A batch costs PostgreSQL many times what it costs SQLite, which has no round trips.
        events = EVENTS // (4 if pair.tracker.store.single_writer else 60)
        _drive(pair, Random(seed), events)
        model = pair.model

        assert len(model.views) > events // 5
        assert sum(model.not_found.values()) > events // 20
        assert model.read(0, 40_000, None).searched > events // 200


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_short_streams_leave_the_tables_that_the_model_expects(
    make_database: MakeDatabase, random: Random, events: int
) -> None:
    """The same for streams short enough to read when one fails."""
    with _pair(make_database) as pair:
        _drive(pair, random, events)


@pytest.mark.parametrize("seed", range(3))
def test_while_the_clock_runs_on_the_window_is_just_the_time_since_the_last_view(
    make_database: MakeDatabase, seed: int
) -> None:
    """Without jumps the rule needs no days: a view counts 30 minutes after the last counted."""
    random, clock = Random(seed), FakeClock(NOON + 43_000)
    last: dict[tuple[str, int], int] = {}
    counted = []
    with _pair(make_database) as pair:
        for load in range(800):
            clock.advance(random.choice(STEPS))
            view = View(random.choice(SESSIONS[:2]), 1_000 + load, random.choice(PATHS))
            key, at = (view.path, view.session), int(clock())
            pair.write([Received(at, view)])
            if key not in last or at - last[key] >= WINDOW:
                last[key] = at
                counted.append((at, *key))
        views = pair.query(
            "SELECT at, text, session FROM view JOIN path ON path.id = path_id "
            "JOIN visitor ON visitor.id = visitor_id ORDER BY view.id"
        )

        assert views == counted
        assert 200 < len(counted) < 700


@pytest.mark.parametrize("seed", range(3))
def test_how_messages_are_batched_changes_no_row(make_database: MakeDatabase, seed: int) -> None:
    """One message at a time or all in one transaction: the same tables."""
    random, clock, loads = Random(seed), FakeClock(), list[int]()
    stream = []
    for _ in range(150):
        clock.advance(random.choice(STEPS + JUMPS))
        clock.now = max(NOON - 30 * DAY, clock.now)
        stream.append(Received(int(clock()), _message(random, loads)))
    with _pair(make_database) as single, _pair(make_database) as whole:
        for received in stream:
            single.write([received])
        whole.write(stream)
        single.clock.now = whole.clock.now = clock.now
        single.assert_equal()
        whole.assert_equal()

        assert single.model.views == whole.model.views
