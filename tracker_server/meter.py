"""Numbers of what has happened: cheap to raise on the way of a message, read when somebody asks.

They begin at 0 with the process. `metrics` gives them the names that monitoring knows.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Bounds of a duration. The last is how long a batch waits for the lock of another process."""
MESSAGES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024)
"""Bounds of the size of a batch."""
REFUSED = ("malformed", "head", "body", "busy")
"""Why the server refused a request, or its body, before anybody handled it."""
CUT = ("idle", "slow", "network", "crowded", "behind")
"""Why the server ended a connection: nothing was said, a request did not come to its end in time,
one network had too many, all together had, a follower of a stream did not read."""
CAUSES = ("conflict", "full", "connection", "other", "unexpected")
"""Why a transaction failed: see `database.cause_of`; `unexpected` is a defect of the tracker."""


class Counter:
    """Rises by one from any thread, without a lock and without losing any."""

    __slots__ = ("_reading", "_reads", "_steps", "add")

    def __init__(self) -> None:
        self._steps = count()
        self._reads = 0
        self._reading = threading.Lock()
        self.add = self._steps.__next__
        """Raise it: one step of C, which two threads cannot take at the same time."""

    def value(self) -> int:
        """Return how often it was raised."""
        with self._reading:
            # The only way to look at a `count` is to take a step.
            value = next(self._steps) - self._reads
            self._reads += 1
            return value


class Histogram:
    """How often a value fell between which bounds. Raised by one thread at a time."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.sum = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def observe(self, value: float) -> None:
        """Add a value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def up_to(self) -> Iterator[tuple[float, int]]:
        """Yield each bound, infinity at last, and how many values were not above it."""
        total = 0
        for bound, number in zip((*self.bounds, float("inf")), tuple(self._counts), strict=True):
            total += number
            yield bound, total


class Answers:
    """Which kind of message got which answer, and why what was not counted was not."""

    def __init__(
        self, kinds: tuple[str, ...], statuses: tuple[str, ...], reasons: tuple[str, ...]
    ) -> None:
        """All that can occur is known at the start: nobody outside can make a counter."""
        self.given = {(kind, status): Counter() for kind in kinds for status in statuses}
        """By kind of message and three digits of the status."""
        self.dropped = {reason: Counter() for reason in reasons}


@dataclass(slots=True)
class StoreMeter:
    """What batches did. Written by one thread at a time, after the commit."""

    views_counted: int = 0
    views_repeated: int = 0
    """Views that were none: the same page load again, or the same page within the window."""
    beats_repeated: int = 0
    """Heartbeats that reached the database and changed nothing."""
    sessions_written: int = 0
    """How many rows of active sessions were inserted, changed or deleted by messages."""
    batch_messages: Histogram = field(default_factory=lambda: Histogram(MESSAGES))
    commit_seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """From the begin of a batch's transaction to the end of its commit."""
    lock_seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """From the begin of any transaction that writes until it holds the lock."""
    failures: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0))


@dataclass(slots=True)
class ServerMeter:
    """What the server did besides handing requests on. Written in its loop alone."""

    connections: int = 0
    """How many are open."""
    refused: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REFUSED, 0))
    cut: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CUT, 0))
