"""How long messages wait for the disk, and what that asks of the browsers."""

import threading

WAITS = (0.25, 1.0)
"""From how many seconds of waiting on heartbeats are to come half, and a quarter as often."""
_SHARE = 0.2
"""How much the latest commit weighs in the mean."""
_MEMORY_SECONDS = 300.0
"""For how long a quarter of the heartbeats may still come that seldom."""


class Pressure:
    """The mean time that a commit takes of late; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mean = 0.0
        self._stretched_until = float("-inf")

    def note(self, seconds: float) -> None:
        """Hear how long the first message of a batch waited."""
        with self._lock:
            self._mean += (seconds - self._mean) * _SHARE

    def level(self, now: float) -> int:
        """Return 0, or how many times a browser is to double its interval.

        Args:
            now: seconds since the epoch.
        """
        level = sum(self._mean >= wait for wait in WAITS)
        if level == len(WAITS):
            self._stretched_until = now + _MEMORY_SECONDS
        return level

    def patience(self, now: float) -> int:
        """Return how many times the usual timeout a session may be silent before it has ended.

        Who was asked for a heartbeat in two minutes is not gone after two minutes.
        """
        return 2 if 0 <= self._stretched_until - now <= _MEMORY_SECONDS else 1
