"""What the sections of a page come to: from what each page load says of them to sums by day.

A load says for how long each section was in view so far, and the greatest of what was said
counts. What it was is kept in a few bytes: its first day, how far it came, and the times.
"""

from collections import defaultdict
from collections.abc import Mapping
from struct import Struct

_HEAD = Struct("<IH")
_TIME = Struct("<II")
_NOWHERE = 0
"""No heading has this id."""


class Sections:
    """Sums over page loads, by heading and day."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])

    def follow(
        self, kept: bytes | None, said: Mapping[int, int], places: Mapping[int, int], day: int
    ) -> bytes:
        """Add what a message says of a load to what is known; return what is known then.

        Seconds are of the day on which they were said. That a load had a section in view, and
        that it came no further, is of the day on which its sections were first heard of: so of
        each load there is one stop on one day, however late it moves on.

        Args:
            kept: what was known of the load; ``None`` for nothing.
            said: milliseconds by id of heading, of headings that have a place.
            places: where in the page they stand; headings that are gone have none.
            day: since the epoch.
        """
        stop, first, times = _unpack(kept) if kept else (_NOWHERE, day, {})
        for heading, time in said.items():
            if heading not in times:
                self._sums[heading, first][0] += 1
                times[heading] = 0
            if time > times[heading]:
                self._sums[heading, day][1] += time - times[heading]
                times[heading] = time
        furthest = max(times, key=lambda heading: places.get(heading, -1), default=_NOWHERE)
        if places.get(furthest, -1) > places.get(stop, -1):
            self._sums[furthest, first][2] += 1
            if stop:
                self._sums[stop, first][2] -= 1
            stop = furthest
        return _pack(stop, first, times)

    def sums(self) -> list[tuple[int, int, tuple[int, ...]]]:
        """Return heading, day, and what is added: loads, milliseconds, stops."""
        return [(*key, tuple(row)) for key, row in sorted(self._sums.items()) if any(row)]


def _unpack(kept: bytes) -> tuple[int, int, dict[int, int]]:
    stop, first = _HEAD.unpack_from(kept)
    return stop, first, dict(_TIME.iter_unpack(kept[_HEAD.size :]))


def _pack(stop: int, first: int, times: Mapping[int, int]) -> bytes:
    return _HEAD.pack(stop, first) + b"".join(_TIME.pack(*time) for time in times.items())
