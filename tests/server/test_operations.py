"""What supervisors, load balancers and monitoring are told, while things fail for real."""

import http.client
import json
import resource
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine, event, text

from tests.processes import Process
from tests.server.conftest import (
    FakeClock,
    MakeSite,
    Site,
    accept_writes,
    refuse_writes,
    session_id,
)
from tracker_server import upkeep as upkeep_module
from tracker_server.database import cause_of, open_writer, prepare_engine
from tracker_server.errors import StorageError
from tracker_server.model import View
from tracker_server.upkeep import Upkeep

PATIENCE_SECONDS = 20.0
TOKEN = "a token for metrics"


def _numbers(site: Site) -> dict[str, float]:
    answer = site.client.get("/metrics")
    assert answer.status_code == 200
    return _parse(answer.get_data(as_text=True))


def _parse(exposition: str) -> dict[str, float]:
    """Read the samples as a monitoring system does, by name and labels."""
    return {
        sample.name + "".join(f" {name}={text}" for name, text in sorted(sample.labels.items())): (
            sample.value
        )
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def _ready(site: Site) -> tuple[int, bytes]:
    answer = site.client.get("/readyz")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status_code, answer.data


READY = (200, b"ok\n")
NOT_READY = (503, b"messages are not stored\n")


def test_healthz_is_ok_while_the_database_answers(site: Site) -> None:
    """A supervisor asks this."""
    answer = site.client.get("/healthz")

    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"ok\n", "text/plain")
    assert _ready(site) == READY


@pytest.mark.sqlite_only("it breaks the file; test_postgresql.py stops the server")
def test_healthz_is_503_when_the_database_does_not_answer(site: Site) -> None:
    """The answer does not say where the database is; nobody is ready then, but numbers are told."""
    site.tracker.close()
    site.clock.advance(10)
    database: Any = site.tracker.engine.url.database
    for suffix in ("", "-wal", "-shm"):
        with open(database + suffix, "wb") as file:  # noqa: PTH123  # a name with a suffix
            file.write(b"no database " * 1_000)
    answer = site.client.get("/healthz")

    assert answer.status_code == 503
    assert answer.data == b"the database does not answer\n"
    assert _ready(site) == (503, answer.data)
    assert "tracker_active_sessions" not in _numbers(site)


def test_readyz_is_red_at_once_after_a_failed_write_and_green_after_the_next_good_one(
    site: Site,
) -> None:
    """The database reads and refuses to write; a stored view says that it is over."""
    refuse_writes(site.tracker.engine, "view")
    before = _ready(site)
    refused = site.send("view", "/faq/").status_code
    during = _ready(site), site.client.get("/healthz").status_code, _numbers(site)["tracker_ready"]
    accept_writes(site.tracker.engine, "view")
    still = _ready(site)
    site.view("/faq/")

    assert (before, refused, still) == (READY, 503, NOT_READY)
    assert during == (NOT_READY, 200, 0)
    assert _ready(site) == READY
    assert _numbers(site)["tracker_ready"] == 1


def test_a_tracker_that_is_sent_nothing_finds_out_by_itself_that_it_can_write(site: Site) -> None:
    """A balancer sends no messages to who is not ready: the chores try, and change nothing."""
    site.view("/")
    refuse_writes(site.tracker.engine, "totals")
    site.send("view", "/faq/")
    site.tracker.upkeep.tick()
    failing = _ready(site)
    accept_writes(site.tracker.engine, "totals")
    totals = site.rows("SELECT * FROM totals")
    site.tracker.upkeep.tick()

    assert (failing, _ready(site)) == (NOT_READY, READY)
    assert site.rows("SELECT * FROM totals") == totals


@pytest.mark.sqlite_only("its pages are bounded; PostgreSQL's disk is not ours to fill")
def test_a_full_database_refuses_views_and_tells_why(site: Site) -> None:
    """SQLITE_FULL is 503, red, counted as what it is; with room there is no restart needed."""
    pages = site.rows("PRAGMA page_count")[0][0]
    limit = [pages + 8]

    @event.listens_for(site.tracker.engine, "connect")
    def _bound(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={limit[0]}")

    site.tracker.engine.dispose()
    site.tracker.store.close()
    statuses = {
        site.send("view", f"/guide/{n}/{'x' * 900}", reader=n).status_code for n in range(40)
    }
    full = _ready(site)
    limit[0] = pages * 100
    site.tracker.store.close()
    site.tracker.engine.dispose()
    site.view("/", reader=99)

    assert statuses == {204, 503}
    assert (full, _ready(site)) == (NOT_READY, READY)
    assert _numbers(site)["tracker_storage_failures_total cause=full"] >= 1


def test_a_failure_is_logged_once_in_five_seconds_and_on_one_line(
    site: Site, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A hundred refused views are a line, the next one says how many were not told."""
    refuse_writes(site.tracker.engine, "view")
    for _ in range(100):
        site.send("view", "/faq/")
    first = [record.message for record in caplog.records]
    clock.advance(5)
    site.send("view", "/faq/")
    accept_writes(site.tracker.engine, "view")
    site.view("/faq/")

    assert len(first) == 1
    assert first[0].startswith("not stored: ")
    assert "refused" in first[0]
    assert all("\n" not in record.message for record in caplog.records)
    assert [getattr(record, "event", "") for record in caplog.records] == [
        "storage_error",
        "storage_error",
        "storage_recovered",
    ]
    assert [getattr(record, "fields", {}).get("unsaid") for record in caplog.records[:2]] == [0, 99]


def test_metrics_tell_what_was_answered_and_what_counted(site: Site) -> None:
    """Each kind of message, each refusal, each repetition, as a monitoring system reads it."""
    site.view("/faq/")
    site.view("/faq/")
    site.view("/", reader=1)
    site.beat("/faq/")
    site.beat("/faq/")
    site.clock.advance(10)
    site.beat("/faq/")
    site.send("leave", "/faq/")
    site.send("event", "/gone/", n="not_found")
    site.send("event", "/faq/", n="copy")
    site.client.post("/api/collect", data="no message")
    site.client.post("/api/collect", data="x" * 5_000)
    site.client.get("/api/collect")
    numbers = _numbers(site)

    assert {name: n for name, n in numbers.items() if name.startswith("tracker_messages")} == {
        "tracker_messages_total kind=view status=204": 3,
        "tracker_messages_total kind=beat status=202": 3,
        "tracker_messages_total kind=leave status=202": 1,
        "tracker_messages_total kind=not_found status=204": 1,
        "tracker_messages_total kind=event status=204": 1,
        "tracker_messages_total kind=unknown status=400": 1,
        "tracker_messages_total kind=unknown status=405": 1,
        "tracker_messages_total kind=unknown status=413": 1,
    }
    dropped = {name: n for name, n in numbers.items() if name.startswith("tracker_dropped") and n}
    assert dropped == {
        "tracker_dropped_total reason=malformed": 1,
        "tracker_dropped_total reason=method": 1,
        "tracker_dropped_total reason=too_large": 1,
    }
    assert numbers["tracker_views_counted_total"] == 2
    assert numbers["tracker_views_repeated_total"] == 1
    assert numbers["tracker_beats_repeated_total"] == 2
    assert numbers["tracker_active_sessions"] == 1
    assert numbers["tracker_waiting_messages"] == 0
    assert numbers["tracker_max_waiting_messages"] == 1_024
    assert numbers["tracker_commit_seconds_count"] == numbers["tracker_batch_messages_count"]
    from_memory = 2 if site.tracker.store.single_writer else 0
    assert numbers["tracker_batch_messages_sum"] == 9 - from_memory
    assert numbers["tracker_lock_seconds_count"] >= numbers["tracker_commit_seconds_count"]
    assert (
        numbers["tracker_commit_seconds_bucket le=+Inf"] == numbers["tracker_commit_seconds_count"]
    )
    assert numbers["process_resident_memory_bytes"] > 0


@pytest.mark.parametrize("conflicts", [0])
def test_many_writers_make_no_conflict(site: Site, conflicts: int) -> None:
    """What the original watched: 105 retries at its peak. Here a page of beats makes none."""
    for turn in range(30):
        site.beat(f"/{turn % 3}/", reader=turn % 2)
    numbers = _numbers(site)

    assert numbers["tracker_storage_failures_total cause=conflict"] == conflicts
    assert sum(n for name, n in numbers.items() if "storage_failures_total" in name) == 0


def test_metrics_count_what_the_disk_and_the_queue_refuse(site: Site) -> None:
    """A failing database is one reason, a full queue another one."""
    refuse_writes(site.tracker.engine, "view")
    site.send("view", "/faq/")
    accept_writes(site.tracker.engine, "view")
    site.tracker.recorder._max_waiting = 0
    site.send("view", "/faq/")
    numbers = _numbers(site)

    assert numbers["tracker_messages_total kind=view status=503"] == 2
    assert numbers["tracker_dropped_total reason=storage"] == 1
    assert numbers["tracker_dropped_total reason=queue_full"] == 1
    assert numbers["tracker_storage_failures_total cause=other"] == 1


def test_hosts_that_may_not_report_are_counted(make_site: MakeSite) -> None:
    """The owner sees that somebody else's site uses the tracker."""
    site = make_site(allowed_hosts=("docs.example",))
    site.send("view")

    assert _numbers(site)["tracker_dropped_total reason=host"] == 1


@pytest.mark.parametrize(
    ("authorization", "status"),
    [(f"Bearer {TOKEN}", 200), (None, 401), ("Bearer ", 401), ("Bearer \u00fc", 401)],
)
def test_metrics_with_a_token_ask_for_it(
    make_site: MakeSite, authorization: str | None, status: int
) -> None:
    """Without the token no number is told."""
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = make_site(metrics_token=TOKEN).client.get("/metrics", headers=headers)

    assert answer.status_code == status
    assert (b"tracker_views" in answer.data) == (status == 200)
    assert TOKEN.encode() not in answer.data


@pytest.mark.sqlite_only("the number does not fit; PostgreSQL refuses it itself")
def test_a_defect_of_the_writer_ends_the_process(
    site: Site, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is told that all is well: no message is taken, and the chores stop the process."""
    monkeypatch.setattr(upkeep_module, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(upkeep_module, "END_SECONDS", 0.05)
    with pytest.raises(StorageError, match="unexpected: OverflowError"):
        site.tracker.recorder.record(View(session=1, load=1 << 64, path="/"))
    refused = site.send("view").status_code
    health = site.client.get("/healthz")
    done: list[str] = []
    chores = Upkeep(site.tracker.recorder, clock, manifest_path="", cleanup_seconds=300)
    chores.start(lambda: done.append("stopped"), lambda: done.append("ended"))
    _wait_until(lambda: len(done) == 2)
    chores.stop()

    assert (refused, health.status_code, health.data) == (503, 503, b"the writer has failed\n")
    assert _ready(site) == NOT_READY
    assert done == ["stopped", "ended"]
    assert [getattr(record, "event", "") for record in caplog.records] == ["writer_failed"]
    assert _numbers(site)["tracker_storage_failures_total cause=unexpected"] == 1


@pytest.mark.sqlite_only("no statement depends on it")
def test_a_chore_that_fails_in_an_unexpected_way_ends_the_process(
    site: Site, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else ended sessions would stay and a new manifest be ignored, and nobody would know."""
    monkeypatch.setattr(upkeep_module, "TICK_SECONDS", 0.01)
    done: list[str] = []
    chores = Upkeep(
        site.tracker.recorder,
        clock,
        manifest_path="a\0b",  # No system call takes it.
        cleanup_seconds=300,
    )
    chores.start(lambda: done.append("stopped"))
    _wait_until(lambda: bool(done))
    chores.stop()

    assert site.tracker.recorder.health.is_broken


def test_a_conflict_is_told_from_other_failures(database_url: str) -> None:
    """Two transactions that want the same lock, and a statement that is wrong."""
    engine = create_engine(database_url)
    prepare_engine(engine)
    with open_writer(engine) as first:
        with first.begin():
            first.execute(text("CREATE TABLE t (n INTEGER)"))
        with first.begin(), open_writer(engine) as second:
            first.execute(text("INSERT INTO t VALUES (1)"))
            first.execute(text("SELECT n FROM t"))
            with pytest.raises(Exception) as conflict:  # noqa: PT011  # of either driver
                _want_the_lock(second)
        with pytest.raises(Exception) as wrong, first.begin():  # noqa: PT011  # as above
            first.execute(text("SELECT no_such_column FROM t"))
    engine.dispose()

    assert (cause_of(conflict.value), cause_of(wrong.value)) == ("conflict", "other")


def _want_the_lock(connection: Any) -> None:
    if connection.dialect.name == "sqlite":
        connection.connection.dbapi_connection.execute("PRAGMA busy_timeout=10").close()
        with connection.begin():
            pass
    else:
        with connection.begin():
            connection.execute(text("SET LOCAL lock_timeout = '10ms'"))
            connection.execute(text("LOCK TABLE t IN EXCLUSIVE MODE"))


# --- over sockets, against real processes ---


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Return what starts a tracker on a file in an empty folder; all are ended at the end."""
    processes: list[Process] = []

    def start(module: str = "tracker_server", **variables: str) -> Process:
        processes.append(Process(tmp_path, "sqlite:///stats.sqlite3", module, **variables))
        processes[-1].wait_until_it_serves()
        return processes[-1]

    yield start
    for process in processes:
        process.stop()


def _ask(process: Process, method: str, path: str, body: str | None = None) -> tuple[int, str]:
    with closing(process.connect()) as connection:
        connection.request(method, path, body, {"User-Agent": "marked-agent/7"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def _view(number: int) -> str:
    return json.dumps({"t": "view", "s": session_id(number), "l": f"{number:032x}", "p": "/"})


def test_a_disk_that_takes_no_more_turns_readyz_red_and_back(
    run: Callable[..., Process], tmp_path: Path
) -> None:
    """The system refuses the file to grow: red within a second, and green without a restart."""
    process = run()
    log_bytes = (tmp_path / "stats.sqlite3-wal").stat().st_size
    before = _ask(process, "GET", "/readyz")[0]
    unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (log_bytes, unlimited[1]))
    statuses, number = [], 0
    while 503 not in statuses:
        number += 1
        assert number < 5_000
        statuses.append(_ask(process, "POST", "/api/collect", _view(number))[0])
    began = time.monotonic()
    _wait_until(lambda: _ask(process, "GET", "/readyz")[0] == 503)
    red_after = time.monotonic() - began
    reading = _ask(process, "GET", "/api/stats")[0]
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
    began = time.monotonic()
    _wait_until(lambda: _ask(process, "GET", "/readyz")[0] == 200)
    green_after = time.monotonic() - began
    number += 1
    stored = _ask(process, "POST", "/api/collect", _view(number))[0]

    assert (before, reading, stored) == (200, 200, 204)
    assert red_after < 1
    assert green_after < 3
    numbers = _parse(_ask(process, "GET", "/metrics")[1])
    assert numbers["tracker_views_counted_total"] == statuses.count(204) + 1


def test_a_writer_that_fails_ends_the_process_with_an_error(
    run: Callable[..., Process],
) -> None:
    """Who is in work gets 503, nobody gets 204 for what is not stored, the exit code is not 0."""
    process = run("tests.server.writer_fails")
    statuses: list[int | None] = []
    for number in range(2_000):
        try:
            statuses.append(_ask(process, "POST", "/api/collect", _view(number))[0])
        except (OSError, http.client.HTTPException):
            statuses.append(None)
            break
        time.sleep(0.005)
    code = process.wait()
    lines = [json.loads(line) for line in process.output().splitlines() if line.startswith("{")]

    assert statuses[:3] == [204, 204, 503]
    assert set(statuses[3:]) <= {503, None}
    assert code != 0
    failed = next(line for line in lines if line["event"] == "writer_failed")
    assert failed["error"] == "LookupError"
    assert any("writer_fails.py" in frame for frame in failed["traceback"])
    assert "a value that a reader sent" not in process.output()


def test_metrics_tell_what_the_server_alone_knows(run: Callable[..., Process]) -> None:
    """Who is connected, who follows, and what never came to be a message."""
    process = run()
    with closing(process.connect()) as page, closing(process.connect()) as stranger:
        page.request("GET", "/api/live")
        stream = page.getresponse()
        stranger.connect()
        stranger.sock.sendall(b"rubbish\r\n\r\n")
        refused = stranger.sock.recv(100)
        too_long = _ask(process, "POST", "/api/collect", "x" * 20_000)[0]
        numbers = _parse(_ask(process, "GET", "/metrics")[1])
        stream.close()
    _wait_until(lambda: _parse(_ask(process, "GET", "/metrics")[1])["tracker_streams"] == 0)

    assert refused.startswith(b"HTTP/1.1 400")
    assert too_long == 413
    assert numbers["tracker_streams"] == 1
    assert numbers["tracker_connections"] >= 2
    given = {name: n for name, n in numbers.items() if name.startswith("tracker_requests_refused")}
    assert given == {
        "tracker_requests_refused_total reason=malformed": 1,
        "tracker_requests_refused_total reason=head": 0,
        "tracker_requests_refused_total reason=body": 1,
        "tracker_requests_refused_total reason=busy": 0,
    }
    assert numbers["tracker_connections_cut_total reason=slow"] == 0


def test_the_log_is_lines_of_json_without_personal_data(run: Callable[..., Process]) -> None:
    """Start, a refused manifest and the stop; no address, agent, session or path of a reader."""
    process = run(STATS_MANIFEST_TOKEN=TOKEN)
    with closing(process.connect()) as connection:
        connection.request(
            "PUT", "/api/manifest", "{\n\x1b[2J", {"Authorization": f"Bearer {TOKEN}"}
        )
        refused = connection.getresponse().status
    for number in range(20):
        assert _ask(process, "POST", "/api/collect", _view(number))[0] == 204
    process.stop()
    printed, logged = _split(process.output())
    lines = [json.loads(line) for line in logged]

    assert refused == 422
    assert [line["event"] for line in lines] == ["start", "manifest_refused", "stop"]
    assert [line["level"] for line in lines] == ["info", "warning", "info"]
    assert lines[0]["database"] == "sqlite:///stats.sqlite3"
    assert lines[2]["views_counted"] == 20
    assert len(printed) == 2
    for secret in ("marked-agent", session_id(3), TOKEN, '127.0.0.1"', "\x1b"):
        assert secret not in process.output()


def _split(output: str) -> tuple[list[str], list[str]]:
    lines = output.splitlines()
    return [x for x in lines if not x.startswith("{")], [x for x in lines if x.startswith("{")]


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
