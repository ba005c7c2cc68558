"""The password of who runs a tracker: argon2id, at most two computations at a time.

Each takes 19 MiB and some 60 ms of a core on purpose; without a bound whoever sends
passwords would take the machine from those who read.
"""

import threading
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from tracker_server.errors import BusyError, ConfigurationError

MIN_CHARS, MAX_CHARS = 12, 1_024
MAX_AT_A_TIME = 2
PATIENCE_SECONDS = 1.0
"""How long who signs in waits for others who do."""


class Passwords:
    """Makes hashes and compares with them; safe to use from any thread."""

    def __init__(self, time_cost: int = 2, memory_kib: int = 19_456, parallelism: int = 1) -> None:
        """The costs are those that OWASP names for argon2id."""
        self._hasher = PasswordHasher(time_cost, memory_kib, parallelism, type=Type.ID)
        self._room = threading.BoundedSemaphore(MAX_AT_A_TIME)
        self._nobodys = cache(lambda: self._hasher.hash("nobody has this password"))

    def hash(self, password: str) -> str:
        """Return what is kept of a password.

        Raises:
            ConfigurationError: it is too short, or too long.
        """
        if not MIN_CHARS <= len(password) <= MAX_CHARS:
            raise ConfigurationError(f"password: must have {MIN_CHARS} to {MAX_CHARS:,} characters")
        return self._hasher.hash(_bytes(password))

    def fits(self, kept: str, password: str) -> bool:
        """Tell whether a password is the one that is kept; without one it takes as long.

        Raises:
            BusyError: others are signing in.
        """
        if len(password) > MAX_CHARS:
            return False
        if not self._room.acquire(timeout=PATIENCE_SECONDS):
            raise BusyError("others are signing in at this moment")
        try:
            return self._hasher.verify(kept or self._nobodys(), _bytes(password)) and bool(kept)
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self._room.release()

    def is_outdated(self, kept: str) -> bool:
        """Tell whether a hash was made at other costs than it would be now."""
        return self._hasher.check_needs_rehash(kept)


def _bytes(password: str) -> bytes:
    return password.encode(errors="surrogatepass")
