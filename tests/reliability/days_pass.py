"""A tracker whose clock goes a day ahead with each SIGUSR1."""

import signal
import time
from collections.abc import Callable
from importlib import import_module

SECONDS_PER_DAY = 86_400


class Clock:
    """The system's, and so many days."""

    def __init__(self, real: Callable[[], float] = time.time) -> None:
        self._real = real
        self._days = 0

    def __call__(self) -> float:
        """Return the time."""
        return self._real() + self._days * SECONDS_PER_DAY

    def pass_a_day(self, *_of_signal: object) -> None:
        """Go ahead."""
        self._days += 1


def run_tracker() -> None:
    """Run the command with such a clock."""
    clock = Clock()
    time.time = clock
    signal.signal(signal.SIGUSR1, clock.pass_a_day)
    # Only now: the application keeps the clock that it finds when it is imported.
    import_module("tracker_server.cli").main()


if __name__ == "__main__":
    run_tracker()
