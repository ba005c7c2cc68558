"""Tells pages that are open what happens, by Server-Sent Events.

One task looks for all of them, while there are any: however many pages are open, the figures
are read and written once. A page is an entry here and a connection, so thousands cost little.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

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
PORTION = 32
"""How many are told in a row. To write to a thousand takes 15 ms, for which no view was stored."""
_HEAD = b"retry: 2000\n\n"
_BEAT = b"event: beat\ndata: 1\n\n"

_log = logging.getLogger("tracker_server")


class Follower(Protocol):
    """Who is told: a connection."""

    def push(self, data: bytes, /) -> None:
        """Say more."""

    def cut(self) -> None:
        """End it."""


class Streams:
    """The open streams of one process; used in its loop, but for `begin`."""

    def __init__(self, snapshot: Callable[[float], Snapshot], max_streams: int) -> None:
        """`snapshot` returns figures that are at most so many seconds old."""
        self._snapshot = snapshot
        self._max = max_streams
        self._followers: dict[Follower, str] = {}
        """Who is told, and the entity tag of what they have."""
        self._may_follow: dict[Follower, Callable[[], bool]] = {}
        """What tells whether somebody still may, asked before each look."""
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    def begin(self, seen: str) -> tuple[bytes, str]:
        """Return how a stream begins for who has figures of an entity tag, and the tag to follow.

        Safe to use from any thread.

        Raises:
            BusyError: as many streams are open as may be, or the tracker stops.
        """
        if self._closed or len(self._followers) >= self._max:
            raise BusyError("as many pages are told of news as may be; ask again and again")
        latest = self._snapshot(1.0)
        return _HEAD + (b"" if latest.etag == seen else _event(latest)), latest.etag

    def follow(
        self, follower: Follower, seen: str, may_follow: Callable[[], bool] = lambda: True
    ) -> bool:
        """Tell somebody of what is new after what they have; false if there are too many.

        Who no longer may follow is cut before anything more is said.
        """
        if self._closed or len(self._followers) >= self._max:
            return False
        self._followers[follower] = seen
        self._may_follow[follower] = may_follow
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self._watch())
        return True

    def leave(self, follower: Follower) -> None:
        """Tell somebody no more."""
        self._followers.pop(follower, None)
        self._may_follow.pop(follower, None)

    def open(self) -> int:
        """Return how many there are."""
        return len(self._followers)

    def close(self) -> None:
        """Tell nobody any more, and begin no stream."""
        self._closed = True
        self._followers.clear()
        self._may_follow.clear()

    async def _watch(self) -> None:
        """Look for news until nobody is left to be told.

        Where they cannot be read every stream ends: a browser that comes again learns why, one
        that is told nothing would call the figures it has live.
        """
        try:
            await self._tell_news()
        except Exception:  # noqa: BLE001  # whatever it is, nobody would be told any more
            _log.exception("no news can be read, all streams end", extra={"event": "streams"})
            for follower in list(self._followers):
                follower.cut()
            self._followers.clear()
            self._may_follow.clear()
        finally:
            self._watching = None

    async def _tell_news(self) -> None:
        looks, sent = LOOKS_BETWEEN, asyncio.get_running_loop().time()
        latest: Snapshot | None = None
        while self._followers:
            await asyncio.sleep(LOOK_SECONDS)
            self._cut_who_may_not()
            looks += 1
            now = asyncio.get_running_loop().time()
            if looks >= LOOKS_BETWEEN:
                news = await asyncio.to_thread(self._snapshot, LOOK_SECONDS)
                if latest is None or news.etag != latest.etag:
                    looks, latest = 0, news
            if latest is not None and await self._tell(latest):
                sent = now
            elif now - sent >= BEAT_SECONDS:
                sent = now
                await self._push(list(self._followers), _BEAT)

    def _cut_who_may_not(self) -> None:
        for follower in [some for some, may in self._may_follow.items() if not may()]:
            self.leave(follower)
            follower.cut()

    async def _tell(self, latest: Snapshot) -> bool:
        """Send it to those who do not have it; tell whether there were any."""
        behind = [some for some, seen in self._followers.items() if seen != latest.etag]
        if not behind:
            return False
        self._followers |= dict.fromkeys(behind, latest.etag)
        await self._push(behind, _event(latest))
        return True

    async def _push(self, followers: Sequence[Follower], data: bytes) -> None:
        """Say something to some; messages of readers get their turn in between."""
        for number, follower in enumerate(followers, 1):
            if follower in self._followers:  # It may have left meanwhile.
                follower.push(data)
            if number % PORTION == 0:
                await asyncio.sleep(0)


def _event(snapshot: Snapshot) -> bytes:
    return b"id: %b\ndata: %b\n\n" % (snapshot.etag.encode(), snapshot.body)
