"""Counters that other pages show: read for many at once, and not twice within some seconds.

Every reader of a page with a live counter asks for it, and nobody but the tracker's own
pages is to cost the database anything for each reader.
"""

import threading
from collections.abc import Callable, Collection, Mapping

from tracker_server.figures import (
    Counter,
    Overview,
)

MAX_AGE_SECONDS = 10.0
"""How old views may be."""
READERS_AGE_SECONDS = 2.0
"""How old the list of who reads what may be; one for all paths."""
VISITORS_AGE_SECONDS = 60.0
"""How old numbers of visitors may be, which are unions of many sets."""
MAX_REMEMBERED = 4_096


class Counters:
    """Answers what is asked about paths; safe to use from any thread."""

    def __init__(
        self,
        overview: Callable[[], Overview],
        read_readers: Callable[[int], Mapping[str, int]],
        read_views: Callable[[Collection[str]], Mapping[str, int]],
        read_visitors: Callable[[str], int],
        clock: Callable[[], float],
    ) -> None:
        """`overview` gives the figures of the site, the others read those of paths.

        `read_readers` gets the time in seconds and returns all paths that are being read.
        """
        self._overview = overview
        self._read_readers = read_readers
        self._read_views = read_views
        self._read_visitors = read_visitors
        self._clock = clock
        self._lock = threading.Lock()
        self._readers: Mapping[str, int] = {}
        self._readers_taken = float("-inf")
        self._views = _Memory(MAX_AGE_SECONDS)
        self._visitors = _Memory(VISITORS_AGE_SECONDS)

    def of(self, paths: Collection[str]) -> tuple[Counter, ...]:
        """Return the numbers of paths, in their order."""
        with self._lock:
            now = self._clock()
            views = self._views.known(paths, now)
            missing = [path for path in paths if path not in views]
            if missing:
                read = self._read_views(missing)
                views |= {path: read.get(path, 0) for path in missing}
                self._views.note({path: views[path] for path in missing}, now)
            readers = self._readers_at(now)
        return tuple(Counter(path, views[path], readers.get(path, 0)) for path in paths)

    def views(self, path: str | None) -> int:
        """Return the views of all time of a path; of the site without one."""
        if path is None:
            return self._overview().total_page_views
        return self.of([path])[0].views

    def readers(self, path: str | None) -> int:
        """Return how many read a path, or the site, at this moment."""
        if path is None:
            return self._overview().active_visitors
        with self._lock:
            return self._readers_at(self._clock()).get(path, 0)

    def visitors(self, path: str | None) -> int:
        """Return the unique visitors of all time of a path, or of the site."""
        if path is None:
            return self._overview().unique_visitors
        with self._lock:
            now = self._clock()
            known = self._visitors.known([path], now)
            if path not in known:
                known[path] = self._read_visitors(path)
                self._visitors.note(known, now)
            return known[path]

    def _readers_at(self, now: float) -> Mapping[str, int]:
        if not 0 <= now - self._readers_taken < READERS_AGE_SECONDS:
            self._readers, self._readers_taken = self._read_readers(int(now)), now
        return self._readers


class _Memory:
    """Numbers that were read lately, the oldest forgotten first."""

    def __init__(self, max_age_seconds: float) -> None:
        self._max_age = max_age_seconds
        self._entries: dict[str, tuple[float, int]] = {}

    def known(self, keys: Collection[str], now: float) -> dict[str, int]:
        entries = ((key, self._entries.get(key)) for key in keys)
        return {
            key: entry[1]
            for key, entry in entries
            if entry is not None and 0 <= now - entry[0] < self._max_age
        }

    def note(self, numbers: Mapping[str, int], now: float) -> None:
        for key, number in numbers.items():
            self._entries.pop(key, None)
            self._entries[key] = now, number
        while len(self._entries) > MAX_REMEMBERED:
            del self._entries[next(iter(self._entries))]
