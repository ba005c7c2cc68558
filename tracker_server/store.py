"""The one place that writes: a batch of messages becomes rows in one transaction.

A batch first locks the row of totals (on SQLite the whole file), so batches of
several processes never interleave and what a batch reads stays true until it commits.
The store knows neither clock nor threads: times come with the messages, and its
caller sees to it that one call is made at a time.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Engine,
    Select,
    bindparam,
    case,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from tracker_server import bot_counts, content, events, headings, links, private_paths, readings
from tracker_server.cleanup import CleanUp
from tracker_server.config import Settings, database_file
from tracker_server.database import cause_of, is_single_writer, open_writer, unused_bytes
from tracker_server.errors import InvalidManifestError, NoRoomError, StorageError, TrackerError
from tracker_server.meter import StoreMeter
from tracker_server.model import (
    Beat,
    BotView,
    Event,
    Leave,
    Manifest,
    Received,
    View,
)
from tracker_server.packing import MAX_PATH_ID, day_of, uncounted_key
from tracker_server.room import Room
from tracker_server.schema import OTHER
from tracker_server.sqlite_file import SameFile
from tracker_server.statements import BOTS, MOVED, PAGES, PATHS, TOTALS, Statements
from tracker_server.tally import Counting, Tally
from tracker_server.vocabulary import Vocabulary, append

MAX_UNKNOWN_PATHS_WITHOUT_MANIFEST = 10_000
UNKNOWN_PATH_DAYS = 7
"""For how many days a path that nobody knew takes room of the others."""
_MOST_WITH_UNKNOWN = MAX_PATH_ID // 2
"""With as many paths in all, those there are room for are left to manifests."""
_OF_KNOWN_PATHS = frozenset({Leave, BotView})
"""Messages that add no path to those that there are."""
BATCH_BYTES = 1 << 18
"""More than a batch makes a SQLite file grow."""


class _Totals(NamedTuple):
    """What a batch has to know of the row it locks."""

    visitors: int
    tracking_since: int | None
    manifest_digest: str
    run_day: int


class Store:
    """The tables of one tracker, and how messages change them."""

    def __init__(
        self, engine: Engine, settings: Settings, timer: Callable[[], float] = time.perf_counter
    ) -> None:
        self.single_writer = is_single_writer(engine)
        """True when no other process can write, so that memory can stand for the tables."""
        self.meter = StoreMeter()
        self._timer = timer
        self._began = 0.0
        self._engine = engine
        self._driver_error = engine.dialect.loaded_dbapi.Error
        self._settings = settings
        file = database_file(str(engine.url))
        self._same_file = None if file is None else SameFile(file.absolute())
        self._room = Room(file, settings.reserve_mib)
        self._writer: Connection | None = None
        self._digest = ""
        self._moved: frozenset[str] | None = None
        """Former paths of pages, as `_expected`."""
        self._expected: Mapping[int, int] | None = None
        """What `readings.read_expected` read; ``None`` until somebody asks."""
        self._statements = Statements.of(engine, settings.heartbeat_window_seconds)
        self._counting = Counting(self._statements, settings.view_window_seconds)
        self._clean_up = CleanUp(self._statements, settings)
        self._paths = Vocabulary(PATHS, _unknown_paths())
        self._headings = headings.Headings(self._statements)
        self._bots = Vocabulary(BOTS, select(func.count()).select_from(BOTS))
        with self._transaction() as connection:
            self._statements.first_totals.run(connection, [()])

    def close(self) -> None:
        """Give the connection back. The store can be used again and then opens another."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def write(self, batch: Sequence[Received]) -> None:
        """Store a batch, all of it or nothing.

        Raises:
            StorageError: the commit was not confirmed. Sending the same messages again is safe.
        """
        with self._transaction() as connection:
            totals = self._lock(connection)
            self._require_room(connection)
            former = self._former_paths(connection)
            batch = private_paths.blot(connection, self._statements, self._paths, former, batch)
            done = [(r.at, r.message) for r in batch if isinstance(r.message, Event)]
            searching = {event.session for _at, event in done if readings.is_search(event)}
            said: Sequence[readings.Said] = [*readings.said_in(batch)]
            texts = {r.message.path for r in batch if type(r.message) not in _OF_KNOWN_PATHS}
            texts |= {about.path for _at, about, _ in said}
            paths = self._resolve_paths(
                connection, texts, day_of(batch[-1].at), has_manifest=bool(totals.manifest_digest)
            )
            tally = self._counting.count(connection, batch, paths, totals.visitors, searching)
            self._counting.insert(connection, tally, totals.tracking_since, totals.run_day)
            written, idle = self._keep_sessions(connection, batch, paths, tally)
            if done:
                self._keep_events(connection, done, paths)
            if searching:
                said = readings.of_pages(connection, self._statements, said)
            if said:
                self._keep_readings(connection, said, paths, tally.visitors)
            self._keep_bots(connection, batch)
        self._note(batch, tally, written, idle)

    def replace_pages(self, manifest: Manifest, digest: str, at: int) -> None:
        """Put a manifest in force in one step; the views of pages that are gone stay.

        Args:
            manifest: what it says.
            digest: tells it from others; the one in force is not put in force again.
            at: seconds since the epoch.

        Raises:
            InvalidManifestError: with it there would be more paths than can be told apart.
            StorageError: the commit was not confirmed; the manifest before stays.
        """
        with self._transaction() as connection:
            if self._lock(connection).manifest_digest == digest:
                return
            self._require_room(connection)
            rows = connection.execute(select(PATHS.c.text, PATHS.c.id))
            known: dict[str, int] = {row[0]: row[1] for row in rows}
            fresh = [page.path for page in manifest.pages if page.path not in known]
            if len(known) + len(fresh) > MAX_PATH_ID:
                raise InvalidManifestError(f"pages: more than {MAX_PATH_ID:,} paths in all")
            known |= append(connection, PATHS, fresh)
            ids = {page.path: known[page.path] for page in manifest.pages}
            gone = content.replace(connection, manifest, digest, at, ids)
            of_pages = [(ids[page.path], page.headings) for page in manifest.pages]
            headings.replace(connection, of_pages, gone)
            links.replace(connection, manifest.pages, ids, gone)
            is_page = PATHS.c.id.in_(select(PAGES.c.path_id))
            is_named = is_page | PATHS.c.text.in_(select(MOVED.c.text))
            unnamed = update(PATHS).where(PATHS.c.first_day.is_not(None))
            connection.execute(unnamed.where(is_named).values(first_day=None))

    def clean_up(self, now: int, patience: int = 1) -> bool:
        """Do one small step of housekeeping; returns whether a round of them is complete.

        Args:
            now: seconds since the epoch.
            patience: how many times the usual timeout a session may be silent.

        Raises:
            StorageError: the commit was not confirmed; the next round does it.
        """
        with self._transaction() as connection:
            self._lock(connection)  # Without it, rows locked in another order would be a deadlock.
            return self._clean_up.step(connection, now, patience)

    def probe(self) -> None:
        """Change nothing, durably, to see whether a message would be stored now.

        Raises:
            StorageError: it would not.
        """
        with self._transaction() as connection:
            self._lock(connection)
            self._require_room(connection)
            connection.execute(update(TOTALS).values(views=TOTALS.c.views))

    def _note(self, batch: Sequence[Received], tally: Tally, written: int, idle: int) -> None:
        meter = self.meter
        counted = len(tally.views)
        meter.views_counted += counted
        meter.views_repeated += sum(type(r.message) is View for r in batch) - counted
        meter.beats_repeated += idle
        meter.sessions_written += written
        meter.batch_messages.observe(len(batch))
        meter.commit_seconds.observe(self._timer() - self._began)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            if self._same_file is not None:
                self._same_file.check()
            if self._writer is None:
                self._writer = open_writer(self._engine)
            self._began = self._timer()
            with self._writer.begin():
                yield self._writer
        except BaseException as error:
            self._start_anew()
            if isinstance(error, SQLAlchemyError | self._driver_error):
                self.meter.failures[cause_of(error)] += 1
                raise StorageError(str(error.__cause__ or error)) from error
            if isinstance(error, NoRoomError):
                self.meter.failures["full"] += 1
            if not isinstance(error, TrackerError):
                self.meter.failures["unexpected"] += 1
            raise

    def _start_anew(self) -> None:
        """Forget ids of rows that were rolled back, and a connection that may have lost a flush."""
        self._paths.forget()
        self._bots.forget()
        self._headings.forget()
        self._counting.forget()
        if self._writer is not None:
            self._writer.invalidate()
            self.close()

    def _require_room(self, connection: Connection) -> None:
        """Leave the rest of the disk to what deletes, but use what has been deleted."""
        if self._room.is_short() and unused_bytes(connection) < BATCH_BYTES:
            raise NoRoomError(
                f"less than {self._settings.reserve_mib} MiB are free on the disk of the database, "
                "which are kept for pruning"
            )

    def _lock(self, connection: Connection) -> _Totals:
        totals = _Totals(*self._statements.lock.fetch(connection)[0])
        self.meter.lock_seconds.observe(self._timer() - self._began)
        if totals.manifest_digest != self._digest:
            # A manifest came into force, from here or from another process.
            self._digest = totals.manifest_digest
            self._paths.forget()
            self._headings.forget()
            self._expected = self._moved = None
        return totals

    def _resolve_paths(
        self, connection: Connection, texts: Collection[str], day: int, *, has_manifest: bool
    ) -> Mapping[str, int]:
        bound = min(self._settings.max_unknown_paths, _MOST_WITH_UNKNOWN)
        if not has_manifest:
            bound = max(bound, MAX_UNKNOWN_PATHS_WITHOUT_MANIFEST)
        former = self._former_paths(connection)
        return self._paths.resolve(connection, {OTHER, *texts}, bound, day, former)

    def _former_paths(self, connection: Connection) -> frozenset[str]:
        if self._moved is None:
            self._moved = frozenset(connection.execute(select(MOVED.c.text)).scalars())
        return self._moved

    def _keep_bots(self, connection: Connection, batch: Sequence[Received]) -> None:
        views = [(r.at, r.message) for r in batch if isinstance(r.message, BotView)]
        if views:
            known = self._paths.known(connection, {OTHER, *(view.path for _at, view in views)})
            bot_counts.keep(connection, self._statements, self._bots, views, known)

    def _keep_events(
        self,
        connection: Connection,
        done: Sequence[tuple[int, Event]],
        paths: Mapping[str, int],
    ) -> None:
        """Count events; only those that name a target, a host or a heading ask for its id."""
        targets = {event.target for _at, event in done if event.target}
        if targets:
            # What was clicked is a page of the site: anything else is invented and gets no row.
            known = self._paths.known(connection, targets)
            paths = {**paths, **{text: known.get(text, paths[OTHER]) for text in targets}}
        hosts = {event.referrer for _at, event in done if event.referrer}
        rated = {paths[event.path] for _at, event in done if event.heading}
        named = events.Ids(
            paths,
            self._counting.referrers(connection, hosts) if hosts else {},
            self._headings.find(connection, rated) if rated else {},
        )
        events.keep(connection, self._statements, done, named)

    def _keep_readings(
        self,
        connection: Connection,
        said: Sequence[readings.Said],
        paths: Mapping[str, int],
        visitors: Mapping[int, int],
    ) -> None:
        told = {paths[about.path] for _at, about, engagement in said if engagement.sections}
        found = self._headings.find(connection, told) if told else {}
        if self._expected is None:
            self._expected = readings.read_expected(connection)
        readings.keep(connection, self._statements, said, paths, visitors, self._expected, found)

    def _keep_sessions(
        self,
        connection: Connection,
        batch: Sequence[Received],
        paths: Mapping[str, int],
        tally: Tally,
    ) -> tuple[int, int]:
        """Apply views, beats and leaves to the active sessions in the order they came.

        Returns:
            How many rows were written, and how many beats wrote none.
        """
        written = idle = 0
        # From their first view on they go by a number.
        self._statements.drop_sessions.run(connection, [*map(uncounted_key, tally.new_visitors)])
        for kind, run in groupby(batch, key=lambda received: type(received.message)):
            statement = self._statements.sessions.get(kind)
            if statement is not None:
                make = _leave_row if kind is Leave else _session_row
                rows = [make(received, paths, tally.visitors) for received in run]
                changed = statement.run(connection, rows)
                written += changed
                if kind is Beat:
                    idle += len(rows) - changed
        return written, idle


def _unknown_paths() -> Select[Any]:
    """Return a query for how many paths the bound regards on the day ``day_``.

    Those of the last days that no manifest has named; and when there are too many in all, more
    than any bound.
    """
    is_recent = func.abs(PATHS.c.first_day - bindparam("day_")) < UNKNOWN_PATH_DAYS
    recent = func.coalesce(func.sum(case((is_recent, 1), else_=0)), 0)
    is_too_many = func.max(PATHS.c.id) >= _MOST_WITH_UNKNOWN
    return select(case((is_too_many, literal(MAX_PATH_ID)), else_=recent))


def _session_row(
    received: Received, paths: Mapping[str, int], visitors: Mapping[int, int]
) -> tuple[int, int, int, int]:
    message = received.message
    key = visitors.get(message.session) or uncounted_key(message.session)
    return key, paths[message.path], message.load, received.at


def _leave_row(
    received: Received, _paths: Mapping[str, int], visitors: Mapping[int, int]
) -> tuple[int, int]:
    message = received.message
    return visitors.get(message.session) or uncounted_key(message.session), message.load
