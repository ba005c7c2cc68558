"""Restoring a backup: what is looked at first, what is kept, and what a crash leaves."""

import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.server.conftest import NOON
from tracker_server import migrate
from tracker_server.app import create_app
from tracker_server.cli import main
from tracker_server.config import Settings
from tracker_server.lock import FileLock
from tracker_server.model import (
    Received,
    View,
)
from tracker_server.restore import restore

ROOT = Path(__file__).parents[2]
BACKED_UP, FORMER, LOGGED = 10, 30, 5
REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9002", "0001"

def upgrade() -> None:
    op.create_table("mood", sa.Column("id", sa.Integer(), primary_key=True))
    op.execute({statement!r})
"""


def _make(file: Path, views: int) -> Path:
    tracker = create_app(Settings(database_url=f"sqlite:///{file}"), lambda: NOON).extensions[
        "tracker"
    ]
    tracker.store.write([Received(int(NOON), View(n, n, f"/{n % 7}/")) for n in range(views)])
    tracker.close()
    file.with_name(f"{file.name}.lock").unlink()
    return file


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Make a backup of ten views, in a folder of its own."""
    (tmp_path / "copies").mkdir()
    return _make(tmp_path / "copies" / "copy.sqlite3", BACKED_UP)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Make a database with thirty views, at rest, in a folder of its own."""
    (tmp_path / "data").mkdir()
    return _make(tmp_path / "data" / "stats.sqlite3", FORMER)


@pytest.fixture
def crashed(file: Path) -> Path:
    """Leave a log beside it, with visitors that are nowhere else."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.executemany(
            "INSERT INTO visitor VALUES (?, ?)",
            [(1_000 + n, FORMER + 1 + n) for n in range(LOGGED)],
        )
        log = file.with_name(f"{file.name}-wal").read_bytes()
        index = file.with_name(f"{file.name}-shm").read_bytes()
        contents = file.read_bytes()
    file.write_bytes(contents)
    file.with_name(f"{file.name}-wal").write_bytes(log)
    file.with_name(f"{file.name}-shm").write_bytes(index)
    return file


def _run(file: Path, *arguments: str) -> Result:
    url = f"sqlite:///{file}"
    return CliRunner().invoke(main, ["restore", "--database-url", url, *arguments])


def _visitors(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        counted = connection.execute("SELECT count(*) FROM visitor").fetchone()[0]
    assert isinstance(counted, int)
    return counted


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(statement)


def test_a_backup_takes_the_place_of_the_database(file: Path, backup: Path) -> None:
    """What was there is kept, the backup stays, and a tracker goes on from it."""
    before = backup.read_bytes()
    result = _run(file, str(backup))
    former = file.with_name("stats.sqlite3.before-restore")

    assert (result.exit_code, result.stderr) == (0, "")
    *checked, said = result.stdout.splitlines()
    assert [line for line in checked[1:] if not line.endswith(" 0 differ")] == []
    assert checked[0] == "integrity: ok"
    assert said == f"{file}: restored from {backup}; as it was: {former}"
    assert _names(file.parent) == [file.name, former.name, f"{file.name}.lock"]
    assert (_visitors(file), _visitors(former)) == (BACKED_UP, FORMER)
    assert backup.read_bytes() == before
    app = create_app(Settings(database_url=f"sqlite:///{file}"), lambda: NOON)
    figures = app.test_client().get("/api/stats").get_json()
    app.extensions["tracker"].close()
    assert figures["totalPageViews"] == BACKED_UP


def test_each_former_database_is_kept(file: Path, backup: Path) -> None:
    """A name that is taken gets a number."""
    for _ in range(3):
        assert _run(file, str(backup)).exit_code == 0

    kept = [file.with_name(f"stats.sqlite3.before-restore{end}") for end in ("", "-2", "-3")]
    assert [_visitors(former) for former in kept] == [FORMER, BACKED_UP, BACKED_UP]


def test_a_log_that_a_crash_left_stays_with_its_database(crashed: Path, backup: Path) -> None:
    """It does not get into the restored one, and what it had is in the former one."""
    result = _run(crashed, str(backup))
    former = crashed.with_name("stats.sqlite3.before-restore")

    assert result.exit_code == 0
    assert _names(crashed.parent) == [crashed.name, former.name, f"{crashed.name}.lock"]
    assert (_visitors(crashed), _visitors(former)) == (BACKED_UP, FORMER + LOGGED)


@pytest.mark.parametrize("begin", [b"no database at all", b"SQLite format 3\0" + b"\xff" * 900])
def test_a_damaged_database_is_kept_with_its_log(crashed: Path, backup: Path, begin: bytes) -> None:
    """Nobody can read it now, somebody may later."""
    with crashed.open("r+b") as opened:
        opened.write(begin)
    before = _files(crashed.parent)
    result = _run(crashed, str(backup))
    after = _files(crashed.parent)

    assert result.exit_code == 0, result.output
    assert _visitors(crashed) == BACKED_UP
    assert after["stats.sqlite3.before-restore"] == before["stats.sqlite3"]
    assert after["stats.sqlite3.before-restore-wal"] == before["stats.sqlite3-wal"]
    assert "stats.sqlite3-wal" not in after


def test_a_log_without_a_database_spoils_nothing(crashed: Path, backup: Path) -> None:
    """Somebody moved the database away and forgot the log: it is kept as well."""
    crashed.unlink()
    log = crashed.with_name(f"{crashed.name}-wal").read_bytes()
    result = _run(crashed, str(backup))

    assert result.stdout.splitlines()[-1] == f"{crashed}: restored from {backup}"
    assert _visitors(crashed) == BACKED_UP
    assert _files(crashed.parent)["stats.sqlite3.before-restore-wal"] == log


def test_a_database_is_made_where_there_is_none(tmp_path: Path, backup: Path) -> None:
    """As on a new machine; it is for its owner alone."""
    file = tmp_path / "stats.sqlite3"
    result = _run(file, str(backup))

    assert result.stdout.splitlines()[-1] == f"{file}: restored from {backup}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert _visitors(file) == BACKED_UP


def test_owner_and_permissions_are_those_of_the_former_database(file: Path, backup: Path) -> None:
    """Who restores as root does not lock the tracker out."""
    owner = 12_345 if os.geteuid() == 0 else os.geteuid()
    os.chown(file, owner, -1)
    file.chmod(0o640)
    assert _run(file, str(backup)).exit_code == 0

    state = file.stat()
    assert (state.st_uid, stat.S_IMODE(state.st_mode)) == (owner, 0o640)


def test_a_link_leads_to_the_restored_database(file: Path, backup: Path, tmp_path: Path) -> None:
    """The link stays one, and what it leads to is replaced."""
    link = tmp_path / "link.sqlite3"
    link.symlink_to(file)
    assert _run(link, str(backup)).exit_code == 0

    assert link.is_symlink()
    assert _visitors(file) == BACKED_UP


def test_a_running_tracker_has_it_refused(file: Path, backup: Path) -> None:
    """One line says who has the file, and what to do."""
    lock = FileLock(file)
    before = _files(file.parent)
    try:
        result = _run(file, str(backup))
    finally:
        lock.release()

    assert (result.exit_code, result.stdout) == (1, "")
    said = f"{str(file)!r} is in use by another tracker (pid {os.getpid()}); stop it first"
    assert result.stderr == f"Error: database_url: {said}\n"
    assert _files(file.parent) == before


def _zero_a_page(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'load'"
        page = connection.execute(query).fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with file.open("r+b") as opened:
        opened.seek((page - 1) * size)
        opened.write(b"\xff" * 100)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(_zero_a_page, "not restored, and nothing was changed", id="damaged"),
        pytest.param(
            lambda f: _change(f, "UPDATE totals SET views = 77"),
            "not restored, and nothing was changed",
            id="other-figures",
        ),
        pytest.param(
            lambda f: _change(f, "UPDATE schema_revision SET version_num = '9999'"),
            "the tables have revision '9999', this version knows none after '0001'",
            id="newer",
        ),
        pytest.param(
            lambda f: _change(f, "DROP TABLE schema_revision"),
            "this is no database of a tracker: it has no table 'schema_revision'",
            id="of-another-program",
        ),
        pytest.param(lambda f: f.write_text("text " * 99), "file is not a database", id="text"),
        pytest.param(lambda f: os.truncate(f, f.stat().st_size // 2), "", id="cut"),
    ],
)
@pytest.mark.parametrize("verify", [True, False])
def test_what_is_not_good_is_not_restored(
    file: Path, backup: Path, spoil: Callable[[Path], Any], said: str, *, verify: bool
) -> None:
    """Nothing is changed, the exit code is 1, and `--verify` says the same before."""
    spoil(backup)
    before = _files(file.parents[1])
    result = _run(file, *(["--verify"] if verify else []), str(backup))

    assert result.exit_code == 1
    assert said in result.stderr or (verify and "nothing was changed" in said)
    assert len(result.stderr.splitlines()) <= 1
    assert "Traceback" not in result.output
    after = _files(file.parents[1])
    after.pop("data/stats.sqlite3.lock", None)
    assert after == before


def test_to_verify_changes_nothing(file: Path, backup: Path) -> None:
    """Not even while a tracker runs; the lines are those of a check."""
    lock = FileLock(file)
    before = _files(file.parents[1])
    result = _run(file, "--verify", str(backup))
    after = _files(file.parents[1])
    lock.release()

    assert (result.exit_code, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 11
    assert after == before


def _add_revision(folder: Path, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    (folder / "r9002.py").write_text(REVISION.format(statement=statement))
    monkeypatch.setattr(migrate, "VERSIONS", (*migrate.VERSIONS, folder))


def test_a_backup_of_an_older_version_is_brought_up_to_date(
    file: Path, backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy of it is, before it gets its place; the backup stays of its version."""
    (file.parents[1] / "versions").mkdir()
    _add_revision(file.parents[1] / "versions", monkeypatch, "INSERT INTO mood VALUES (1)")
    before = backup.read_bytes()
    looked = _run(file, "--verify", str(backup))
    result = _run(file, str(backup))

    assert looked.stdout.splitlines()[1].startswith("figures: compared by restore")
    assert len(result.stdout.splitlines()) == 12, result.output
    assert (looked.exit_code, result.exit_code) == (0, 0)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT * FROM schema_revision").fetchall() == [("9002",)]
    assert (_visitors(file), backup.read_bytes()) == (BACKED_UP, before)
    assert [name for name in _names(file.parent) if "restoring" in name] == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("NONSENSE", "revision 9002 of the tables failed and changed nothing"),
        ("UPDATE totals SET views = 77", "not restored, and nothing was changed"),
    ],
)
def test_an_upgrade_that_fails_restores_nothing(
    file: Path, backup: Path, monkeypatch: pytest.MonkeyPatch, statement: str, said: str
) -> None:
    """It is the copy that was to be upgraded, and it goes again."""
    (file.parents[1] / "versions").mkdir()
    _add_revision(file.parents[1] / "versions", monkeypatch, statement)
    before = file.read_bytes()
    result = _run(file, str(backup))

    assert result.exit_code == 1
    assert said in result.stderr
    assert file.read_bytes() == before
    assert _names(file.parent) == [file.name, f"{file.name}.lock"]


def test_a_database_is_not_restored_from_itself(file: Path) -> None:
    """Nor is anything but a file of SQLite restored."""
    itself = _run(file, str(file))
    arguments = ["restore", "--database-url", "postgresql+psycopg:///a", str(file)]
    other = CliRunner().invoke(main, arguments)

    assert itself.stderr == f"Error: {str(file)!r} is the database itself\n"
    assert "restore with pg_restore" in other.stderr
    assert (itself.exit_code, other.exit_code) == (1, 1)


def test_a_full_disk_restores_nothing(file: Path, backup: Path) -> None:
    """A file that may not grow to the size of the copy: one line, and all is as before."""
    before = file.read_bytes()
    command = f'ulimit -f 32; exec "{sys.executable}" -m tracker_server restore "$1"'
    result = subprocess.run(
        ["bash", "-c", command, "bash", str(backup)],
        cwd=ROOT,
        env={**os.environ, "STATS_DATABASE_URL": f"sqlite:///{file}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr.startswith("Error: no backup ")
    assert file.read_bytes() == before
    assert _names(file.parent) == [file.name, f"{file.name}.lock"]


def _restore_until(last: int, file: Path, backup: Path) -> None:
    """Restore, and be killed before the change of a folder with this number."""
    seen = 0

    def watch(event: str, _arguments: object) -> None:
        nonlocal seen
        if event in {"os.link", "os.rename", "os.remove", "os.chmod"}:
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    restore(Settings(database_url=f"sqlite:///{file}"), backup)
    os._exit(0)


def test_a_kill_at_any_moment_leaves_one_of_the_two(crashed: Path, backup: Path) -> None:
    """Whole and with all it had; the next restore sweeps up and goes through."""
    start = _files(crashed.parent)
    former = crashed.with_name("stats.sqlite3.before-restore")
    found, code, last = set(), -signal.SIGKILL, 0
    while code == -signal.SIGKILL:
        last += 1
        for path in crashed.parent.iterdir():
            path.unlink()
        for name, contents in start.items():
            (crashed.parent / name).write_bytes(contents)
        child = multiprocessing.get_context("fork").Process(
            target=_restore_until, args=(last, crashed, backup)
        )
        child.start()
        child.join(20)
        code = child.exitcode or 0
        found.add(_visitors(crashed))
        if former.exists():
            assert _visitors(former) == FORMER + LOGGED
        assert _run(crashed, str(backup)).exit_code == 0
        assert _visitors(crashed) == BACKED_UP
        assert [name for name in _names(crashed.parent) if "restoring" in name] == []

    assert code == 0
    assert last > 6
    assert found == {FORMER + LOGGED, BACKED_UP}
