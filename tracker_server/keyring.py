"""The file of what lets somebody in, beside the database and not in it.

Commands change it while a tracker runs, and SQLite has one process that writes; a backup of the
database takes no password along, and one that is restored brings no revoked token back. It is
changed under a lock and exchanged as a whole, so a crash leaves the old one or the new one.
"""

import fcntl
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tracker_server.config import Settings, database_file
from tracker_server.credentials import (
    ID_BYTES,
    SECRET_BYTES,
    Credentials,
    Grant,
    MakeSecret,
    digest_of,
    dump_credentials,
    parse_credentials,
)
from tracker_server.errors import StorageError

_Stamp = tuple[int, int, int] | None


def keyring_file(settings: Settings) -> Path:
    """Return where the file is."""
    file = database_file(settings.database_url)
    beside = Path("stats.access") if file is None else file.with_name(f"{file.name}.access")
    return Path(settings.access_file) if settings.access_file else beside.absolute()


class Keyring:
    """The credentials of one file, read anew when they have changed; safe from any thread."""

    def __init__(self, file: Path, make: MakeSecret = secrets.token_bytes) -> None:
        """`make` returns so many random bytes. The file is made, 0600, when first needed."""
        self.file = file
        self._make = make
        self._known: tuple[_Stamp, Credentials] = (None, Credentials())

    def read(self) -> Credentials:
        """Return what is in force at this moment.

        Raises:
            StorageError: the file is there and cannot be read.
        """
        stamp = self._stamp()
        if stamp is None:
            return Credentials()
        known, credentials = self._known
        if known != stamp:
            with self._one_line_errors():
                credentials = parse_credentials(self.file.read_bytes())
            # Where it was changed between the two looks, the next one sees that.
            self._known = stamp, credentials
        return credentials

    def change(self, task: Callable[[Credentials], Credentials]) -> Credentials:
        """Exchange the credentials for what a task makes of them, and return that.

        Raises:
            StorageError: the file cannot be written.
        """
        with self._one_line_errors(), self._locked():
            now = self.read()
            changed = task(now if now.key else replace(now, key=self._make(SECRET_BYTES)))
            self._write(dump_credentials(changed))
        return changed

    def with_key(self) -> Credentials:
        """Return the credentials, with a key made where there was none."""
        credentials = self.read()
        return credentials if credentials.key else self.change(lambda same: same)

    def add(
        self, plan: Grant, instead_of: str = "", password: str | None = None
    ) -> tuple[str, Grant]:
        """Grant something; return the secret, which is kept nowhere, and what was granted.

        Args:
            plan: what is granted, without an id and a digest.
            instead_of: id of a grant that goes.
            password: the hash by which it is granted, which must still be in force.

        Raises:
            StorageError: the password has changed meanwhile, or as with `change`.
        """
        secret = urlsafe_b64encode(self._make(SECRET_BYTES)).rstrip(b"=").decode()
        grant = replace(plan, id=self._make(ID_BYTES).hex(), digest=digest_of(secret))

        def adding(now: Credentials) -> Credentials:
            if password is not None and now.password != password:
                raise StorageError("access_file: the password has been changed meanwhile")
            return now.without(instead_of).adding(grant, plan.created)

        self.change(adding)
        return secret, grant

    def _stamp(self) -> _Stamp:
        try:
            found = self.file.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{self.file}: {error.strerror}") from error
        return found.st_ino, found.st_mtime_ns, found.st_size

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the folder: the file itself is another one after each change."""
        folder = os.open(self.file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _write(self, data: bytes) -> None:
        new = self.file.with_name(f".{self.file.name}.new")
        new.unlink(missing_ok=True)  # Left by a crash.
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.file)
        folder = os.open(self.file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"access_file: {self.file}: {error.strerror}") from error
        except StorageError as error:
            if str(error).startswith("access_file: "):
                raise
            raise StorageError(f"access_file: {self.file}: {error}") from error
