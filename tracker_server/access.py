"""Opens the database that a command works on: to read beside trackers, or to write alone."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from tracker_server import sqlite_file
from tracker_server.config import Settings, database_file
from tracker_server.database import prepare_engine
from tracker_server.errors import ConfigurationError, StorageError
from tracker_server.lock import FileLock
from tracker_server.storage import require_ready

_Read = TypeVar("_Read")


def existing_file(settings: Settings) -> Path | None:
    """Return the file of SQLite, ``None`` for another database."""
    file = database_file(settings.database_url)
    if file is not None and not file.is_file():
        raise ConfigurationError(f"database_url: no such file: {str(file)!r}")
    if file is None and settings.database_url.startswith("sqlite"):
        raise ConfigurationError("database_url: a database in memory keeps nothing; name a file")
    return file


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Raise what a driver says as a `StorageError` of one line."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
        raise StorageError(f"database_url: {reason}") from error


def read_database(settings: Settings, task: Callable[[Engine], _Read]) -> _Read:
    """Let a task read what trackers may be writing; its connections cannot change anything."""
    file = existing_file(settings)

    def when_ready(engine: Engine) -> _Read:
        require_ready(engine)
        return task(engine)

    if file is not None:
        return read_file(file, when_ready)
    with one_line_errors():
        engine = create_engine(settings.database_url)
        prepare_engine(engine)
        with _disposing(engine):
            return when_ready(engine)


def read_file(file: Path, task: Callable[[Engine], _Read]) -> _Read:
    """Do so with a file of SQLite whose tables may be of any version."""

    def with_engine(connect: sqlite_file.Connect) -> _Read:
        with _disposing(_reading_engine(connect)) as engine:
            return task(engine)

    with one_line_errors():
        return sqlite_file.read(file, with_engine)


@contextmanager
def _disposing(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    finally:
        engine.dispose()


def _reading_engine(connect: sqlite_file.Connect) -> Engine:
    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


@contextmanager
def write_database(settings: Settings, hint: str) -> Iterator[Engine]:
    """Open a database that no other process writes, or, on PostgreSQL, that locks its rows.

    `hint` is said after who it is that has the file.
    """
    file = existing_file(settings)
    lock = None if file is None else lock_file(file, hint)
    try:
        read_database(settings, require_ready)  # The pragmas of a writer would change any file.
        with one_line_errors():
            engine = create_engine(settings.database_url)
            prepare_engine(engine, settings.synchronous)
            with _disposing(engine):  # The last connection moves the log into the database file.
                yield engine
    finally:
        if lock is not None:
            lock.release()


def lock_file(file: Path, hint: str) -> FileLock:
    """Keep trackers and other commands that write away from a file; `hint` as above."""
    try:
        return FileLock(file)
    except ConfigurationError as error:
        if error.__cause__ is not None:  # Not that another process has it.
            raise
        raise ConfigurationError(f"{str(error).partition(';')[0]}; {hint}") from None
