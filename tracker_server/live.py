"""The snapshot that everybody who looks at the stats page shares.

It is read from the database at most once a second however many look, so that
viewers never take time from readers' messages.
"""

import threading
from collections.abc import Callable

from tracker_server.model import Overview, Snapshot
from tracker_server.wire import DEFAULT_ROWS, etag_of, write_overview

MAX_AGE_SECONDS = 1.0


class Live:
    """Keeps the latest snapshot."""

    def __init__(self, read: Callable[[int], Overview], clock: Callable[[], float]) -> None:
        """`read` gets the time in seconds and reads the overview of it."""
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None

    def snapshot(self, max_age_seconds: float = MAX_AGE_SECONDS) -> Snapshot:
        """Return figures that are at most so old."""
        with self._lock:
            now = self._clock()
            latest = self._snapshot
            if latest is None or not 0 <= now - latest.taken < max_age_seconds:
                overview = self._read(int(now))
                body = write_overview(overview, DEFAULT_ROWS)
                latest = self._snapshot = Snapshot(now, overview, body, etag_of(body))
            return latest
