"""Copies of a database that is being written: whole, complete, and good to start from."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest
from click.testing import CliRunner

from tests.server.conftest import NOON, FakeClock
from tests.server.test_cli import Command, _environment, _free_port, _wait_until_it_listens
from tracker_server import sqlite_file
from tracker_server.app import create_app
from tracker_server.cli import main
from tracker_server.config import Settings
from tracker_server.errors import ConfigurationError
from tracker_server.maintenance import back_up, check
from tracker_server.model import (
    Received,
    View,
)

ROOT = Path(__file__).parents[2]
BACKUPS = int(os.environ.get("TEST_BACKUPS", "3"))
SENDERS = 8
PAUSE_SECONDS = 0.01
"""Between two views of a sender: without it two cores do nothing but store and send."""


class Load:
    """Readers who view page after page for as long as they are let."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stop = Event()
        self.acknowledged = [0] * SENDERS
        """How many views of each sender were answered with 204."""

    @property
    def stored(self) -> int:
        """How many views were acknowledged so far."""
        return sum(self.acknowledged)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send until the block ends; every answer has to be 204."""
        with ThreadPoolExecutor(SENDERS) as pool:
            senders = [pool.submit(self._send, number) for number in range(SENDERS)]
            try:
                yield
            finally:
                self._stop.set()
            for sender in senders:
                sender.result()

    def _send(self, number: int) -> None:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=10)) as connection:
            while not self._stop.is_set():
                turn = self.acknowledged[number]
                message = {
                    "t": "view",
                    "s": str(uuid4()),
                    "l": f"{turn:032x}",
                    "p": f"/{turn % 50}/",
                }
                connection.request("POST", "/api/collect", json.dumps(message))
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 204
                self.acknowledged[number] += 1
                time.sleep(PAUSE_SECONDS)


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Run a tracker on ``stats.sqlite3``; return where it listens."""
    number = _free_port()
    tracker = Command(tmp_path, "run", "--port", str(number)).serving()
    _wait_until_it_listens(number)
    yield number
    tracker.process.send_signal(signal.SIGTERM)
    code = tracker.wait()
    tracker.kill()
    assert code == 0
    assert "Traceback" not in tracker.err


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracker_server", *arguments],
        cwd=folder,
        env=_environment({}),
        capture_output=True,
        text=True,
        check=False,
    )


def _views(file: Path) -> int:
    with closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counted = connection.execute("SELECT views FROM totals").fetchone()[0]
        assert connection.execute("SELECT count(*) FROM view").fetchone()[0] == counted
    assert isinstance(counted, int)
    return counted


def test_backups_of_a_tracker_that_writes_are_good_to_start_from(port: int, tmp_path: Path) -> None:
    """Each has all that was acknowledged before it began, and its figures are those of a recount.

    ``TEST_BACKUPS`` in the environment sets how many are made.
    """
    (tmp_path / "copies").mkdir()
    load, counts = Load(port), []
    with load.running():
        for number in range(BACKUPS):
            before = load.stored
            result = _run(tmp_path, "backup", f"copies/{number}.sqlite3")
            counts.append((before, tmp_path / "copies" / f"{number}.sqlite3"))
            copy = counts[-1][1]

            assert result.stderr == ""
            size = copy.stat().st_size
            assert result.stdout == f"copies/{number}.sqlite3: {size:,} bytes\n"
    for before, copy in counts:
        assert before <= _views(copy) <= load.stored
        assert check(Settings(database_url=f"sqlite:///{copy}")).is_clean
        restored = create_app(Settings(database_url=f"sqlite:///{copy}"))
        figures = restored.test_client().get("/api/stats").get_json()
        restored.extensions["tracker"].close()
        assert figures["totalPageViews"] == _views(copy)

    assert counts[0][0] < counts[-1][0]


def test_a_tracker_that_writes_is_checked(port: int, tmp_path: Path) -> None:
    """All tables are of one moment; the tracker answers on, and nothing is made."""
    load = Load(port)
    with load.running():
        results = [_run(tmp_path, "check") for _ in range(3)]

    assert [(result.returncode, result.stderr) for result in results] == [(0, "")] * 3
    assert {path.name for path in tmp_path.glob("stats*")} == {
        f"stats.sqlite3{end}" for end in ("", "-shm", "-wal", ".lock")
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Make a database with a few views, at rest; return it."""
    file = tmp_path / "stats.sqlite3"
    tracker = create_app(Settings(database_url=f"sqlite:///{file}"), FakeClock()).extensions[
        "tracker"
    ]
    tracker.store.write([Received(int(NOON), View(n, n, f"/{n % 7}/")) for n in range(20)])
    tracker.close()
    return file


@pytest.mark.parametrize(
    "command", [["check"], ["backup", "copy.sqlite3"]], ids=lambda c: str(c[0])
)
def test_reading_commands_wait_for_nobody(file: Path, tmp_path: Path, command: list[str]) -> None:
    """A batch that is being written does not hold them up, and is not in what they read."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE totals SET views = 1000")
        result = _run(tmp_path, *command)
        log = file.with_name(f"{file.name}-wal").stat().st_size
        other.execute("COMMIT")
        after = file.with_name(f"{file.name}-wal").stat().st_size

    assert (result.returncode, result.stderr) == (0, "")
    assert log == 0 < after


def test_a_log_that_a_crash_left_is_read_with_the_file(file: Path, tmp_path: Path) -> None:
    """What was committed is in the copy, though no tracker has moved it into the file yet."""
    (tmp_path / "crashed").mkdir()
    crashed = tmp_path / "crashed" / file.name
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("INSERT INTO visitor VALUES (77, 21)")
        for end in ("", "-wal", "-shm"):
            source = file.with_name(f"{file.name}{end}")
            crashed.with_name(source.name).write_bytes(source.read_bytes())
    copy, _size = back_up(Settings(database_url=f"sqlite:///{crashed}"), tmp_path, NOON)

    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM visitor").fetchone() == (21,)


def test_a_copy_in_a_folder_is_named_by_its_time(file: Path, tmp_path: Path) -> None:
    """The name sorts by time, which is UTC; the copy is for its owner alone."""
    (tmp_path / "copies").mkdir()
    copy, size = back_up(Settings(database_url=f"sqlite:///{file}"), tmp_path / "copies", NOON)

    assert copy == tmp_path / "copies" / "stats-20260101T120000Z.sqlite3"
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert (size, _views(copy)) == (copy.stat().st_size, 20)


def test_a_copy_is_compact(file: Path, tmp_path: Path) -> None:
    """It leaves out the room of rows that were deleted."""
    with closing(sqlite3.connect(file)) as connection:
        rows = ((n, n) for n in range(10_000, 60_000))
        connection.executemany("INSERT INTO load VALUES (?, ?)", rows)
        connection.commit()
        connection.execute("DELETE FROM load WHERE key >= 10000")
        connection.commit()
    size = sqlite_file.copy(file, tmp_path / "copy.sqlite3")

    assert size < file.stat().st_size / 2


def test_a_link_to_a_database_is_the_database(file: Path, tmp_path: Path) -> None:
    """Its log is looked for beside the file that the link leads to."""
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.sqlite3"
    link.symlink_to(file)
    copy, _size = back_up(Settings(database_url=f"sqlite:///{link}"), tmp_path, NOON)

    assert copy.name == "link-20260101T120000Z.sqlite3"
    assert _views(copy) == 20
    assert [path.name for path in link.parent.iterdir()] == [link.name]


def _taken(tmp_path: Path) -> Path:
    (tmp_path / "copy.sqlite3").write_text("precious")
    return tmp_path / "copy.sqlite3"


def _dangling(tmp_path: Path) -> Path:
    (tmp_path / "copy.sqlite3").symlink_to(tmp_path / "nothing")
    return tmp_path / "copy.sqlite3"


def _half(tmp_path: Path) -> Path:
    (tmp_path / "copy.sqlite3.partial").write_text("half")
    return tmp_path / "copy.sqlite3"


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (_taken, "no backup '{0}/copy.sqlite3': it exists, and is not overwritten"),
        (_dangling, "no backup '{0}/copy.sqlite3': it exists, and is not overwritten"),
        (
            _half,
            "no backup: '{0}/copy.sqlite3.partial' exists: another one is being made, or one was ",
        ),
        (lambda t: t / "no" / "c", "no backup '{0}/no/c.partial': No such file or directory"),
        (lambda t: t / "stats.sqlite3", "no backup '{0}/stats.sqlite3': it exists, and is not"),
    ],
    ids=["taken", "dangling-link", "half", "no-folder", "itself"],
)
@pytest.mark.usefixtures("file")
def test_no_file_is_overwritten(tmp_path: Path, prepare: Callable[[Path], Path], said: str) -> None:
    """A name that is taken is one line; what has it stays as it is."""
    target = prepare(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.exists()}
    url = f"sqlite:///{tmp_path / 'stats.sqlite3'}"
    result = CliRunner().invoke(main, ["backup", "--database-url", url, str(target)])

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"Error: {said.format(tmp_path)}")
    assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.exists()} == before


def _overwrite_a_page(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name='load'").fetchone()
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with file.open("r+b") as opened:
        opened.seek((page[0] - 1) * size)
        opened.write(b"\xff" * 100)


def test_a_damaged_database_gets_no_copy(file: Path, tmp_path: Path) -> None:
    """What cannot be read leaves nothing behind that looks like a backup."""
    _overwrite_a_page(file)
    with pytest.raises(ConfigurationError, match=r"copy\.sqlite3': database disk image is malfor"):
        sqlite_file.copy(file, tmp_path / "copy.sqlite3")

    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name, f"{file.name}.lock"]


def test_a_copy_that_is_damaged_gets_no_name(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked through after it was written: a bad disk is noticed then."""
    write = sqlite_file._vacuum_into

    def write_badly(connect: sqlite_file.Connect, half: Path) -> None:
        write(connect, half)
        contents = bytearray(half.read_bytes())
        contents[len(contents) // 2 :] = b"\x00" * (len(contents) - len(contents) // 2)
        half.write_bytes(contents)

    monkeypatch.setattr(sqlite_file, "_vacuum_into", write_badly)
    with pytest.raises(ConfigurationError, match=r"no backup .*copy\.sqlite3'"):
        sqlite_file.copy(file, tmp_path / "copy.sqlite3")

    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name, f"{file.name}.lock"]


def test_a_copy_is_on_the_disk_before_it_has_its_name(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contents are flushed first, and then the folder that has the name."""
    done = []
    fsync, link = os.fsync, os.link

    def record_fsync(handle: int) -> None:
        done.append(f"flush {Path(f'/proc/self/fd/{handle}').readlink().name}")
        fsync(handle)

    def record_link(source: Path, target: Path) -> None:
        done.append(f"name {target.name}")
        link(source, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(os, "link", record_link)
    sqlite_file.copy(file, tmp_path / "copy.sqlite3")

    assert done == [
        "flush copy.sqlite3.partial",
        f"flush {tmp_path.name}",
        "name copy.sqlite3",
        "flush copy.sqlite3",
        f"flush {tmp_path.name}",
    ]


@pytest.mark.parametrize("number", [1, 95, 38])
def test_a_file_system_without_links_can_have_copies(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The name is claimed before the copy moves there, so nothing is overwritten either."""

    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(number, "no links")

    monkeypatch.setattr(os, "link", refuse)
    sqlite_file.copy(file, tmp_path / "copy.sqlite3")

    assert _views(tmp_path / "copy.sqlite3") == 20
    assert not (tmp_path / "copy.sqlite3.partial").exists()


def test_a_disk_that_fails_leaves_nothing_behind(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another reason than missing links is told."""

    def refuse(_source: Path, _target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(ConfigurationError, match=r"no backup .*: No space left on device"):
        sqlite_file.copy(file, tmp_path / "copy.sqlite3")

    assert sorted(path.name for path in tmp_path.iterdir()) == [file.name, f"{file.name}.lock"]


@pytest.mark.parametrize("torn", [True, False])
def test_a_database_that_wakes_up_while_it_is_read_is_read_again(file: Path, *, torn: bool) -> None:
    """A reader of a file at rest does not see a tracker start; so it looks whether one did."""
    seen = []

    def task(connect: sqlite_file.Connect) -> int:
        with closing(connect()) as connection:
            seen.append(connection.execute("SELECT views FROM totals").fetchone()[0])
        if len(seen) == 1:
            with closing(sqlite3.connect(file)) as other:
                other.execute("UPDATE totals SET views = 1000")
                other.commit()
            if torn:
                raise sqlite3.DatabaseError("torn")
        return int(seen[-1])

    assert sqlite_file.read(file, task) == 1_000
    assert seen == [20, 1_000]


def test_what_fails_on_a_file_at_rest_is_not_tried_again(file: Path) -> None:
    """An error that no change of the file explains is told."""
    calls = []

    def task(_connect: sqlite_file.Connect) -> None:
        calls.append(1)
        raise sqlite3.DatabaseError("really")

    with pytest.raises(sqlite3.DatabaseError, match="really"):
        sqlite_file.read(file, task)

    assert len(calls) == 1


def test_a_reader_cannot_write(file: Path) -> None:
    """The connection that a task gets is for reading only."""

    def task(connect: sqlite_file.Connect) -> None:
        with closing(connect()) as connection:
            connection.execute("UPDATE totals SET views = 1")

    with pytest.raises(sqlite3.OperationalError, match="attempt to write a readonly database"):
        sqlite_file.read(file, task)
