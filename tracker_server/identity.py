"""Who a reader is on one day, where nothing is kept in the browser.

The id is a keyed hash of site, shortened address and user agent. The key is random, made
anew each day and kept with the one before in a file of its own, not in the database; an
older one is gone, and then nothing that is stored leads from an id back to an address.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from hashlib import blake2b
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path

SALT_BYTES = 32
MAX_RECENT = 100_000
"""How many readers are remembered to keep their session over midnight; about 15 MiB."""
_SECONDS_PER_DAY = 86_400

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Salts:
    """The key of the day and the one before, shared by all processes that have the file."""

    def __init__(self, file: Path, make: Callable[[int], bytes] = os.urandom) -> None:
        """`make` returns so many random bytes. The file is made, 0600, when first needed."""
        self._file = file
        self._make = make
        self._day = -1
        self._current = self._before = b""

    def of(self, day: int) -> tuple[bytes, bytes]:
        """Return the key of a day, and that of the day before or nothing.

        A clock that is set back keeps the newest key: it never comes back to an old one.

        Raises:
            OSError: the file cannot be read or written.
        """
        if day > self._day:
            self._rotate(day)
        return self._current, self._before

    def _rotate(self, day: int) -> None:
        handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # Processes that start together make one key.
            kept, current, before = _parse_salts(file.read())
            if kept < day:
                before = current if kept == day - 1 else b""
                kept, current = day, self._make(SALT_BYTES)
                file.seek(0)
                file.truncate()
                file.write(
                    json.dumps(
                        {"day": kept, "current": current.hex(), "before": before.hex()}
                    ).encode()
                )
                file.flush()
                os.fsync(file.fileno())
            self._day, self._current, self._before = kept, current, before


def _parse_salts(data: bytes) -> tuple[int, bytes, bytes]:
    """Read what the file says; a file that was cut short says nothing, and keys are made anew."""
    with suppress(ValueError, KeyError, TypeError):
        said = json.loads(data)
        current, before = bytes.fromhex(said["current"]), bytes.fromhex(said["before"])
        if isinstance(said["day"], int) and len(current) == SALT_BYTES:
            return said["day"], current, before
    return -1, b"", b""


class DailyIdentity:
    """Derives sessions; safe to use from any thread."""

    def __init__(self, salts: Salts, clock: Callable[[], float], *, window_seconds: int) -> None:
        """`window_seconds`: who was here so shortly before midnight keeps the id of that day."""
        self._salts = salts
        self._clock = clock
        self._window = window_seconds
        self._lock = threading.Lock()
        self._recent: dict[int, float] = {}
        """Session to when it was last seen, the latest last."""

    def session(self, site: str, address: str, user_agent: str) -> int:
        """Return the session of a reader, a signed 64-bit integer.

        Args:
            site: host of the site, so that nobody can be followed from one to another.
            address: of the reader; what is no address counts as it stands.
            user_agent: the header.

        Raises:
            OSError: the file of the keys cannot be read or written.
        """
        said = "|".join((site, shortened(address), user_agent)).encode(errors="replace")
        with self._lock:
            now = self._clock()
            current, before = self._salts.of(int(now) // _SECONDS_PER_DAY)
            session = _hash(current, said)
            if before and session not in self._recent:
                old = _hash(before, said)
                if abs(now - self._recent.get(old, float("-inf"))) < self._window:
                    session = old
            self._recent.pop(session, None)
            self._recent[session] = now
            self._forget(now)
        return session

    def _forget(self, now: float) -> None:
        while self._recent:
            oldest = next(iter(self._recent))
            late = abs(now - self._recent[oldest]) >= self._window
            if not late and len(self._recent) <= MAX_RECENT:
                return
            del self._recent[oldest]


def _hash(key: bytes, said: bytes) -> int:
    return int.from_bytes(blake2b(said, digest_size=8, key=key).digest(), signed=True)


def shortened(address: str) -> str:
    """Return the network of an address: 24 bits of an IPv4 one, 48 of an IPv6 one."""
    parsed = parse_address(address)
    if parsed is None:
        return address
    bits = 24 if isinstance(parsed, IPv4Address) else 48
    return str(ip_network((parsed, bits), strict=False).network_address)


def parse_address(text: str) -> Address | None:
    """Read an address; one of IPv4 that is written as IPv6 is of IPv4."""
    try:
        address = ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def client_address(peer: str, forwarded: str, trusted: Collection[Network]) -> str:
    """Return who sent a request.

    What ``X-Forwarded-For`` says is believed from the right, as far as proxies that are
    trusted say it; whatever a reader put in front of it is not.

    Args:
        peer: who is connected.
        forwarded: the header, empty where there is none.
        trusted: networks of the site's own proxies.
    """
    if not trusted:
        return peer
    hops = forwarded.split(",") if forwarded else []
    address = peer
    while hops and is_in(address, trusted):
        address = hops.pop().strip()
    return address


def is_in(text: str, networks: Collection[Network]) -> bool:
    """Tell whether an address is of one of these networks; what is no address is of none."""
    address = parse_address(text)
    return address is not None and any(address in network for network in networks)
