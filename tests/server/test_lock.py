"""One process per SQLite file: the second one is told who the first is."""

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.errors import ConfigurationError
from tracker_server.lock import FileLock, lock_path

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from tracker_server.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def _hold(file: Path, seconds: float = 60) -> subprocess.Popen[str]:
    """Start a process that holds the lock of a file."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file), str(seconds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where a database could be."""
    return tmp_path / "stats.sqlite3"


@pytest.fixture
def holder(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    with _hold(file) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("way", ["absolute", "relative", "dotted", "link", "linked-folder"])
def test_a_second_process_is_refused_whatever_the_path(
    holder: subprocess.Popen[str],
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """Every path to the file leads to the same lock; the message names the file and the holder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.sqlite3").symlink_to(file)
    (tmp_path / "folder" / "linked").symlink_to(tmp_path)
    path = {
        "absolute": file,
        "relative": Path(file.name),
        "dotted": tmp_path / "folder" / ".." / file.name,
        "link": tmp_path / "link.sqlite3",
        "linked-folder": tmp_path / "folder" / "linked" / file.name,
    }[way]

    with pytest.raises(ConfigurationError) as error:
        FileLock(path)

    assert str(error.value) == (
        f"database_url: {str(path)!r} is in use by another tracker (pid {holder.pid}); "
        "one process writes a SQLite file, several need PostgreSQL"
    )


def test_an_application_is_refused_before_it_touches_the_file(
    holder: subprocess.Popen[str], file: Path
) -> None:
    """Not even an empty database is made."""
    with pytest.raises(
        ConfigurationError, match=rf"in use by another tracker \(pid {holder.pid}\)"
    ):
        create_app(Settings(database_url=f"sqlite:///{file}"))

    assert not file.exists()


def test_two_applications_in_one_process_are_refused_too(file: Path) -> None:
    """The lock is the application's, not the process's; closing gives it back."""
    settings = Settings(database_url=f"sqlite:///{file}")
    first = create_app(settings).extensions["tracker"]
    with pytest.raises(ConfigurationError, match=rf"pid {os.getpid()}\)"):
        create_app(settings)
    first.close()
    second = create_app(settings).extensions["tracker"]
    first.close()
    with pytest.raises(ConfigurationError, match="in use"):
        create_app(settings)
    second.close()


@pytest.mark.parametrize("broken", ["no-database", "no-totals"])
def test_an_application_that_cannot_start_gives_the_lock_back(file: Path, broken: str) -> None:
    """Whatever the reason, the next start is not refused because of it."""
    if broken == "no-database":
        file.write_text("no database " * 100)
    else:
        tracker = create_app(Settings(database_url=f"sqlite:///{file}")).extensions["tracker"]
        with tracker.engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE totals")
        tracker.close()
    with pytest.raises(ConfigurationError):
        create_app(Settings(database_url=f"sqlite:///{file}"))

    FileLock(file).release()


def test_a_killed_process_holds_no_lock(holder: subprocess.Popen[str], file: Path) -> None:
    """The system takes the lock away with the process; the file that stays means nothing."""
    holder.send_signal(signal.SIGKILL)
    holder.wait()

    lock = FileLock(file)
    assert lock.path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_child_process_does_not_inherit_the_lock(file: Path) -> None:
    """Neither a fork nor a program that is started keeps the lock after its parent gave it back."""
    lock = FileLock(file)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()

    def live() -> None:
        there.send("up")
        there.recv()

    fork = context.Process(target=live)
    fork.start()
    here.recv()  # It has let go of what it inherited.
    program = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        lock.release()
        FileLock(file).release()
    finally:
        here.send("end")
        fork.join()
        program.kill()
        program.wait()


def test_a_fork_that_closes_its_copy_does_not_unlock(file: Path) -> None:
    """What a child does with its handles is of no matter to the parent's lock."""
    lock = FileLock(file)
    fork = multiprocessing.get_context("fork").Process(target=lock.release)
    fork.start()
    fork.join()

    with pytest.raises(ConfigurationError, match="in use"):
        FileLock(file)
    lock.release()


def test_the_lock_is_for_its_owner_and_beside_the_real_file(tmp_path: Path) -> None:
    """It lies where the database lies, not where a link to it does."""
    (tmp_path / "link").symlink_to(tmp_path / "a.sqlite3")
    lock = FileLock(tmp_path / "link")

    assert lock.path == lock_path(tmp_path / "a.sqlite3") == tmp_path / "a.sqlite3.lock"
    assert stat.S_IMODE(lock.path.stat().st_mode) == 0o600
    lock.release()


def test_a_lock_that_cannot_be_made_is_refused(file: Path) -> None:
    """The message names the file of the lock."""
    lock_path(file).mkdir()

    with pytest.raises(ConfigurationError, match=r"^database_url: .*\.lock: Is a directory$"):
        FileLock(file)


def test_a_file_system_without_locks_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network file systems have none: better no start than two writers."""

    def refuse(_handle: int, _operation: int) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", refuse)

    with pytest.raises(ConfigurationError, match=r"\.lock: Function not implemented$"):
        FileLock(file)
