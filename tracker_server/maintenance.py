"""What an operator does to a database by a command: opens it, does one thing, closes it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from tracker_server import audit, sqlite_file
from tracker_server.cleanup import prune_views
from tracker_server.config import Settings, database_file
from tracker_server.database import open_reader, open_writer, prepare_engine
from tracker_server.errors import ConfigurationError, StorageError
from tracker_server.lock import FileLock
from tracker_server.rebuild import rebuild as rebuild_tables
from tracker_server.schema import day_of
from tracker_server.statements import VIEWS, Statements
from tracker_server.storage import require_ready

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    lines: tuple[str, ...]
    """One for the file of SQLite, and one for each table."""
    is_clean: bool


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did."""

    views: int
    """How many raw views were deleted."""
    first_day: date
    """The first day whose raw views were to stay."""
    sizes: tuple[int, int] | None
    """Bytes of the file of SQLite before and after it was compacted, ``None`` if it was not."""


def check(settings: Settings) -> Checked:
    """Compare every roll-up with a recount of the raw rows; trackers may run meanwhile.

    Raises:
        TrackerError: there is no such database, it is not of this version, or cannot be read.
    """
    return _read(settings, _check)


def rebuild(settings: Settings) -> Checked:
    """Make the roll-ups anew from the raw rows in one transaction, and check them.

    Raises:
        TrackerError: a tracker has the file, or as with `check`.
    """
    with _writing(settings, "stop it first") as engine:
        statements = Statements(engine, settings.heartbeat_window_seconds)
        with open_writer(engine) as connection, connection.begin():
            rebuild_tables(connection, statements)
        return _check(engine)


def prune(settings: Settings, now: float, *, compact: bool = False) -> Pruned:
    """Delete the raw views of days before today less `Settings.retention_days`.

    Args:
        settings: where they are, and for how long they are kept.
        now: seconds since the epoch.
        compact: give the room back: on SQLite to the file system, on PostgreSQL to later views.

    Raises:
        TrackerError: nothing says for how long to keep them, or as with `rebuild`.
    """
    if settings.retention_days == 0:
        raise ConfigurationError(
            "retention_days: 0 keeps raw views for ever; give --retention-days, or set "
            "STATS_RETENTION_DAYS"
        )
    first_day = max(0, day_of(int(now)) - settings.retention_days)
    hint = "a running tracker prunes by itself when STATS_RETENTION_DAYS is set"
    with _writing(settings, hint) as engine:
        views = _prune(engine, settings, first_day)
        sizes = _compact(engine, database_file(settings.database_url)) if compact else None
    return Pruned(views, date(1970, 1, 1) + timedelta(days=first_day), sizes)


def back_up(settings: Settings, target: Path, now: float) -> tuple[Path, int]:
    """Copy a database of SQLite, as of one moment; a tracker may write meanwhile.

    Args:
        settings: where it is.
        target: a folder, or the copy, which must not exist.
        now: seconds since the epoch, for the name of the copy in a folder.

    Returns:
        The copy and its size in bytes.

    Raises:
        TrackerError: the copy cannot be made, it is no SQLite, or as with `check`.
    """
    file = _existing_file(settings)
    if file is None:
        raise ConfigurationError(
            "database_url: only SQLite is copied by this command; of PostgreSQL make a backup "
            "with pg_dump"
        )
    _read(settings, require_ready)
    if target.is_dir():
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        target /= f"{file.stem}-{moment}.sqlite3"
    return target, sqlite_file.copy(file, target)


def _existing_file(settings: Settings) -> Path | None:
    """Return the file of SQLite, ``None`` for another database."""
    file = database_file(settings.database_url)
    if file is not None and not file.is_file():
        raise ConfigurationError(f"database_url: no such file: {str(file)!r}")
    if file is None and settings.database_url.startswith("sqlite"):
        raise ConfigurationError("database_url: a database in memory keeps nothing; name a file")
    return file


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise StorageError(f"database_url: {reason}") from error


def _read(settings: Settings, task: Callable[[Engine], _Read]) -> _Read:
    """Let a task read what trackers may be writing; its connections cannot change anything."""
    file = _existing_file(settings)

    def with_engine(engine: Engine) -> _Read:
        try:
            require_ready(engine)
            return task(engine)
        finally:
            engine.dispose()

    with _in_one_line():
        if file is not None:
            return sqlite_file.read(file, lambda connect: with_engine(_reading_engine(connect)))
        engine = create_engine(settings.database_url)
        prepare_engine(engine)
        return with_engine(engine)


def _reading_engine(connect: sqlite_file.Connect) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


@contextmanager
def _writing(settings: Settings, hint: str) -> Iterator[Engine]:
    """Open a database that no other process writes, or, on PostgreSQL, that locks its rows.

    `hint` is said after who it is that has the file.
    """
    file = _existing_file(settings)
    lock = None if file is None else _lock(file, hint)
    try:
        _read(settings, require_ready)  # The pragmas of a writer would change any file.
        with _in_one_line():
            engine = create_engine(settings.database_url)
            prepare_engine(engine, settings.synchronous)
            try:
                yield engine
            finally:
                engine.dispose()  # The last connection moves the log into the database file.
    finally:
        if lock is not None:
            lock.release()


def _lock(file: Path, hint: str) -> FileLock:
    try:
        return FileLock(file)
    except ConfigurationError as error:
        if error.__cause__ is not None:  # Not that another process has it.
            raise
        raise ConfigurationError(f"{str(error).partition(';')[0]}; {hint}") from None


def _check(engine: Engine) -> Checked:
    with open_reader(engine) as connection:
        on_sqlite = engine.dialect.name == "sqlite"
        problems = audit.integrity_problems(connection)
        lines = [f"integrity: {'; '.join(problems) or 'ok'}"] if on_sqlite else []
        if problems:  # Figures from a damaged file say nothing.
            return Checked(tuple(lines), is_clean=False)
        tables = audit.compare(connection)
        lines += map(str, tables)
        return Checked(tuple(lines), not any(table.differing for table in tables))


def _prune(engine: Engine, settings: Settings, first_day: int) -> int:
    lock = Statements(engine, settings.heartbeat_window_seconds).lock
    views = 0
    last: int | None = 0
    with open_writer(engine) as connection:
        while last is not None:
            with connection.begin():
                lock.fetch(connection)
                last, gone = prune_views(connection, first_day, last)
            views += gone
    return views


def _compact(engine: Engine, file: Path | None) -> tuple[int, int] | None:
    if file is None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            table: Any = engine.dialect.identifier_preparer
            connection.exec_driver_sql(f"VACUUM {table.format_table(VIEWS)}")
        return None
    engine.dispose()
    before = file.stat().st_size
    sqlite_file.compact(file)
    return before, file.stat().st_size
