"""Two tracker processes on one PostgreSQL database count as one would."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.server.conftest import session_id

pytestmark = pytest.mark.postgresql_only("a SQLite file has one writer")

PATIENCE_SECONDS = 20.0
ROOT = Path(__file__).parents[2]


class Process:
    """One ``tracker-server`` with a port of its own."""

    def __init__(self, folder: Path, database_url: str) -> None:
        with closing(socket.socket()) as some:
            some.bind(("127.0.0.1", 0))
            self.port = int(some.getsockname()[1])
        self._log = folder / f"{self.port}.txt"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("STATS_")}
        own = {"STATS_DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tracker_server", "run", "--port", str(self.port)],
                cwd=folder,
                env=inherited | own,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_it_serves(self) -> None:
        """Return when it answers."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < end, "waited in vain for a start"
            try:
                with closing(self.connect()) as connection:
                    connection.request("GET", "/healthz")
                    assert connection.getresponse().status == 200
                    return
            except OSError:
                time.sleep(0.05)

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)

    def send(self, kind: str, path: str = "/", reader: int = 0, load: int = 1) -> int:
        """Send one message over a connection of its own and return the status."""
        with closing(self.connect()) as connection:
            return post(connection, kind, path, reader, load)

    def stop(self) -> None:
        """End it, by force if it does not go."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(PATIENCE_SECONDS)


def post(
    connection: http.client.HTTPConnection, kind: str, path: str, reader: int, load: int
) -> int:
    """Send one message and return the status."""
    message = {"t": kind, "p": path, "s": session_id(reader), "l": f"{load:032x}"}
    connection.request("POST", "/api/collect", json.dumps(message))
    answer = connection.getresponse()
    answer.read()
    return answer.status


Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def pair(tmp_path: Path, database_url: str) -> Iterator[tuple[Process, Process]]:
    """Two trackers, started at the same moment on an empty database."""
    processes = Process(tmp_path, database_url), Process(tmp_path, database_url)
    try:
        for process in processes:
            process.wait_until_it_serves()
        yield processes
    finally:
        for process in processes:
            process.stop()


@pytest.fixture
def query(database_url: str) -> Iterator[Query]:
    """Return what asks the database of both."""
    engine = create_engine(database_url)

    def ask(sql: str) -> list[tuple[Any, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    yield ask
    engine.dispose()


def test_path_changes_that_alternate_between_two_processes_are_all_written(
    pair: tuple[Process, Process], query: Query
) -> None:
    """What one process wrote a moment ago never lets the other swallow a change back."""
    seen = []
    for turn in range(20):
        assert pair[turn % 2].send("beat", ["/a/", "/b/", "/c/"][turn % 3]) == 202
        seen += query("SELECT text FROM active_session JOIN path ON path.id = path_id")
    for process in (pair[0], pair[1], pair[0]):  # There, away by the other, and back.
        assert process.send("beat", "/here/" if process is pair[0] else "/there/") == 202

    assert seen == [(["/a/", "/b/", "/c/"][turn % 3],) for turn in range(20)]
    assert query("SELECT text FROM active_session JOIN path ON path.id = path_id") == [("/here/",)]


def test_a_reader_who_is_sent_from_process_to_process_counts_once(
    pair: tuple[Process, Process], query: Query
) -> None:
    """A retry of a page load, and a view within the window, are known to both."""
    one, other = pair
    statuses = [
        one.send("view", "/", load=1),
        other.send("view", "/", load=1),  # The retry.
        other.send("view", "/", load=2),  # A reload within the window.
        one.send("view", "/", load=2),
        other.send("view", "/a/", load=3),
        one.send("leave", "/", load=1),  # Late: of a page load that is no longer shown.
    ]
    stays = query("SELECT count(*) FROM active_session")
    one.send("leave", "/a/", load=3)

    assert statuses[:5] == [204] * 5
    assert query("SELECT views, visitors FROM totals") == [(2, 1)]
    assert query("SELECT count(*) FROM load") == [(2,)]
    assert stays == [(1,)]
    assert query("SELECT count(*) FROM active_session") == [(0,)]


def test_two_processes_at_once_store_all_they_were_sent(
    pair: tuple[Process, Process], query: Query
) -> None:
    """No error, no deadlock, nothing lost and nothing twice, whoever was asked."""
    readers, turns = 24, 20

    def read(reader: int) -> Counter[int]:
        statuses: Counter[int] = Counter()
        with closing(pair[0].connect()) as first, closing(pair[1].connect()) as second:
            for turn in range(turns):
                path, load = f"/{turn}/", reader * 1_000 + turn
                here, there = (first, second) if (reader + turn) % 2 else (second, first)
                statuses[post(here, "view", path, reader, load)] += 1
                if turn % 4 == 0:
                    statuses[post(there, "view", path, reader, load)] += 1
                statuses[post(there, "beat", path, reader, load)] += 1
                statuses[post(here, "beat", f"/shared/{reader % 3}/", 999, 1)] += 1
        return statuses

    with ThreadPoolExecutor(readers) as pool:
        statuses = sum(pool.map(read, range(readers)), Counter[int]())

    assert set(statuses) == {202, 204}
    assert sum(statuses.values()) == readers * (turns * 3 + turns // 4)
    assert query("SELECT views, visitors FROM totals") == [(readers * turns, readers)]
    assert query("SELECT count(*), count(DISTINCT (path_id, visitor_id)) FROM view") == [
        (readers * turns, readers * turns)
    ]
    assert query(
        "SELECT text, total_count.count FROM total_count JOIN path ON path.id = key "
        "WHERE dimension = 1 ORDER BY text"
    ) == sorted((f"/{turn}/", readers) for turn in range(turns))
    assert query("SELECT count(*) FROM active_session") == [(readers + 1,)]
