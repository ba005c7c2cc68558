"""One process per SQLite file: a lock of the operating system that ends with its holder.

It lies on a file of its own beside the database: to close any handle of the database file
would take SQLite's own locks away. The file stays; to delete it would be a race.
"""

import fcntl
import os
from pathlib import Path

from tracker_server.errors import ConfigurationError

_held: set[int] = set()


def _let_go_in_child() -> None:
    """A forked child would keep the lock alive after its parent has gone."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go_in_child)


class FileLock:
    """The right to write one database file, held until `release` or the end of the process."""

    def __init__(self, database: Path) -> None:
        """Take the lock.

        Raises:
            ConfigurationError: another process has it, or the file system has no locks.
        """
        self.path = lock_path(database)
        try:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(f"database_url: {self.path}: {error.strerror}") from error
        try:
            self._take(database)
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._handle)
            raise ConfigurationError(f"database_url: {self.path}: {error.strerror}") from error
        except BaseException:
            os.close(self._handle)
            raise
        _held.add(self._handle)

    def release(self) -> None:
        """Give the lock back; once is enough, twice does no harm."""
        if self._handle in _held:
            _held.remove(self._handle)
            os.close(self._handle)
        self._handle = -1

    def _take(self, database: Path) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(self._refusal(database)) from None

    def _refusal(self, database: Path) -> str:
        holder = os.pread(self._handle, 20, 0).decode("ascii", "replace").strip()
        return (
            f"database_url: {str(database)!r} is in use by another tracker (pid {holder or '?'}); "
            "one process writes a SQLite file, several need PostgreSQL"
        )


def lock_path(database: Path) -> Path:
    """Return the lock of a database, the same one whatever links lead to it."""
    real = database.resolve()
    return real.with_name(f"{real.name}.lock")
