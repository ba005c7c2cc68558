"""What happens to a database while a tracker runs, or before it starts: nothing is pretended."""

import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.processes import ROOT, Process
from tests.reliability.full import UNSHARE, has_namespaces
from tests.reliability.load import view
from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.errors import ConfigurationError

PATHS = ("/api/stats", "/api/report", "/api/counters?path=/", "/stats", "/badge.svg", "/healthz")
LOCKED_SECONDS = 6.5
"""Longer than a batch waits for the lock."""
MAX_WAITING = 64
MAX_GROWTH_KIB = 64 * 1024
SEED = 20_261_129


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the database is, in a folder of its own."""
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk" / "stats.sqlite3"


@pytest.fixture
def process(tmp_path: Path, file: Path) -> Iterator[Process]:
    """Start a tracker."""
    tracker = Process(tmp_path, f"sqlite:///{file}", STATS_MAX_WAITING=str(MAX_WAITING))
    try:
        tracker.wait_until_it_serves()
        yield tracker
    finally:
        tracker.stop()


def _send(process: Process, number: int) -> tuple[int, str | None]:
    with closing(process.connect()) as connection:
        connection.request("POST", "/api/collect", view(number))
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After")


def _get(process: Process, path: str) -> int:
    with closing(process.connect()) as connection:
        connection.request("GET", path)
        return connection.getresponse().status


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def _views(file: Path) -> int:
    with closing(sqlite3.connect(file)) as base:
        number: int = base.execute("SELECT count(*) FROM view").fetchone()[0]
        return number


def test_a_lock_of_another_program_loses_nothing(process: Process, file: Path) -> None:
    """Some wait, and are refused after a while; memory is bounded; then all is as before."""
    before = _memory(process)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        locked = time.monotonic()
        with ThreadPoolExecutor(2 * MAX_WAITING) as senders:
            answers = list(senders.map(lambda n: _send(process, n), range(1, 4 * MAX_WAITING)))
        readable = _get(process, "/api/stats"), _get(process, "/readyz")
        time.sleep(max(0.0, LOCKED_SECONDS - time.monotonic() + locked))
        growth = _memory(process) - before
        other.execute("ROLLBACK")
    again = Counter(_send(process, n)[0] for n in range(1, 4 * MAX_WAITING))

    assert set(answers) == {(503, "30")}
    assert readable == (200, 503)
    assert growth < MAX_GROWTH_KIB
    assert again == {204: 4 * MAX_WAITING - 1}
    assert _views(file) == 4 * MAX_WAITING - 1


def _memory(process: Process) -> int:
    """Return how many KiB of memory it has."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def test_a_file_that_is_moved_away_is_missed_and_no_other_is_made(
    process: Process, file: Path, tmp_path: Path
) -> None:
    """What is stored in a file without a name would be gone; put back, it goes on."""
    stored = _send(process, 1)[0]
    file.rename(tmp_path / "elsewhere")
    gone = _send(process, 2)
    red, alive = _get(process, "/readyz"), {_get(process, path) for path in PATHS}
    made = file.exists()
    (tmp_path / "elsewhere").rename(file)
    _until(lambda: _get(process, "/readyz") == 200)
    again = _send(process, 2)[0]
    process.stop()

    assert (stored, gone, red, again) == (204, (503, "30"), 503, 204)
    assert alive <= {200, 503}
    assert not made
    assert _views(file) == 2
    assert "Traceback" not in process.output()


def test_a_file_that_is_replaced_is_not_written_to(
    process: Process, file: Path, tmp_path: Path
) -> None:
    """The log of the one must never be applied to the other."""
    _send(process, 1)
    tracker = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'other'}"))
    tracker.extensions["tracker"].close()
    other = (tmp_path / "other").read_bytes()
    (tmp_path / "other").rename(file)
    statuses = {_send(process, number) for number in range(2, 5)}
    red = _get(process, "/readyz")
    process.stop()

    assert statuses == {(503, "30")}
    assert red == 503
    assert file.read_bytes() == other
    assert "was replaced while it was open; restart the tracker" in process.output()


def test_a_database_that_is_read_only_stops_the_start_in_one_line(file: Path) -> None:
    """It cannot even be locked."""
    if not has_namespaces():
        file.parent.chmod(0o500)
    folder = file.parent
    mount = f'mount --bind {folder} {folder} && mount -o remount,bind,ro {folder} && exec "$@"'
    command = [sys.executable, "-m", "tracker_server", "run", "--database-url", f"sqlite:///{file}"]
    inside = [*UNSHARE, "sh", "-c", mount, "-", *command] if has_namespaces() else command
    done = subprocess.run(inside, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("Error: database_url: ")


def test_damage_stops_a_start_in_one_line_or_is_served_around(tmp_path: Path) -> None:
    """Flipped bytes, sixty times: what can be read is served, the rest is 503 and never 500."""
    whole = _database(tmp_path)
    dice, refused = random.Random(SEED), []
    for number in range(60):
        damaged = tmp_path / f"{number}.sqlite3"
        shutil.copy(whole, damaged)
        _flip(damaged, dice.randint(1, 64), dice)
        try:
            app = create_app(Settings(database_url=f"sqlite:///{damaged}"))
        except ConfigurationError as error:
            refused.append(str(error))
            continue
        client = app.test_client()
        statuses = {client.get(path).status_code for path in PATHS}
        statuses.add(client.post("/api/collect", data=view(1_000)).status_code)
        app.extensions["tracker"].close()
        assert statuses <= {200, 204, 503}, number

    assert len(refused) > 20
    assert not [text for text in refused if "\n" in text or not text.startswith("database_url: ")]


def test_damage_under_a_running_tracker_is_503(tmp_path: Path) -> None:
    """The pages say that nothing can be read, and views are refused."""
    file = _database(tmp_path)
    process = Process(tmp_path, f"sqlite:///{file}")
    try:
        process.wait_until_it_serves()
        _flip(file, 20_000, random.Random(SEED), first=4_096)
        statuses = {path: _get(process, path) for path in PATHS}
        answers = {_send(process, number)[0] for number in range(1_000, 1_010)}
    finally:
        process.stop()

    assert set(statuses.values()) <= {200, 503}, statuses
    assert statuses["/api/report"] == 503
    assert answers == {503}
    assert "Traceback" not in process.output()


def _database(folder: Path) -> Path:
    """Return a database of some views, at rest."""
    file = folder / "whole.sqlite3"
    app = create_app(Settings(database_url=f"sqlite:///{file}", rate_limit=0))
    for number in range(1, 301):
        client = app.test_client()
        assert client.post("/api/collect", data=view(number)).status_code == 204
    app.extensions["tracker"].close()
    return file


def _flip(file: Path, times: int, dice: random.Random, first: int = 0) -> None:
    """Change so many bytes behind the first, where they are."""
    with file.open("r+b") as opened:
        size = file.stat().st_size
        for _ in range(times):
            place = dice.randrange(first, size)
            opened.seek(place)
            byte = opened.read(1)[0]
            opened.seek(place)
            opened.write(bytes([byte ^ dice.randint(1, 255)]))
