"""How many messages one network, one site and everybody may send, in memory that never grows.

A limit is a rate and a burst: who was silent may send a burst at once, and goes on at the
rate. One number a slot says when its messages so far would have been due; networks share
the slots of a table by a keyed hash, so nothing of an address is kept, a flood from many
networks evicts nobody, and nobody can choose whose slot it shares.
"""

import os
from array import array
from collections.abc import Callable

BURST_SECONDS = 10
"""How many seconds' worth of messages may come at once."""
SITE_SHARE = 20
TOTAL_SHARE = 50
"""What a site, and all together, may send: as many times as much as one network."""
NETWORKS = 1 << 16
SITES = 1 << 12
"""How many slots there are: half a MiB, and 32 KiB."""
SIGN_INS_PER_MINUTE = 5


class Buckets:
    """One limit for each slot of a table.

    Two threads that meet in a slot may let one message too many pass, which is no reason for a
    lock on the way of every message.
    """

    def __init__(
        self, slots: int, per_second: float, key: bytes, burst_seconds: int = BURST_SECONDS
    ) -> None:
        self._interval = 1.0 / per_second
        self._most = burst_seconds + 1
        self._burst = burst_seconds - self._interval / 2  # So that rounding costs nobody a message.
        self._due = array("d", [float("-inf")]) * slots
        self._key = key.hex()
        self._mask = slots - 1

    def wait(self, name: str, now: float) -> float:
        """Take one message and return 0, or return after how many seconds there is room for one."""
        slot = hash(self._key + name) & self._mask
        ahead = self._due[slot] - now
        # Nobody can be that far ahead unless the clock was set back.
        if ahead <= 0 or ahead > self._most:
            ahead = 0.0
        if ahead >= self._burst:
            return ahead - self._burst
        self._due[slot] = now + ahead + self._interval
        return 0.0


_NONE = ("", 0.0)


class Limits:
    """The limits of one process."""

    def __init__(
        self,
        per_second: int,
        clock: Callable[[], float],
        make_key: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """`per_second` is of one network; 0 limits nobody."""
        self.is_on = per_second > 0
        self._clock = clock
        rate = max(1, per_second)
        self._networks = Buckets(NETWORKS, rate, make_key(16))
        self._sites = Buckets(SITES, rate * SITE_SHARE, make_key(16))
        self._total = Buckets(1, rate * TOTAL_SHARE, b"")

    def wait(self, network: str | None, site: str) -> tuple[str, float]:
        """Take one message, or say which limit refuses it and for how many seconds.

        Args:
            network: of who sent it, as `networks` tells it; ``None`` when it is not known.
            site: host of the page.

        Returns:
            ``network_limit``, ``site_limit`` or ``total_limit``, empty where none does.
        """
        now = self._clock()
        if network is not None:
            seconds = self._networks.wait(network, now)
            if seconds:
                return "network_limit", seconds
        seconds = self._sites.wait(site, now)
        if seconds:
            return "site_limit", seconds
        seconds = self._total.wait("", now)
        return ("total_limit", seconds) if seconds else _NONE


class SignIns:
    """How often passwords may be tried from one network."""

    def __init__(
        self, clock: Callable[[], float], make_key: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._clock = clock
        rate = SIGN_INS_PER_MINUTE / 60
        self._networks = Buckets(SITES, rate, make_key(16), burst_seconds=60)

    def wait(self, network: str | None) -> float:
        """Take one try and return 0, or return after how many seconds there may be one.

        Where an unnamed proxy forwards all tries are of one network.
        """
        return self._networks.wait(network or "", self._clock())
