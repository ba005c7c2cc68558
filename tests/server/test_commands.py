"""What an operator does by commands, on databases that are at rest: check, rebuild, prune."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine

from tests.server.conftest import NOON, MakeSite, Site
from tracker_server import cleanup as cleanup_module
from tracker_server import migrate
from tracker_server.app import create_app
from tracker_server.base import Base
from tracker_server.cli import main
from tracker_server.config import Settings
from tracker_server.lock import FileLock
from tracker_server.model import (
    Received,
    View,
)
from tracker_server.packing import day_of

ROOT = Path(__file__).parents[2]
AT = int(NOON)
DAY = 86_400
TODAY = day_of(AT)
FILE = "it is about the file"
COMMANDS = {
    "check": ["check"],
    "rebuild": ["rebuild"],
    "prune": ["prune", "--retention-days", "3"],
    "backup": ["backup", "copy.sqlite3"],
}
REVISION = """
revision, down_revision = "9002", "0001"

def upgrade() -> None:
    pass
"""

Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(autouse=True)
def _noon_in_an_empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The commands take the clock and the settings of the test, and write into its folder."""
    monkeypatch.setattr("time.time", lambda: NOON)
    monkeypatch.chdir(tmp_path)
    environment = {name: text for name, text in os.environ.items() if not name.startswith("STATS_")}
    monkeypatch.setattr(os, "environ", environment)


@pytest.fixture
def filled(make_site: MakeSite) -> Site:
    """Ten days with views of five readers; closed, as commands find a database at rest."""
    site = make_site()
    for days in range(9, -1, -1):
        batch = [
            Received(AT - days * DAY, View(reader, days * 10 + reader, path, "x.example"))
            for reader in range(1 + days % 5)
            for path in ("/", f"/{reader}/")
        ]
        batch = [
            Received(r.at, View(r.message.session, 1_000 * days + n, r.message.path))
            for n, r in enumerate(batch)
        ]
        site.tracker.store.write(batch)
    site.clock.now = AT + 3_600
    site.tracker.recorder.clean_up()
    site.tracker.close()
    return site


def _run(url: str, *arguments: str) -> Result:
    name, *more = arguments
    return CliRunner().invoke(main, [name, "--database-url", url, *more])


def _tables(url: str) -> Rows:
    """Return every row of every table."""
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = {
            name: [tuple(row) for row in connection.execute(table.select().order_by(*table.c))]
            for name, table in Base.metadata.tables.items()
        }
    engine.dispose()
    return rows


def _change(url: str, *statements: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.usefixtures("filled")
def test_check_has_a_line_for_each_table(database_url: str) -> None:
    """Exit code 0 when all is equal."""
    result = _run(database_url, "check")

    lines = result.stdout.splitlines()
    if database_url.startswith("sqlite"):
        assert lines.pop(0) == "integrity: ok"
    assert [line.partition(":")[0] for line in lines] == [
        *("view", "hour_count", "day_count", "total_count", "day_run"),
        *("day_visitors", "visit", "visitor", "day_reading", "totals"),
    ]
    assert [line for line in lines if not line.endswith(" compared, 0 differ")] == []
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.usefixtures("filled")
def test_what_check_finds_rebuild_mends(database_url: str) -> None:
    """Exit code 1 and a line that names it; then a rebuild prints the lines of a clean check."""
    before = _tables(database_url)
    _change(
        database_url,
        f"UPDATE day_count SET count = 99 WHERE dimension = 1 AND day = {TODAY} AND key = 1",
        "UPDATE totals SET views = 1",
    )
    checked = _run(database_url, "check")
    rebuilt = _run(database_url, "rebuild")
    clean = _run(database_url, "check")

    assert "path 1 on 2026-01-01: stored 99, recounted 1" in checked.stdout
    assert [run.exit_code for run in (checked, rebuilt, clean)] == [1, 0, 0]
    assert rebuilt.stdout == clean.stdout
    assert _tables(database_url) == before


@pytest.mark.usefixtures("filled")
def test_a_rebuild_that_cannot_mend_everything_says_so(database_url: str) -> None:
    """Its exit code is that of the check at its end."""
    _change(database_url, "DELETE FROM visitor WHERE id = 1")
    result = _run(database_url, "rebuild")

    assert result.exit_code == 1
    assert "visitor: 4 compared, 1 differ: number 1 is missing" in result.stdout


@pytest.mark.sqlite_only(FILE)
@pytest.mark.usefixtures("filled")
def test_check_leaves_every_file_as_it_is(database_url: str, tmp_path: Path) -> None:
    """It makes none either, not even the log that SQLite makes for a reader."""
    before = _files(tmp_path)
    result = _run(database_url, "check")

    assert result.exit_code == 0
    assert _files(tmp_path) == before


@pytest.mark.sqlite_only(FILE)
@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("offset", "garbage", "said"),
    [
        pytest.param(0, b"\xff" * 100, "database disk image is malformed", id="page"),
        pytest.param(3, b"\x00\x01", "*** in database main *** ", id="number-of-rows"),
    ],
)
def test_check_names_what_is_wrong_with_a_file(
    database_url: str, tmp_path: Path, offset: int, garbage: bytes, said: str
) -> None:
    """What was overwritten in a page is found before any figure is looked at."""
    file = tmp_path / "stats.sqlite3"
    with closing(sqlite3.connect(file)) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name='load'").fetchone()
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    with file.open("r+b") as opened:
        opened.seek((page[0] - 1) * size + offset)
        opened.write(garbage)
    result = _run(database_url, "check")

    assert result.exit_code == 1
    assert result.stdout.startswith(f"integrity: {said}")
    assert len(result.stdout.splitlines()) == 1


KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from tracker_server import maintenance
from tracker_server.config import Settings

last, count = int(sys.argv[2]), 0

@event.listens_for(Engine, "after_cursor_execute")
def count_and_die(_connection, _cursor, statement, *_):
    global count
    if count or statement.startswith("DELETE FROM hour_count"):
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

maintenance.rebuild(Settings(database_url=sys.argv[1]))
"""


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("last", [1, 4, 9])
def test_a_rebuild_that_is_killed_has_changed_nothing(database_url: str, last: int) -> None:
    """It is one transaction; the next one makes everything right."""
    _change(database_url, "UPDATE hour_count SET count = 99", "DELETE FROM day_visitors")
    before = _tables(database_url)
    arguments = [sys.executable, "-c", KILLED, database_url]
    killed = subprocess.run([*arguments, str(last)], cwd=ROOT, check=False)
    after = _tables(database_url)
    again = _run(database_url, "rebuild")

    assert killed.returncode == -signal.SIGKILL
    assert after == before
    assert again.exit_code == 0


def _figures(make_site: MakeSite, url: str) -> dict[str, Any]:
    site = make_site(database_url=url)
    figures = site.stats()
    del figures["recent"]  # Those of the raw views that are there.
    site.tracker.close()
    return figures


@pytest.mark.parametrize("arguments", [[], ["--compact"]], ids=["plain", "compact"])
@pytest.mark.usefixtures("filled")
def test_pruning_deletes_raw_views_and_changes_no_figure(
    make_site: MakeSite,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    """In steps to the end of the table; roll-ups, figures and the check are what they were."""
    monkeypatch.setattr(cleanup_module, "STEP_ROWS", 7)
    figures, before = _figures(make_site, database_url), _tables(database_url)
    result = _run(database_url, "prune", "--retention-days", "3", *arguments)
    after = _tables(database_url)
    views, totals = before.pop("view"), before.pop("totals")
    left, changed = after.pop("view"), after.pop("totals")
    runs = [row for row in before.pop("day_run") if row[1] >= TODAY - 3]

    assert result.stderr == ""
    assert result.stdout.splitlines()[0] == (
        f"{len(views) - len(left)} raw views of days before 2025-12-29 deleted"
    )
    assert left == [row for row in views if row[1] // DAY >= TODAY - 3]
    assert 0 < len(left) < len(views)
    assert changed == [(*totals[0][:3], TODAY - 3, *totals[0][4:-1], -1)]
    assert after.pop("day_run") == runs
    assert after == before
    assert _figures(make_site, database_url) == figures
    assert _run(database_url, "check").exit_code == 0


@pytest.mark.sqlite_only(FILE)
@pytest.mark.usefixtures("filled")
def test_compacting_gives_the_room_back(
    make_site: MakeSite, database_url: str, tmp_path: Path
) -> None:
    """The file is smaller afterwards, and no log is left."""
    site = make_site()
    batch = [Received(AT - 9 * DAY, View(1, n, f"/{n}/")) for n in range(5_000)]
    site.tracker.store.write(batch)
    site.tracker.close()
    file = tmp_path / "stats.sqlite3"
    before = file.stat().st_size
    result = _run(database_url, "prune", "--retention-days", "3", "--compact")
    after = file.stat().st_size

    assert result.stdout.splitlines()[1] == f"the file had {before:,} bytes and has {after:,}"
    assert after < before
    assert sorted(_files(tmp_path)) == ["stats.sqlite3", "stats.sqlite3.lock"]


@pytest.mark.usefixtures("filled")
def test_pruning_takes_the_setting_of_the_tracker(database_url: str) -> None:
    """Without the option the variable says for how long raw views are kept."""
    os.environ["STATS_RETENTION_DAYS"] = "9"
    kept = _run(database_url, "prune")
    os.environ["STATS_RETENTION_DAYS"] = "8"
    pruned = _run(database_url, "prune")

    assert kept.stdout == "0 raw views of days before 2025-12-23 deleted\n"
    assert pruned.stdout == "10 raw views of days before 2025-12-24 deleted\n"


@pytest.mark.parametrize("arguments", [[], ["--retention-days", "0"]], ids=["absent", "zero"])
@pytest.mark.usefixtures("filled")
def test_pruning_is_told_for_how_long(database_url: str, arguments: list[str]) -> None:
    """Nothing is deleted by a default."""
    result = _run(database_url, "prune", *arguments)

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        (
            "Error: retention_days: 0 keeps raw views for ever; give --retention-days, "
            "or set STATS_RETENTION_DAYS"
        )
    ]


@pytest.mark.usefixtures("filled")
def test_more_days_than_there_were_are_all(database_url: str) -> None:
    """A number beyond the epoch keeps everything."""
    result = _run(database_url, "prune", "--retention-days", "999999999")

    assert result.stdout == "0 raw views of days before 1970-01-01 deleted\n"


@pytest.mark.sqlite_only(FILE)
@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("prune", "a running tracker prunes by itself when STATS_RETENTION_DAYS is set"),
        ("rebuild", "stop it first"),
    ],
)
def test_what_writes_is_refused_while_a_tracker_has_the_file(
    make_site: MakeSite, database_url: str, command: str, hint: str
) -> None:
    """One line says who has it and what to do; the tracker goes on."""
    site = make_site()
    result = _run(database_url, *COMMANDS[command])
    site.view("/")

    file = database_url.removeprefix("sqlite:///")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"Error: database_url: {file!r} is in use by another tracker (pid {os.getpid()}); {hint}"
    ]


@pytest.mark.sqlite_only(FILE)
@pytest.mark.parametrize("command", ["rebuild", "prune"])
@pytest.mark.usefixtures("filled")
def test_what_writes_lets_go_of_the_file(database_url: str, tmp_path: Path, command: str) -> None:
    """Afterwards a tracker can start, and no log is left."""
    result = _run(database_url, *COMMANDS[command])
    lock = FileLock(tmp_path / "stats.sqlite3")
    lock.release()

    assert result.exit_code == 0
    assert sorted(_files(tmp_path)) == ["stats.sqlite3", "stats.sqlite3.lock"]


@pytest.mark.sqlite_only(FILE)
def test_a_lock_that_cannot_be_made_is_one_line(
    make_site: MakeSite, database_url: str, tmp_path: Path
) -> None:
    """That is not somebody else who has it, and is not called so."""
    make_site().tracker.close()
    (tmp_path / "stats.sqlite3.lock").unlink()
    (tmp_path / "stats.sqlite3.lock").mkdir()
    result = _run(database_url, "rebuild")

    assert result.stderr.splitlines() == [
        f"Error: database_url: {tmp_path}/stats.sqlite3.lock: Is a directory"
    ]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("url", ["sqlite:///no.sqlite3", "sqlite:////no/such/folder/no.sqlite3"])
def test_no_command_makes_a_database(tmp_path: Path, command: str, url: str) -> None:
    """A misspelt name is one line, and nothing is made."""
    result = _run(url, *COMMANDS[command])

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"Error: database_url: no such file: {url.removeprefix('sqlite:///')!r}"
    ]
    assert list(tmp_path.iterdir()) == []


def _of_another_program(file: Path, _: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE song (title)")


def _newer(file: Path, _: pytest.MonkeyPatch) -> None:
    _made(file)
    _change(f"sqlite:///{file}", "UPDATE schema_revision SET version_num = '9999'")


def _older(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _made(file)
    folder = file.with_name("revisions")
    folder.mkdir()
    (folder / "r9002.py").write_text(REVISION)
    monkeypatch.setattr(migrate, "VERSIONS", (*migrate.VERSIONS, folder))


def _made(file: Path) -> None:
    create_app(Settings(database_url=f"sqlite:///{file}")).extensions["tracker"].close()


def _no_database(file: Path, _: pytest.MonkeyPatch) -> None:
    file.write_text("Dear diary, today I was not a database.\n" * 100)


def _empty(file: Path, _: pytest.MonkeyPatch) -> None:
    file.touch()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        pytest.param(
            _of_another_program,
            "this is no database of a tracker: it has no table 'schema_revision'",
            id="foreign",
        ),
        pytest.param(
            _empty,
            "this is no database of a tracker: it has no table 'schema_revision'",
            id="empty",
        ),
        pytest.param(
            _newer,
            "the tables have revision '9999', this version knows none after '0001': "
            "install the newer version, or restore the backup made before",
            id="newer",
        ),
        pytest.param(
            _older,
            "the tables lack the revision '9002' of this version: "
            "start the tracker once, it brings them up to date",
            id="older",
        ),
        pytest.param(_no_database, "file is not a database", id="no-database"),
    ],
)
def test_other_tables_are_refused_untouched(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    prepare: Callable[[Path, pytest.MonkeyPatch], None],
    said: str,
) -> None:
    """Whatever the command, the file stays as it is."""
    file = tmp_path / "stats.sqlite3"
    prepare(file, monkeypatch)
    before = file.read_bytes()
    result = _run(f"sqlite:///{file}", *COMMANDS[command])

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [f"Error: database_url: {said}"]
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} <= {
        *("stats.sqlite3", "stats.sqlite3.lock", "revisions"),
    }


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("sqlite://", "a database in memory keeps nothing; name a file", id="memory"),
        pytest.param("mysql://db/stats", "", id="other"),
        pytest.param("no address", "", id="nonsense"),
        pytest.param("postgresql+psycopg://127.0.0.1:1/stats", "", id="nobody-listens"),
    ],
)
def test_an_address_that_leads_nowhere_is_one_line(command: str, url: str, said: str) -> None:
    """The message begins with the setting."""
    result = _run(url, *COMMANDS[command])

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(f"Error: database_url: {said}")


@pytest.mark.postgresql_only("it has a program of its own for this")
@pytest.mark.usefixtures("filled")
def test_a_backup_of_postgresql_is_for_pg_dump(database_url: str, tmp_path: Path) -> None:
    """One line says so, and nothing is written."""
    result = _run(database_url, "backup", "copy.sqlite3")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        (
            "Error: database_url: only SQLite is copied by this command; "
            "of PostgreSQL make a backup with pg_dump"
        )
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgresql_only("on SQLite a tracker that runs has the file")
def test_a_tracker_goes_on_while_commands_run(make_site: MakeSite, database_url: str) -> None:
    """What it counts before and after each of them is counted."""
    site = make_site()
    for command in ("check", "prune", "check", "rebuild", "check"):
        site.view(f"/{command}/")
        assert _run(database_url, *COMMANDS[command]).exit_code == 0

    assert site.stats()["totalPageViews"] == 3
    assert len(site.rows("SELECT * FROM visit")) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["check", "now"], id="argument"),
        pytest.param(["backup"], id="no-target"),
        pytest.param(["prune", "--retention-days", "few"], id="no-number"),
        pytest.param(["prune", "--retention-days", "-1"], id="negative"),
        pytest.param(["rebuild", "--colour", "red"], id="no-such-option"),
    ],
)
def test_a_mistake_of_usage_is_exit_code_2(arguments: list[str]) -> None:
    """Wrong options are refused before anything is opened."""
    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_the_environment_is_read_as_run_does() -> None:
    """The address may be a variable, and a misspelt variable is refused."""
    os.environ["STATS_DATABASE_URL"] = "sqlite:///there.sqlite3"
    missing = CliRunner().invoke(main, ["check"])
    os.environ["STATS_DATABASE_ULR"] = "sqlite:///there.sqlite3"
    misspelt = CliRunner().invoke(main, ["check"])

    assert missing.stderr == "Error: database_url: no such file: 'there.sqlite3'\n"
    assert missing.exit_code == 1
    assert "STATS_DATABASE_ULR: no such setting" in misspelt.stderr
    assert misspelt.exit_code == 2


def test_every_command_says_what_it_does() -> None:
    """The help lists them with one line each."""
    result = CliRunner().invoke(main, ["--help"])

    assert set(main.commands) == {
        *("run", "demo-data", "stats", "top", "password", "token", "share", "restore", "report"),
        *COMMANDS,
    }
    for name in main.commands:
        assert f"\n  {name} " in result.stdout
