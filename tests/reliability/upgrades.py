"""P18: an upgrade that is killed at any moment is made good by the next start, and loses nothing.

The databases are: one without tables, those of releases (``golden/``), and one of the present
tables with a made-up history. Behind the revisions of this version comes one that the script
makes up, which makes a table anew and moves rows, so that each database has something to be
upgraded. A start of the tracker is killed with SIGKILL after the first statement, the second,
and so on to the last. What is left must have the rows of before, whole; the next start must
bring the tables up to date, with the same rows in all columns that were there, and have a backup
of before. The control commits after each statement.

``python -m tests.reliability.upgrades`` prints the numbers and PASS or FAIL.
"""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from tests.processes import ROOT
from tests.reliability.promise import arguments, conclude
from tests.revisions import REVISION
from tracker_server import migrate
from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.demo_data import fill
from tracker_server.errors import TrackerError
from tracker_server.maintenance import check

GOLDEN = Path(__file__).with_name("golden")
MANIFEST = ROOT / "tests" / "contract" / "manifest.json"
DAYS = 3
NEXT = "9999"

Contents = dict[str, tuple[list[str], list[tuple[Any, ...]]]]
"""By table: its columns, and its rows in order."""


@dataclass(slots=True)
class Outcome:
    """What became of the upgrades."""

    databases: list[str] = field(default_factory=list)
    kills: int = 0
    between: int = 0
    """How many of them left the tables as they were; the others left them up to date."""
    failures: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return not self.failures

    def __str__(self) -> str:
        first = f": {self.failures[0]}" if self.failures else ""
        return (
            f"{self.kills:,} kills of upgrades of {len(self.databases):,} databases "
            f"({', '.join(self.databases)}), of which {self.between:,} left a revision undone: "
            f"{len(self.failures):,} not made good{first}"
        )


def run(
    folder: Path, *, golden: Path = GOLDEN, step: int = 1, days: int = DAYS, commits: bool = False
) -> Outcome:
    """Kill the upgrade of each database after each of its statements.

    Args:
        folder: an empty one.
        golden: where the databases of releases are.
        step: 2 for every other statement, and so on.
        days: how long the made-up history is.
        commits: let each statement be a transaction, to see that this can fail.
    """
    outcome = Outcome()
    starts: dict[str, Path | None] = {"none": None}
    starts |= {file.stem: file for file in sorted(golden.glob("*.sqlite3"))}
    starts["made up"] = _make(folder / "made up.sqlite3", days)
    with _one_more_revision(folder):
        for name, start in starts.items():
            outcome.databases.append(name)
            _put_to_the_test(folder / "some", start, outcome, step=step, commits=commits)
    return outcome


def _put_to_the_test(
    place: Path, start: Path | None, outcome: Outcome, *, step: int, commits: bool
) -> None:
    before, last, code = {} if start is None else contents_of(start), 1 - step, int(-signal.SIGKILL)
    while code == -signal.SIGKILL:
        last += step
        file = _lay_out(place, start)
        code = _start_until(last, file, commits=commits)
        if code == -signal.SIGKILL:
            outcome.kills += 1
            if fault := _fault_of(file, before, outcome):
                outcome.failures.append(f"{outcome.databases[-1]}, statement {last}: {fault}")
    if code != 0 or last == 1:
        outcome.failures.append(f"{outcome.databases[-1]}: ended with {code}")


def _fault_of(file: Path, before: Contents, outcome: Outcome) -> str:
    """Look at what a kill left, start, look again; return what is wrong, or nothing."""
    left = _revision(file)
    outcome.between += left != NEXT
    try:
        if fault := _difference(file, before, "after the kill"):
            return fault
        _start(file)
        if not check(Settings(database_url=f"sqlite:///{file}")).is_clean:
            return "figures differ from a recount"
        copies = list(file.parent.glob(f"{file.name}.before-*"))
        if before and all(_difference(copy, before, "backup") for copy in copies):
            return "no backup of before"
        if copies and not (before or left):
            return "a backup of nothing"
        return _difference(file, before, "after the start")
    except (TrackerError, sqlite3.Error) as error:
        return str(error)


def _difference(file: Path, before: Contents, when: str) -> str:
    """Compare the rows of before with those that are there; a table or a column may be new."""
    found = contents_of(file, before)
    tables = [table for table in before if found[table] != before[table]]
    return f"{when}: other rows in {', '.join(tables)}" if tables else ""


def contents_of(file: Path, like: Contents | None = None) -> Contents:
    """Return all rows, or those of the tables and columns that were there before.

    Raises:
        sqlite3.Error: the file is damaged, or lacks one of them.
    """
    with closing(sqlite3.connect(file)) as base:
        if (found := base.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
            raise sqlite3.DatabaseError(str(found))
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        tables = {name: _columns_of(base, name) for (name,) in base.execute(names)}
        tables.pop(migrate.VERSION_TABLE, None)
        wanted = tables if like is None else {name: columns for name, (columns, _) in like.items()}
        return {name: (columns, _rows_of(base, name, columns)) for name, columns in wanted.items()}


def _columns_of(base: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in base.execute(f'PRAGMA table_info("{table}")')]


def _rows_of(base: sqlite3.Connection, table: str, columns: list[str]) -> list[tuple[Any, ...]]:
    order = ", ".join(str(place + 1) for place in range(len(columns)))
    names = ", ".join(f'"{column}"' for column in columns)
    return base.execute(f'SELECT {names} FROM "{table}" ORDER BY {order}').fetchall()


def _revision(file: Path) -> str:
    with closing(sqlite3.connect(file)) as base:
        try:
            row = base.execute(f"SELECT * FROM {migrate.VERSION_TABLE}").fetchone()
        except sqlite3.OperationalError:
            return ""
    return str(row[0]) if row else ""


def _make(file: Path, days: int) -> Path:
    """Make a database of the present tables with a history."""
    settings = Settings(database_url=f"sqlite:///{file}")
    fill(settings, MANIFEST, time.time(), seed=1, days=days)
    return file


@contextmanager
def _one_more_revision(folder: Path) -> Iterator[None]:
    versions, head = folder / "versions", _head(folder)
    versions.mkdir()
    (versions / f"r{NEXT}.py").write_text(REVISION.format(revision=NEXT, before=head, more=""))
    known, migrate.VERSIONS = migrate.VERSIONS, (*migrate.VERSIONS, versions)
    try:
        yield
    finally:
        migrate.VERSIONS = known


def _head(folder: Path) -> str:
    """Return the last revision of this version."""
    return _revision(folder / "made up.sqlite3")


def _lay_out(place: Path, start: Path | None) -> Path:
    """Put a fresh copy of a database into a folder of its own."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    if start is not None:
        shutil.copy(start, place / "stats.sqlite3")
    return place / "stats.sqlite3"


def _start(file: Path) -> None:
    """Start a tracker, and end it."""
    create_app(Settings(database_url=f"sqlite:///{file}")).extensions["tracker"].close()


def _start_until(last: int, file: Path, *, commits: bool) -> int:
    """Start one in a process that is killed after so many statements of the upgrade."""
    child = multiprocessing.get_context("fork").Process(
        target=_start_and_die, args=(last, file), kwargs={"commits": commits}
    )
    child.start()
    child.join()
    assert child.exitcode is not None
    return child.exitcode


def _start_and_die(last: int, file: Path, *, commits: bool) -> None:
    changing, count = False, 0

    def count_and_die() -> None:
        nonlocal count
        count += changing
        if changing and count == last:
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "after_cursor_execute")
    def _after_statement(connection: Any, _cursor: object, statement: str, *_: object) -> None:
        nonlocal changing
        changing = changing or statement == "BEGIN EXCLUSIVE"
        driver = connection.connection.dbapi_connection
        if changing and commits and driver.in_transaction and statement != "BEGIN EXCLUSIVE":
            driver.execute("COMMIT").close()
            driver.execute("BEGIN EXCLUSIVE").close()
        count_and_die()

    @event.listens_for(Engine, "begin")
    def _before_the_next(_connection: object) -> None:
        count_and_die()

    _start(file)


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, "commit after each statement", days=DAYS).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), commits=options.control, days=options.days)
    conclude("P18", outcome, passed=outcome.passed)


if __name__ == "__main__":
    main()
