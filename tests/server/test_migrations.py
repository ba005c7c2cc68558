"""Revisions: the tables they make, what a kill leaves, backups, and what is refused."""

import errno
import logging
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event

from tests.revisions import REVISION
from tests.server.conftest import CONTRACT, FakeClock, MakeSite, Site
from tracker_server import migrate, revisions, sqlite_file
from tracker_server.app import Tracker, create_app
from tracker_server.base import Base
from tracker_server.config import Settings
from tracker_server.database import open_writer, prepare_engine, schema_change
from tracker_server.errors import ConfigurationError

ROOT = Path(__file__).parents[2]
SQLITE = "it looks into the file"


def _start(url: str) -> Tracker:
    tracker = create_app(Settings(database_url=url)).extensions["tracker"]
    assert isinstance(tracker, Tracker)
    return tracker


def _contents(file: Path) -> dict[str, Any]:
    """Return the rows of every table in the columns that `schema` knows."""
    known = {name: [c.name for c in t.columns] for name, t in Base.metadata.tables.items()}
    with closing(sqlite3.connect(file)) as connection:
        return {
            name: connection.execute(
                f'SELECT {",".join(known[name])} FROM "{name}" ORDER BY 1, 2'
            ).fetchall()
            for name in known
        }


def _revision(file: Path) -> list[Any]:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return connection.execute("SELECT * FROM schema_revision").fetchall()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the database is."""
    return tmp_path / "stats.sqlite3"


@pytest.fixture
def url(file: Path) -> str:
    """Return the address of the database."""
    return f"sqlite:///{file}"


@pytest.fixture
def second(old: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make up a second revision in a folder, which this version is made to know."""
    assert old
    folder = tmp_path / "100% made up"
    folder.mkdir()
    text = REVISION.format(revision="9002", before="0001", more="")
    (folder / "r9002.py").write_text(text)
    monkeypatch.setattr(migrate, "VERSIONS", (*migrate.VERSIONS, folder))
    return folder


@pytest.fixture
def old(file: Path, url: str) -> dict[str, Any]:
    """Make a database of the first revision, with readers; return its rows."""
    app = create_app(Settings(database_url=url, manifest=str(CONTRACT / "manifest.json")))
    site = Site(app, FakeClock(), app.test_client())
    for reader in range(5):
        site.view(f"/{reader % 3}/", reader)
    site.tracker.close()
    return _contents(file)


def test_the_revisions_make_the_tables_of_the_schema(site: Site) -> None:
    """On either database a comparison with the metadata finds no difference."""
    with site.tracker.engine.connect() as connection:
        options = {"version_table": migrate.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)

        assert compare_metadata(context, Base.metadata) == []


@pytest.mark.sqlite_only(SQLITE)
def test_the_revisions_say_what_the_schema_says(site: Site, tmp_path: Path) -> None:
    """Nor is there a difference that such a comparison overlooks: the statements are the same."""
    other = create_engine(f"sqlite:///{tmp_path / 'other.sqlite3'}")
    Base.metadata.create_all(other)
    query = "SELECT name, sql FROM sqlite_master WHERE name != 'schema_revision' AND sql NOT NULL"
    with other.connect() as connection:
        expected = {row[0]: sorted(row[1].split()) for row in connection.exec_driver_sql(query)}
    other.dispose()
    made = {row[0]: sorted(row[1].split()) for row in site.rows(query)}

    assert made == expected


def test_files_are_named_in_the_order_in_which_revisions_follow(url: str, second: Path) -> None:
    """What is read off their names, without Alembic, is what Alembic finds in them."""
    engine = create_engine(url)
    pending = migrate.pending(engine)
    engine.dispose()
    known = revisions.known(migrate.MIGRATIONS, migrate.VERSIONS)

    assert second.is_dir()
    assert known[-2:] == ["0001", "9002"]
    assert pending == known[1:]


def test_a_start_that_finds_nothing_to_do_does_not_load_alembic(old: object, url: str) -> None:
    """It would cost each start and each command a sixth of its processor time."""
    text = (
        "import sys; from tracker_server.app import create_app;"
        "from tracker_server.config import Settings;"
        f"create_app(Settings(database_url={url!r})).extensions['tracker'].close();"
        "print('alembic' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", text], check=True, capture_output=True, text=True, timeout=60
    )

    assert old
    assert ran.stdout.strip() == "False"


@pytest.mark.parametrize("again", [1, 2])
def test_starting_again_finds_nothing_to_do(
    make_site: MakeSite, tmp_path: Path, again: int
) -> None:
    """A database of this version is neither upgraded nor copied."""
    for _ in range(again):
        site = make_site()
        site.tracker.close()

    assert migrate.pending(site.tracker.engine) == []
    assert [path.name for path in tmp_path.iterdir() if "before" in path.name] == []


@pytest.mark.usefixtures("second")
def test_an_upgrade_makes_a_backup_and_says_so_in_one_line(
    old: dict[str, Any], file: Path, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The backup is whole, of the revision before, for its owner alone, and made once."""
    with caplog.at_level(logging.INFO):
        _start(url).close()
    _start(url).close()
    backup = file.with_name(f"{file.name}.before-9002")

    assert _backups(file) == [backup]
    assert (_revision(file), _revision(backup)) == ([("9002",)], [("0001",)])
    assert _contents(backup) == _contents(file) == old
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert caplog.messages == [f"upgrading {str(file)!r} to 9002; as it was: {str(backup)!r}"]


@pytest.mark.usefixtures("old", "second")
def test_a_backup_is_never_overwritten(file: Path, url: str) -> None:
    """Where the name is taken the next one is; what a cut-off backup left is swept away."""
    first = file.with_name(f"{file.name}.before-9002")
    first.write_text("precious")
    first.with_name(f"{first.name}-2").write_text("precious, too")
    partial = first.with_name(f"{first.name}.partial")
    partial.write_text("half")
    _start(url).close()

    assert first.read_text() == "precious"
    assert [path.name.removeprefix(file.name) for path in _backups(file)] == [
        ".before-9002",
        ".before-9002-2",
        ".before-9002-3",
    ]
    assert _revision(_backups(file)[2]) == [("0001",)]


@pytest.mark.usefixtures("second")
def test_without_a_backup_there_is_no_upgrade(
    old: dict[str, Any], file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full stops the start before anything is changed."""

    def refuse(_from: Path, _to: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(ConfigurationError, match=r"no backup .*: No space left on device"):
        _start(url)

    assert (_revision(file), _backups(file)) == ([("0001",)], [])
    assert _contents(file) == old


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        pytest.param('op.execute("NONSENSE")', 'near "NONSENSE": syntax error', id="error"),
        pytest.param(
            "op.execute(\"INSERT INTO heading VALUES (777, 77, '', '', 1, 0, NULL)\")",
            "rows of 'heading' refer to rows of 'path' that are gone",
            id="broken-reference",
        ),
    ],
)
def test_a_revision_that_fails_changes_nothing(
    old: dict[str, Any], second: Path, file: Path, more: str, reason: str
) -> None:
    """All of it is rolled back, the backup is of no use any more, and the message is one line."""
    (second / "r9002.py").write_text(REVISION.format(revision="9002", before="0001", more=more))
    with pytest.raises(ConfigurationError) as error:
        _start(f"sqlite:///{file}")

    assert str(error.value) == (
        f"database_url: revision 9002 of the tables failed and changed nothing: {reason}"
    )
    assert (_revision(file), _backups(file)) == ([("0001",)], [])
    assert _contents(file) == old


def test_the_revisions_before_one_that_fails_stay(
    old: dict[str, Any], second: Path, file: Path, url: str
) -> None:
    """Each is whole by itself; the backup is of the time before the first, and is kept."""
    more = 'op.execute("NONSENSE")'
    bad = REVISION.format(revision="9003", before="9002", more="").replace(
        'op.create_table("mood", sa.Column("id", sa.Integer(), primary_key=True))', more
    )
    (second / "r9003.py").write_text(bad)
    with pytest.raises(ConfigurationError, match="revision 9003"):
        _start(url)

    assert _revision(file) == [("9002",)]
    assert [_revision(path) for path in _backups(file)] == [[("0001",)]]
    assert _contents(file) == old


def test_references_are_checked_again_after_an_upgrade(second: Path, url: str) -> None:
    """They are not during it, so that a table can be made anew."""
    assert second.is_dir()
    tracker = _start(url)
    with tracker.engine.connect() as connection:
        on = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
    tracker.close()

    assert on == 1


def test_an_older_program_refuses_newer_tables(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On either database it says what to do, in one line, and changes nothing."""
    site = make_site()
    with open_writer(site.tracker.engine) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE schema_revision SET version_num = '9999'")
    site.tracker.close()
    with pytest.raises(ConfigurationError) as error:
        make_site()

    assert str(error.value) == (
        "database_url: the tables have revision '9999', this version knows none after '0001': "
        "install the newer version, or restore the backup made before"
    )
    monkeypatch.undo()
    assert site.rows("SELECT version_num FROM schema_revision") == [("9999",)]
    site.tracker.engine.dispose()


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_database_of_another_program_is_refused_untouched(
    file: Path, url: str, journal: str
) -> None:
    """Not one byte is changed, and its journal stays what it is."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode={journal}")
        connection.execute("CREATE TABLE bookmarks (id INTEGER)")
    before = file.read_bytes()
    with pytest.raises(ConfigurationError) as error:
        _start(url)

    assert str(error.value) == (
        f"database_url: {str(file)!r} is a database of another program: it has tables, "
        "and no 'schema_revision' among them"
    )
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "contents", [b"no database " * 100, b"SQLite format 3\0" + b"x" * 4_000, b"x"]
)
def test_a_file_that_is_no_database_is_refused_untouched(
    file: Path, url: str, contents: bytes
) -> None:
    """Whatever it is, it is somebody's."""
    file.write_bytes(contents)
    with pytest.raises(ConfigurationError, match=r"^database_url: .*is not a database$"):
        _start(url)

    assert file.read_bytes() == contents


def test_an_empty_file_becomes_a_database(file: Path, url: str) -> None:
    """It is what a start leaves that was cut off at once."""
    file.touch()
    _start(url).close()

    assert _revision(file) == [("0001",)]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    """It would lose what was answered with 204."""
    with pytest.raises(ConfigurationError, match="in memory keeps nothing"):
        _start(url)


def test_a_start_makes_files_for_their_owner_alone(file: Path, url: str) -> None:
    """Database, log, index of the log and lock are nobody else's to read."""
    tracker = _start(url)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    tracker.close()

    assert modes == {f"{file.name}{suffix}": 0o600 for suffix in ("", "-wal", "-shm", ".lock")}
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name, f"{file.name}.lock"]


def test_a_new_database_is_on_the_disk_before_the_first_message(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When file and folder are flushed all tables are in the file and no log is left."""
    seen: list[tuple[Path, list[str]]] = []
    monkeypatch.setattr(
        sqlite_file,
        "flush",
        lambda path: seen.append((path, sorted(some.name for some in file.parent.iterdir()))),
    )
    _start(url).close()

    assert seen == [(file, [file.name, f"{file.name}.lock"])]


def test_flush_reaches_the_file_and_its_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name in the folder has to survive as well."""
    file.touch()
    flushed: list[int] = []
    monkeypatch.setattr("os.fsync", lambda handle: flushed.append(os.fstat(handle).st_ino))
    sqlite_file.flush(file)

    assert flushed == [file.stat().st_ino, file.parent.stat().st_ino]


@pytest.mark.parametrize("refused", [1, 2, 3], ids=["file", "folder", "folder-with-the-log"])
def test_a_disk_that_does_not_flush_stops_the_start(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    """In one line; the lock is given back, and the next start goes on."""
    flushes = count(1)

    def fsync(_handle: int) -> None:
        if next(flushes) == refused:
            raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fsync)
        with pytest.raises(ConfigurationError) as error:
            _start(url)
    _start(url).close()

    assert str(error.value) == f"database_url: {str(file)!r}: Input/output error"


def test_a_start_that_was_cut_off_in_a_rollback_journal_is_made_good(file: Path, url: str) -> None:
    """A file that only a writer can make readable again is looked at as a writer."""
    script = (
        "import os, signal, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size=1'); c.execute('PRAGMA cache_spill=1')\n"
        "c.execute('BEGIN')\n"
        "c.execute('CREATE TABLE t(x)')\n"
        "c.execute('INSERT INTO t SELECT zeroblob(100000)')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, file], check=False)
    assert file.with_name(f"{file.name}-journal").exists()
    _start(url).close()

    assert _revision(file) == [("0001",)]


def test_a_folder_where_nothing_can_be_made_is_refused(
    file: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says which file."""
    file.with_name(f"{file.name}.lock").touch()
    made = os.open

    def refuse(path: Any, flags: int, *more: Any) -> int:
        if flags & os.O_EXCL:
            raise OSError(30, "Read-only file system")
        return made(path, flags, *more)

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(ConfigurationError, match=r"^database_url: .*: Read-only file system$"):
        _start(url)


@pytest.mark.usefixtures("second")
def test_a_revision_that_another_process_applied_is_left_out(url: str) -> None:
    """Whoever waited for its turn looks again."""
    tracker = _start(url)
    migrate.upgrade(tracker.engine, ["0001", "9002"])
    rows = migrate.pending(tracker.engine)
    tracker.close()

    assert rows == []


def test_nothing_is_printed(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither a library nor a revision writes to the terminal."""
    _start(url).close()

    assert capfd.readouterr() == ("", "")


def test_a_schema_change_is_exclusive(url: str) -> None:
    """Its transaction holds the lock from its first statement and sees no references."""
    engine = create_engine(url)
    prepare_engine(engine)
    begun: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: begun.append(call[2]))
    with schema_change(engine) as connection:
        off = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
    engine.dispose()

    assert (off, begun[0]) == (0, "BEGIN EXCLUSIVE")


def _backups(file: Path) -> list[Path]:
    return sorted(file.parent.glob(f"{file.name}.before-*"))
