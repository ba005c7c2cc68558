"""The snapshot that everybody who looks at the stats page shares.

It is read from the database at most once a second however many look, so that
viewers never take time from readers' messages.
"""

import threading
from collections.abc import Callable

from tracker_server.figures import (
    Overview,
    Snapshot,
)
from tracker_server.wire import DEFAULT_ROWS, MAX_ROWS, etag_of, write_overview

MAX_AGE_SECONDS = 1.0


class Live:
    """Keeps the latest snapshot, and one with longer lists for whoever asks for them."""

    def __init__(self, read: Callable[[int, int], Overview], clock: Callable[[], float]) -> None:
        """`read` gets the time in seconds and how long a list is, and reads the overview."""
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._longer: Snapshot | None = None

    def snapshot(self, max_age_seconds: float = MAX_AGE_SECONDS) -> Snapshot:
        """Return figures that are at most so old, with lists of the usual length."""
        with self._lock:
            self._snapshot = self._renewed(self._snapshot, max_age_seconds, DEFAULT_ROWS)
            return self._snapshot

    def body(self, max_pages: int) -> bytes:
        """Return the JSON of ``GET /api/stats`` with so many pages, up to `MAX_ROWS`."""
        if max_pages == DEFAULT_ROWS:
            return self.snapshot().body
        if max_pages < DEFAULT_ROWS:
            return write_overview(self.snapshot().overview, max_pages)
        with self._lock:
            self._longer = self._renewed(self._longer, MAX_AGE_SECONDS, MAX_ROWS)
            overview = self._longer.overview
        return write_overview(overview, max_pages)

    def _renewed(self, latest: Snapshot | None, max_age_seconds: float, rows: int) -> Snapshot:
        now = self._clock()
        if latest is not None and 0 <= now - latest.taken < max_age_seconds:
            return latest
        overview = self._read(int(now), rows)
        body = write_overview(overview, rows)
        return Snapshot(now, overview, body, etag_of(body))
