"""The SQLite file itself: created, looked at, copied, compacted, named, flushed.

Nothing here may run while this process has the file open otherwise: closing a second
handle of a file takes away the locks that SQLite holds on it.
"""

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from tracker_server.errors import ConfigurationError

Version = tuple[int, int, int]
Connect = Callable[[], sqlite3.Connection]
_Read = TypeVar("_Read")

LOOKED_THROUGH_BYTES = 32 << 20
"""How large a database may be that is looked through at each start."""
_HEADER = b"SQLite format 3\0"


def create(file: Path) -> None:
    """Create the file, empty and for its owner alone, where there is none.

    SQLite gives ``-wal`` and ``-shm`` the permissions of the database.
    """
    try:
        os.close(_create_anew(file))
    except FileExistsError:
        return
    except OSError as error:
        raise ConfigurationError(f"database_url: {file}: {error.strerror}") from error


class SameFile:
    """Tells whether the name still leads to the file that it led to at first.

    Who deletes or replaces the file of a running tracker leaves it one without a name, in which
    whatever is stored is gone when the process ends.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._first: tuple[int, int] | None = None

    def check(self) -> None:
        """Look; takes 2 µs.

        Raises:
            sqlite3.OperationalError: it was moved, deleted or replaced.
        """
        try:
            state = self._file.stat()
        except OSError as error:
            reason = f"{str(self._file)!r}: {error.strerror}; put it back"
            raise sqlite3.OperationalError(reason) from error
        if self._first is None:
            self._first = state.st_dev, state.st_ino
        elif self._first != (state.st_dev, state.st_ino):
            reason = f"{str(self._file)!r} was replaced while it was open; restart the tracker"
            raise sqlite3.OperationalError(reason)


def opener(file: Path, cached_statements: int) -> Connect:
    """Return what opens this very file for an engine, and never makes another in its place."""
    same = SameFile(file)

    def connect() -> sqlite3.Connection:
        same.check()
        uri = f"file:{quote(str(file.absolute()))}?mode=rw"
        return sqlite3.connect(
            uri, uri=True, check_same_thread=False, cached_statements=cached_statements
        )

    return connect


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
    except UnicodeDecodeError as error:  # The driver fails at what SQLite says of such tables.
        raise ConfigurationError(f"database_url: {str(file)!r}: malformed tables") from error
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"database_url: {str(file)!r}: {_reason(error)}") from error
    return {name for (name,) in rows}


def require_whole(file: Path) -> None:
    """Look through a database before anybody writes to it.

    Always after an end that left a log, else only where it takes a moment.

    Raises:
        ConfigurationError: it is damaged.
    """
    if not _log_of(file) and file.stat().st_size > LOOKED_THROUGH_BYTES:
        return
    try:
        with closing(_connect(file, "rw")) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except (sqlite3.Error, UnicodeDecodeError) as error:
        found = str(error)
    if found != "ok":
        reason = " ".join(str(found).split())
        raise ConfigurationError(
            f"database_url: {str(file)!r} is damaged: {reason}; put a backup in its place"
        )


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


def read(file: Path, task: Callable[[Connect], _Read]) -> _Read:
    """Let a task read a database that another process may have open and write.

    No file is made, nothing is moved from the log into the database, and nobody waits
    for the reader. A database at rest has no log, and SQLite would make one: it is read
    as a file that does not change, and once more if it did change meanwhile.

    Args:
        file: the database.
        task: gets what opens a connection; it may be called twice.

    Raises:
        OSError: there is no such file, or it cannot be read.
        sqlite3.Error: so says the task, or it is no database.
    """
    file = file.resolve()  # The log lies beside the file, not beside a link to it.
    _check_header(file)
    while True:
        at_rest = _state_at_rest(file)
        mode = "ro" if at_rest is None else "ro&immutable=1"
        try:
            result = task(partial(_connect, file, mode))
        except Exception:
            if at_rest == _state_at_rest(file):
                raise
        else:
            if at_rest is None or at_rest == _state_at_rest(file):
                return result


def copy(file: Path, target: Path) -> int:
    """Copy a database as of one moment, compact and flushed, while another process may write it.

    The copy gets its name when it is complete, on the disk and found whole. It is for
    its owner alone, and has no log.

    Returns:
        Its size in bytes.

    Raises:
        ConfigurationError: it cannot be written, or the name is taken.
    """
    half = target.with_name(f"{target.name}.partial")
    if os.path.lexists(target):
        raise ConfigurationError(f"no backup {str(target)!r}: it exists, and is not overwritten")
    try:
        os.close(_create_anew(half))
    except FileExistsError as error:
        raise ConfigurationError(
            f"no backup: {str(half)!r} exists: another one is being made, or one was cut short "
            "and left it, then delete it"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"no backup {str(half)!r}: {error.strerror}") from error
    try:
        read(file, lambda connect: _vacuum_into(connect, half))
        _check_integrity(half)
        flush(half)
        size = half.stat().st_size
        give_name(half, target)
        flush(target)
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(f"no backup {str(target)!r}: {_reason(error)}") from error
    finally:
        half.unlink(missing_ok=True)
    return size


def compact(file: Path) -> None:
    """Give the room of deleted rows back to the file system. Nobody else may have the file open.

    Raises:
        sqlite3.Error: there is no room for the copy that SQLite makes meanwhile.
    """
    with closing(_connect(file, "rw")) as connection:
        connection.execute("VACUUM")
    flush(file)


def fold_log(file: Path) -> None:
    """Move the log that a crash left into its database, and delete it.

    Raises:
        sqlite3.Error: the database is damaged; its log may still be there.
    """
    _check_header(file)
    with closing(_connect(file, "rw")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    flush(file)


def give_name(file: Path, name: Path) -> None:
    """Give a file another name, which nobody has; the first one may stay.

    Raises:
        FileExistsError: the name is taken.
    """
    try:
        os.link(file, name)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
        # A file system without links, such as that of a memory stick.
        os.close(_create_anew(name))
        file.replace(name)


def flush(file: Path) -> None:
    """Let a file and its name survive a power cut."""
    _flush(file, os.O_RDWR)
    flush_folder(file)


def flush_folder(file: Path) -> None:
    """Let the names of a file and of its log survive a power cut; the file itself is not opened.

    SQLite does so when it makes a log, and does not say when it fails.
    """
    _flush(file.parent, os.O_RDONLY)


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


def _flush(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check_header(file: Path) -> None:
    # SQLite takes whatever is shorter than its header for an empty database, and overwrites it.
    with file.open("rb") as opened:
        header = opened.read(len(_HEADER))
    journal = file.with_name(f"{file.name}-journal")
    if header not in {b"", _HEADER} and not journal.exists():
        raise sqlite3.DatabaseError("file is not a database")


def _log_of(file: Path) -> bool:
    log = file.with_name(f"{file.name}-wal")
    return log.exists() and log.stat().st_size > 0


def _state_at_rest(file: Path) -> tuple[int, int, int] | None:
    """Return what changes whenever somebody writes, ``None`` while there is a log."""
    if any(file.with_name(f"{file.name}-{end}").exists() for end in ("wal", "journal")):
        return None
    state = file.stat()
    return state.st_mtime_ns, state.st_size, state.st_ino


def _create_anew(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)


def _vacuum_into(connect: Connect, partial: Path) -> None:
    os.truncate(partial, 0)
    with closing(connect()) as connection:
        connection.execute("VACUUM INTO ?", (str(partial),))


def _check_integrity(file: Path) -> None:
    with closing(_connect(file, "ro&immutable=1")) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if found != [("ok",)]:
        raise sqlite3.DatabaseError(f"the copy is damaged: {found[0][0]}")


def _reason(error: Exception) -> str:
    # What SQLite says of a damaged schema has the rest of a statement in it.
    return getattr(error, "strerror", None) or str(error).partition("\n")[0]


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
