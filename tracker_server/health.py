"""Whether messages are being stored: what the latest transaction said, told without repeating it.

A supervisor and a load balancer ask; the log hears of a failure at most once in
`QUIET_SECONDS`, since a disk that is full refuses every message there is.
"""

import logging
import threading

from tracker_server.errors import StorageError

QUIET_SECONDS = 5.0
MAX_REASON_CHARS = 200

_log = logging.getLogger("tracker_server")


class Health:
    """The state of the writing side; safe to use from any thread."""

    def __init__(self) -> None:
        self.is_ready = True
        """The latest transaction was committed. The store begins with one."""
        self.is_broken = False
        """Something happened that nobody thought of; only another process can be trusted again."""
        self._lock = threading.Lock()
        self._said = float("-inf")
        self._unsaid = 0

    def hear_success(self) -> None:
        """Take note of a commit."""
        if not self.is_ready and not self.is_broken:
            with self._lock:
                self.is_ready = True
                self._said = float("-inf")
            _log.warning("messages are stored again", extra={"event": "storage_recovered"})

    def hear_failure(self, error: StorageError, now: float) -> None:
        """Take note of a transaction that was not committed.

        Args:
            error: why not. The first line of it goes to the log: the rest may have values.
            now: seconds since the epoch.
        """
        with self._lock:
            self.is_ready = False
            if abs(now - self._said) < QUIET_SECONDS:
                self._unsaid += 1
                return
            unsaid, self._said, self._unsaid = self._unsaid, now, 0
        _log.error(
            "not stored: %s",
            reason_of(error),
            extra={"event": "storage_error", "fields": {"unsaid": unsaid}},
        )

    def hear_unexpected(self, error: BaseException) -> None:
        """Take note of a defect: from now on nothing is accepted, and the process is to end."""
        self.is_ready, self.is_broken = False, True
        _log.critical(
            "the writer failed, the process ends: %s",
            type(error).__name__,
            exc_info=error,
            extra={"event": "writer_failed"},
        )


def reason_of(error: BaseException) -> str:
    """Return the first line of a message, not longer than a line may be."""
    return (str(error).splitlines() or [""])[0][:MAX_REASON_CHARS]
