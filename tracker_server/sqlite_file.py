"""The SQLite file before and after SQLAlchemy has it open: created, looked at, copied, flushed.

Nothing here may run while this process has the file open otherwise: closing a second
handle of a file takes away the locks that SQLite holds on it.
"""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from tracker_server.errors import ConfigurationError

Version = tuple[int, int, int]

_HEADER = b"SQLite format 3\0"


def create(file: Path) -> None:
    """Create the file, empty and for its owner alone, where there is none.

    SQLite gives ``-wal`` and ``-shm`` the permissions of the database.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigurationError(f"database_url: {file}: {error.strerror}") from error


def table_names(file: Path) -> set[str]:
    """Return which tables an existing file has, without changing it.

    Raises:
        ConfigurationError: it is no SQLite database, or cannot be opened.
    """
    try:
        _check_header(file)
        try:
            rows = _read_tables(file, "ro")
        except sqlite3.OperationalError:
            rows = _read_tables(file, "rw")  # A start that was cut short has to be rolled back.
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"database_url: {str(file)!r}: {_reason(error)}") from error
    return {name for (name,) in rows}


def back_up(file: Path, label: str) -> Path:
    """Copy a database, as of one moment and flushed, beside it; no file is ever overwritten.

    Returns:
        The copy, ``<file>.<label>``, with a number behind it when that is taken.

    Raises:
        ConfigurationError: it cannot be written.
    """
    partial = file.with_name(f"{file.name}.{label}.partial")
    try:
        partial.unlink(missing_ok=True)
        create(partial)
        with closing(_connect(file, "rw")) as connection:
            connection.execute("VACUUM INTO ?", (str(partial),))
        copy = _link_free_name(partial, file.with_name(f"{file.name}.{label}"))
        partial.unlink()
        flush(copy)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise ConfigurationError(
            f"database_url: no backup {str(partial)!r}: {_reason(error)}"
        ) from error
    return copy


def flush(file: Path) -> None:
    """Let a file and its name survive a power cut."""
    for path, flags in ((file, os.O_RDWR), (file.parent, os.O_RDONLY)):
        handle = os.open(path, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def has_wal_reset_bug(version: Version) -> bool:
    """Tell whether several connections that write or checkpoint can corrupt a WAL database.

    Repaired in 3.51.3, and in 3.50.7 and 3.44.6 for those who stay there.
    """
    if version[:2] in {(3, 44), (3, 50)}:
        return version < {44: (3, 44, 6), 50: (3, 50, 7)}[version[1]]
    return (3, 7, 0) <= version < (3, 51, 3)


def version_line(version: Version = sqlite3.sqlite_version_info[:3]) -> str:
    """Return the line about SQLite that the tracker starts with."""
    line = "SQLite " + ".".join(map(str, version))
    if has_wal_reset_bug(version):
        line += " (has the WAL-reset bug; safe here, as only one connection writes and checkpoints)"
    return line


def _check_header(file: Path) -> None:
    # SQLite takes whatever is shorter than its header for an empty database, and overwrites it.
    with file.open("rb") as opened:
        header = opened.read(len(_HEADER))
    journal = file.with_name(f"{file.name}-journal")
    if header not in {b"", _HEADER} and not journal.exists():
        raise sqlite3.DatabaseError("file is not a database")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(str(file.absolute()))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None)


def _read_tables(file: Path, mode: str) -> list[tuple[str]]:
    with closing(_connect(file, mode)) as connection:
        return connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()


def _link_free_name(partial: Path, wanted: Path) -> Path:
    number, copy = 1, wanted
    while True:
        try:
            os.link(partial, copy)
        except FileExistsError:
            number += 1
            copy = wanted.with_name(f"{wanted.name}-{number}")
        else:
            return copy
