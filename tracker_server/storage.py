"""Makes a database ready before the first message: locked, ours, up to date and on the disk."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, inspect

from tracker_server import sqlite_file
from tracker_server.errors import ConfigurationError
from tracker_server.lock import FileLock
from tracker_server.migrate import VERSION_TABLE, pending, upgrade

_log = logging.getLogger("tracker_server")


def make_ready(engine: Engine, file: Path | None) -> FileLock | None:
    """Create or upgrade the tables.

    Args:
        engine: prepared, and not connected yet.
        file: the database, when it is a file of SQLite.

    Returns:
        The lock of the file, to be released when the database is closed.

    Raises:
        ConfigurationError: it is in use, not ours, newer than this version, or cannot be upgraded.
    """
    if file is None and engine.dialect.name == "sqlite":
        raise ConfigurationError("database_url: a database in memory keeps nothing; name a file")
    lock = None if file is None else FileLock(file)
    try:
        if file is None:
            upgrade(engine, pending(engine))
        else:
            _make_file_ready(engine, file.resolve())
    except BaseException:
        engine.dispose()
        if lock is not None:
            lock.release()
        raise
    return lock


def secure_log(file: Path) -> None:
    """Let the log survive a power cut, now that there is one: the first commit made it.

    Raises:
        ConfigurationError: the disk refused.
    """
    with _in_one_line(file):
        sqlite_file.flush_folder(file.resolve())


def require_ready(engine: Engine) -> None:
    """See to it that the tables are those of this version, and change nothing.

    Args:
        engine: connects to a database that exists.

    Raises:
        ConfigurationError: they are of another program, older or newer.
    """
    revisions = lacking(engine)
    if revisions:
        raise ConfigurationError(
            f"database_url: the tables lack the revision {revisions[-1]!r} of this version: "
            "start the tracker once, it brings them up to date"
        )


def lacking(engine: Engine) -> Sequence[str]:
    """Return the revisions that the tables of a tracker lack, oldest first.

    Raises:
        ConfigurationError: they are of another program, or newer than this version.
    """
    if VERSION_TABLE not in inspect(engine).get_table_names():
        raise ConfigurationError(
            f"database_url: this is no database of a tracker: it has no table {VERSION_TABLE!r}"
        )
    return pending(engine)


def _make_file_ready(engine: Engine, file: Path) -> None:
    sqlite_file.create(file)
    tables = sqlite_file.table_names(file)
    if tables and VERSION_TABLE not in tables:
        raise ConfigurationError(
            f"database_url: {str(file)!r} is a database of another program: it has tables, "
            f"and no {VERSION_TABLE!r} among them"
        )
    if tables:
        sqlite_file.require_whole(file)
    revisions = pending(engine)
    engine.dispose()
    if revisions and tables:
        _upgrade_with_backup(engine, file, revisions)
    else:
        upgrade(engine, revisions)
    engine.dispose()  # The last connection moves everything from the log into the file.
    with _in_one_line(file):
        sqlite_file.flush(file)


@contextmanager
def _in_one_line(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"database_url: {str(file)!r}: {error.strerror}") from error


def _upgrade_with_backup(engine: Engine, file: Path, revisions: Sequence[str]) -> None:
    copy = sqlite_file.back_up(file, f"before-{revisions[-1]}")
    _log.info(
        "upgrading %r to %s; as it was: %r",
        str(file),
        revisions[-1],
        str(copy),
        extra={"event": "upgrade"},
    )
    try:
        upgrade(engine, revisions)
    except ConfigurationError:
        if pending(engine) == revisions:
            # As it was. A supervisor that tries again and again shall not fill the disk.
            copy.unlink()
        raise
