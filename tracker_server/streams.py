"""Tells pages that are open what happens, by Server-Sent Events.

A stream takes a thread of the server, so there is a bound. One more thread looks for all of them,
while there are any: however many pages are open, the figures are read and written once.
"""

import threading
from collections.abc import Callable, Iterator
from functools import partial

from tracker_server.errors import BusyError
from tracker_server.figures import (
    Snapshot,
)

LOOK_SECONDS = 0.45
"""How often the figures are looked at while somebody waits for them."""
LOOKS_BETWEEN = 2
"""After how many looks they may be sent again: at most about once a second."""
BEAT_SECONDS = 15.0
"""After how long without news a stream says that it is alive."""
_HEAD = b"retry: 2000\n\n"
_BEAT = b"event: beat\ndata: 1\n\n"


class Streams:
    """The open streams of one process."""

    def __init__(self, snapshot: Callable[[float], Snapshot], max_streams: int) -> None:
        """`snapshot` returns figures that are at most so many seconds old."""
        self._snapshot = snapshot
        self._max_streams = max_streams
        self._changed = threading.Condition()
        self._open = 0
        self._closing = threading.Event()
        self._latest: Snapshot | None = None
        self._watcher: threading.Thread | None = None

    def open(self, seen: str = "") -> Iterator[bytes]:
        """Begin a stream.

        Args:
            seen: entity tag of the figures that the page has.

        Raises:
            BusyError: as many as may be are open, or the tracker stops.
        """
        with self._changed:
            if self._open >= self._max_streams or self._closing.is_set():
                raise BusyError("as many streams as may be are open")
            self._open += 1
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="streams", daemon=True)
                self._watcher.start()
        return _Stream(self._run(seen), self._leave)

    def close(self) -> None:
        """End all streams, and begin no more."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
            watcher = self._watcher
        if watcher is not None:
            watcher.join()

    def _run(self, seen: str) -> Iterator[bytes]:
        latest = self._snapshot(1.0)
        yield _HEAD + (b"" if latest.etag == seen else _event(latest))
        seen = latest.etag
        while not self._closing.is_set():
            with self._changed:
                self._changed.wait_for(partial(self._is_news, seen), BEAT_SECONDS)
                latest = self._latest or latest
            if self._closing.is_set():
                return
            yield _BEAT if latest.etag == seen else _event(latest)
            seen = latest.etag

    def _is_news(self, seen: str) -> bool:
        changed = self._latest is not None and self._latest.etag != seen
        return changed or self._closing.is_set()

    def _leave(self) -> None:
        with self._changed:
            self._open -= 1

    def _watch(self) -> None:
        """Look for news until nobody is left to be told."""
        looks = LOOKS_BETWEEN
        while not self._closing.wait(LOOK_SECONDS):
            with self._changed:
                if self._open == 0:
                    self._watcher = self._latest = None
                    return
            looks += 1
            if looks < LOOKS_BETWEEN:
                continue
            latest = self._snapshot(LOOK_SECONDS)
            with self._changed:
                if self._latest is None or latest.etag != self._latest.etag:
                    looks, self._latest = 0, latest
                    self._changed.notify_all()


class _Stream:
    """An iterator that says once that it is over, also when it was never begun."""

    def __init__(self, parts: Iterator[bytes], leave: Callable[[], None]) -> None:
        self._parts = parts
        self._leave: Callable[[], None] | None = leave

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    def __del__(self) -> None:
        self.close()


def _event(snapshot: Snapshot) -> bytes:
    return b"id: %b\ndata: %b\n\n" % (snapshot.etag.encode(), snapshot.body)
