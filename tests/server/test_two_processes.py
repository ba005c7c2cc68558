"""Two tracker processes on one PostgreSQL database count as one would."""

import http.client
import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.processes import Process
from tests.server.conftest import session_id

pytestmark = pytest.mark.postgresql_only("a SQLite file has one writer")


def send(process: Process, kind: str, path: str = "/", reader: int = 0, load: int = 1) -> int:
    """Send one message over a connection of its own and return the status."""
    with closing(process.connect()) as connection:
        return post(connection, kind, path, reader, load)


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
        assert send(pair[turn % 2], "beat", ["/a/", "/b/", "/c/"][turn % 3]) == 202
        seen += query("SELECT text FROM active_session JOIN path ON path.id = path_id")
    for process in (pair[0], pair[1], pair[0]):  # There, away by the other, and back.
        assert send(process, "beat", "/here/" if process is pair[0] else "/there/") == 202

    assert seen == [(["/a/", "/b/", "/c/"][turn % 3],) for turn in range(20)]
    assert query("SELECT text FROM active_session JOIN path ON path.id = path_id") == [("/here/",)]


def test_a_reader_who_is_sent_from_process_to_process_counts_once(
    pair: tuple[Process, Process], query: Query
) -> None:
    """A retry of a page load, and a view within the window, are known to both."""
    one, other = pair
    statuses = [
        send(one, "view", "/", load=1),
        send(other, "view", "/", load=1),  # The retry.
        send(other, "view", "/", load=2),  # A reload within the window.
        send(one, "view", "/", load=2),
        send(other, "view", "/a/", load=3),
        send(one, "leave", "/", load=1),  # Late: of a page load that is no longer shown.
    ]
    stays = query("SELECT count(*) FROM active_session")
    send(one, "leave", "/a/", load=3)

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
