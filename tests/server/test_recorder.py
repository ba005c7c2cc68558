"""Group commit: one fsync for all who wait, one failure for all of them, and no lost message."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, create_mock_engine, event, select
from sqlalchemy.pool import StaticPool

from tests.server.conftest import NOON, FakeClock, MakeSite, Site
from tracker_server import database
from tracker_server import recorder as recorder_module
from tracker_server.base import Base
from tracker_server.config import Settings
from tracker_server.database import prepare_engine
from tracker_server.errors import QueueFullError, StorageError
from tracker_server.model import (
    Beat,
    Leave,
    Manifest,
    Message,
    NotFound,
    View,
)
from tracker_server.recorder import Recorder
from tracker_server.statements import TOTALS
from tracker_server.store import Store

PATIENCE_SECONDS = 10.0


def _view(number: int, path: str = "/") -> View:
    return View(session=number, load=number, path=path)


def _wait_until(condition: Callable[[], bool]) -> None:
    """Wait for other threads, but not for ever."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "the other threads did not come"
        time.sleep(0.001)


class _Senders:
    """Threads that each record one message while the disk is busy."""

    def __init__(self, recorder: Recorder) -> None:
        self.results: dict[int, BaseException | None] = {}
        self._recorder = recorder
        self._threads: list[threading.Thread] = []

    def send(self, messages: list[Message]) -> None:
        """Start a thread for each message, one after the other."""
        for message in messages:
            number = len(self._threads)
            waiting = self._recorder._waiting
            thread = threading.Thread(target=self._record, args=(number, message))
            self._threads.append(thread)
            thread.start()
            _wait_until(lambda before=waiting: self._recorder._waiting > before)  # type: ignore[misc]

    def join(self) -> list[BaseException | None]:
        """Wait for all and return what each of them got."""
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive()
        return [self.results[number] for number in range(len(self._threads))]

    def _record(self, number: int, message: Message) -> None:
        try:
            self._recorder.record(message)
        except BaseException as error:  # noqa: BLE001  # that is what the tests look at
            self.results[number] = error
        else:
            self.results[number] = None


def _views(site: Site) -> int:
    return int(site.rows("SELECT count(*) FROM view")[0][0])


def test_messages_that_wait_together_share_one_commit(site: Site) -> None:
    """What gathers while the disk is busy is committed at once and answered after that."""
    recorder = site.tracker.recorder
    senders = _Senders(recorder)
    commits: list[object] = []
    event.listen(site.tracker.engine, "commit", commits.append)
    with recorder._committing:
        senders.send([_view(n) for n in range(8)])
        answered_early = dict(senders.results)
    errors = senders.join()

    assert answered_early == {}
    assert errors == [None] * 8
    assert len(commits) == 1
    assert _views(site) == 8


def test_a_failed_commit_fails_for_all_who_waited_for_it(site: Site) -> None:
    """Each of them learns that nothing was stored; sending again then stores it."""
    recorder = site.tracker.recorder
    senders = _Senders(recorder)
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE hour_count RENAME TO hidden")
    with recorder._committing:
        senders.send([_view(n) for n in range(5)])
    errors = senders.join()
    stored = site.rows(
        "SELECT (SELECT count(*) FROM view), (SELECT count(*) FROM load), "
        "(SELECT count(*) FROM visitor), (SELECT count(*) FROM active_session)"
    )
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE hidden RENAME TO hour_count")
    for number in range(5):
        recorder.record(_view(number))

    assert [type(error) for error in errors] == [StorageError] * 5
    assert stored == [(0, 0, 0, 0)]
    assert _views(site) == 5
    assert recorder._waiting == 0


def test_a_locked_database_is_a_storage_error_and_then_works_again(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process holds the lock, senders are told to come later."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 20)
    site = make_site()
    with database.open_writer(site.tracker.engine) as other, other.begin():
        other.execute(select(TOTALS).with_for_update())
        with pytest.raises(StorageError, match="lock"):
            site.tracker.recorder.record(_view(1))
    site.tracker.recorder.record(_view(1))

    assert _views(site) == 1


def test_a_heartbeat_is_written_again_after_a_failed_commit(site: Site) -> None:
    """What was rolled back is not remembered as written."""
    recorder = site.tracker.recorder
    beat = Beat(session=97, load=1, path="/")
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE active_session RENAME TO hidden")
    with pytest.raises(StorageError):
        recorder.record(beat)
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE hidden RENAME TO active_session")
    recorder.record(beat)

    assert site.rows("SELECT count(*) FROM active_session") == [(1,)]


@pytest.mark.sqlite_only("PostgreSQL refuses the number itself, which is no surprise")
def test_an_unexpected_failure_is_a_storage_error_for_all_who_wait(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody believes in a commit that has not been, and no message is taken after it."""
    recorder = site.tracker.recorder
    senders = _Senders(recorder)
    unwritable = View(session=120, load=1 << 64, path="/")
    with recorder._committing:
        senders.send([_view(1), unwritable, _view(2)])
    errors = senders.join()
    with pytest.raises(StorageError, match="the writer has failed"):
        recorder.record(_view(1))

    assert [type(error) for error in errors] == [StorageError] * 3
    assert all("unexpected: OverflowError" in str(error) for error in errors)
    assert "OverflowError" in caplog.text
    assert recorder.health.is_broken
    assert _views(site) == 0


@pytest.mark.sqlite_only("as above")
def test_who_came_behind_a_batch_that_failed_is_told_so(site: Site) -> None:
    """They wait for a commit that will not be tried."""
    recorder = site.tracker.recorder
    senders = _Senders(recorder)
    begun, go_on = threading.Event(), threading.Event()

    def hold(_connection: object) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS)

    event.listen(site.tracker.engine, "begin", hold, once=True)
    senders.send([View(session=1, load=1 << 64, path="/")])
    assert begun.wait(PATIENCE_SECONDS)
    senders.send([_view(2), _view(3)])
    go_on.set()
    errors = [str(error) for error in senders.join()]

    assert errors == ["unexpected: OverflowError", *["the writer has failed"] * 2]
    assert _views(site) == 0


def test_who_cannot_be_told_keeps_nobody_else_waiting(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """It is a defect, so the process ends; what is stored is said to be."""
    recorder = site.tracker.recorder
    told: list[StorageError | None] = []

    def fail(_error: StorageError | None) -> None:
        raise LookupError("planted")

    with recorder._committing:
        recorder.submit(_view(1), fail)
        recorder.submit(_view(2), told.append)
    _wait_until(lambda: bool(told))

    assert told == [None]
    assert recorder.health.is_broken
    assert "writer failed" in caplog.text
    assert _views(site) == 2


def test_more_than_max_waiting_are_sent_away(make_site: MakeSite) -> None:
    """The queue is bounded: who comes when it is full is told so at once, and later served."""
    site = make_site(max_waiting=2)
    recorder = site.tracker.recorder
    senders = _Senders(recorder)
    with recorder._committing:
        senders.send([_view(1), _view(2)])
        with pytest.raises(QueueFullError, match="2 messages wait"):
            recorder.record(_view(3))
        refused = site.send("view")
    errors = senders.join()
    recorder.record(_view(3))

    assert errors == [None, None]
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
    assert _views(site) == 3


def test_a_message_that_comes_during_a_commit_is_in_the_next_one(site: Site) -> None:
    """A batch is closed when its commit begins; later messages have a batch of their own."""
    recorder = site.tracker.recorder
    senders = _Senders(recorder)
    begun, go_on = threading.Event(), threading.Event()

    def hold(_connection: object) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_SECONDS)

    event.listen(site.tracker.engine, "commit", hold, once=True)
    senders.send([_view(1)])
    assert begun.wait(PATIENCE_SECONDS)
    senders.send([_view(2), _view(3)])
    answered_early = dict(senders.results)
    go_on.set()

    assert senders.join() == [None, None, None]
    assert answered_early == {}
    assert _views(site) == 3


def test_chores_wait_for_the_batch_in_work(site: Site) -> None:
    """A manifest is put in force between two commits, never within one."""
    recorder = site.tracker.recorder
    manifest = Manifest(site_name="New", site_url=None, pages=())
    thread = threading.Thread(target=recorder.replace_pages, args=(manifest, "digest"))
    with recorder._committing:
        thread.start()
        thread.join(0.05)
        waits = thread.is_alive()
    thread.join(PATIENCE_SECONDS)

    assert waits
    assert site.rows("SELECT site_name FROM totals") == [("New",)]


def test_a_closed_recorder_can_be_used_again(site: Site) -> None:
    """Closing gives the connection back; the next message opens another."""
    site.tracker.recorder.close()
    site.tracker.recorder.record(_view(1))

    assert _views(site) == 1


def test_clean_up_forgets_heartbeats_of_deleted_rows(site: Site) -> None:
    """A beat is written when a clean-up under a wrong clock has deleted the row it repeats."""
    site.beat("/")
    site.clock.advance(3_600)
    site.tracker.recorder.clean_up()
    site.clock.advance(-3_599)
    site.beat("/")

    assert site.rows("SELECT last_seen FROM active_session") == [(int(NOON) + 1,)]


def test_another_writer_rules_the_shortcut_out(engine: Engine) -> None:
    """Where other processes can write, heartbeats always ask the database."""
    store = Store(engine, Settings())
    alone = Recorder(store, FakeClock(), heartbeat_window_seconds=10, max_waiting=1)
    store.single_writer = database.is_single_writer(
        create_mock_engine("postgresql://", lambda *_: None)  # type: ignore[arg-type]
    )
    shared = Recorder(store, FakeClock(), heartbeat_window_seconds=10, max_waiting=1)
    shared.clean_up()
    shared.record(Beat(session=97, load=1, path="/"))
    store.close()

    assert alone._beats is not None
    assert shared._beats is None
    assert store.meter.sessions_written == 1


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an empty database with its tables."""
    engine = create_engine(f"sqlite:///{tmp_path / 'bare.sqlite3'}")
    prepare_engine(engine)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


class _Twin:
    """A recorder over a database in memory, with or without the shortcut."""

    def __init__(self, clock: FakeClock, *, shortcut: bool) -> None:
        self.engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        prepare_engine(self.engine)
        Base.metadata.create_all(self.engine)
        self.store = Store(self.engine, Settings())
        self.recorder = Recorder(self.store, clock, heartbeat_window_seconds=10, max_waiting=1_024)
        if not shortcut:
            self.recorder._beats = None

    def sessions(self) -> list[tuple[object, ...]]:
        with self.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT key, text, load, last_seen FROM active_session "
                "JOIN path ON path.id = path_id ORDER BY key"
            )
            return [tuple(row) for row in rows]

    def close(self) -> None:
        self.recorder.close()
        self.engine.dispose()


_SESSIONS = st.sampled_from([97, 97, 98])
_LOADS = st.integers(1, 2)
_PATHS = st.sampled_from(["/", "/a/"])
_STEPS = st.lists(
    st.one_of(
        st.builds(Beat, _SESSIONS, _LOADS, _PATHS),
        st.builds(Beat, _SESSIONS, _LOADS, _PATHS),
        st.builds(View, _SESSIONS, _LOADS, _PATHS),
        st.builds(Leave, _SESSIONS, _LOADS, _PATHS),
        st.builds(NotFound, _SESSIONS, _LOADS, _PATHS),
        st.sampled_from([1, 4, 5, 9, 10, 11, 120, 3_600, -1, -5, -10, -11, -3_600]),
        st.just("clean up"),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(_STEPS)
@example(
    [
        View(97, 1, "/"),
        Leave(97, 2, "/"),
        Beat(97, 1, "/"),
        Leave(97, 1, "/"),
        Beat(97, 1, "/"),
    ]
)
@example(
    [
        View(97, 1, "/"),
        View(97, 2, "/"),
        Leave(97, 2, "/"),
        Beat(97, 2, "/"),
    ]
)
def test_the_shortcut_for_heartbeats_changes_no_row(steps: list[Message | int | str]) -> None:
    """With and without the memory in front of it the table of active sessions is the same."""
    clock = FakeClock()
    twins = [_Twin(clock, shortcut=True), _Twin(clock, shortcut=False)]
    try:
        for step in steps:
            if isinstance(step, int):
                clock.advance(step)
            for twin in twins:
                if isinstance(step, str):
                    twin.recorder.clean_up()
                elif not isinstance(step, int):
                    twin.recorder.record(step)

            assert twins[0].sessions() == twins[1].sessions()
        assert twins[0].store.meter.sessions_written == twins[1].store.meter.sessions_written
    finally:
        for twin in twins:
            twin.close()


@pytest.mark.sqlite_only("there is no shortcut where other processes can write")
def test_the_shortcut_saves_the_way_to_the_database(site: Site) -> None:
    """A repeated heartbeat costs no statement at all."""
    site.beat("/")
    statements: list[object] = []
    event.listen(site.tracker.engine, "begin", statements.append)
    site.beat("/")
    repeated = list(statements)
    site.clock.advance(10)
    site.beat("/")

    assert repeated == []
    assert statements


@pytest.mark.sqlite_only("there is no shortcut where other processes can write")
def test_the_shortcut_forgets_what_is_older_than_the_window(site: Site) -> None:
    """Its memory holds the sessions of one window, not of a day."""
    for reader in range(50):
        site.beat("/", reader=reader)
        site.clock.advance(1)
    beats = site.tracker.recorder._beats
    assert beats is not None

    assert len(beats._rows) + len(beats._older) <= 20


def test_the_shortcut_remembers_no_more_than_its_bound(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound the oldest is asked of the database again, and nothing is counted wrong."""
    monkeypatch.setattr(recorder_module, "MAX_RECENT_BEATS", 10)
    recorder = site.tracker.recorder
    for reader in range(30):
        recorder.record(Beat(session=reader, load=1, path="/"))
    written = site.tracker.store.meter.sessions_written
    for reader in range(30):
        recorder.record(Beat(session=reader, load=1, path="/"))

    beats = recorder._beats
    assert beats is None or 5 <= len(beats._rows) + len(beats._older) <= 10
    assert site.tracker.store.meter.sessions_written == written == 30
