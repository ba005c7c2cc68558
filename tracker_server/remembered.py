"""What was answered a moment ago, so that the same question costs nothing."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Q = TypeVar("Q", bound=Hashable)


class Remembered(Generic[Q]):
    """Answers by question, for some seconds; of too many those not asked for longest go."""

    def __init__(self, clock: Callable[[], float], seconds: float, most: int) -> None:
        """Prepare.

        Args:
            clock: seconds since the epoch.
            seconds: how old an answer may be.
            most: how many are kept.
        """
        self._clock = clock
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._answers: dict[Q, tuple[float, bytes]] = {}

    def get(self, question: Q) -> bytes | None:
        """Return the answer, if there is one that is young enough."""
        with self._lock:
            taken, body = self._answers.pop(question, (None, b""))
            if taken is None or not 0 <= self._clock() - taken < self._seconds:
                return None
            self._answers[question] = taken, body  # Behind those that were asked for earlier.
            return body

    def read(self, question: Q, read: Callable[[Q], bytes]) -> bytes:
        """Return the answer, remembered or read now; it is as old as the begin of its reading."""
        body = self.get(question)
        if body is not None:
            return body
        taken = self._clock()
        body = read(question)
        with self._lock:
            self._answers.pop(question, None)
            while len(self._answers) >= self._most:
                del self._answers[next(iter(self._answers))]
            self._answers[question] = taken, body
        return body

    def forget(self) -> None:
        """Drop what is remembered."""
        with self._lock:
            self._answers.clear()

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._answers)
