"""Which page of the manifest somebody may have meant who asked for a path that is none.

A page that was moved or misspelled mostly still begins or ends as it did. So a path is compared not
with all pages but with those that stand next to it when their names are sorted by how they begin,
and by how they end. There may be 100,000 pages, so what is done for each is done by C:
with them 200 paths take 0.3 s of CPU.
"""

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import itemgetter

from tracker_server.likeness import Likeness, plain

LEAST = 0.5
"""From which similarity on a page is named."""
WHOLE_WEIGHT = 0.4
"""What the whole path counts for; the rest is that of its end, or of the title."""
NEIGHBOURS = 4
"""With how many names a path is compared to either side."""
_BEGIN, _FINAL = slice(3), slice(-3, None)
"""What two names have to have in common, one or the other, to be compared."""
_SHORT = 4
"""Up to so many characters a name is compared to all that have one more at most."""
_NUMBER = re.compile(r"\d+")
_FINALS = ("/", ".html", ".htm", ".md", "/index", "/")
"""What a path may end with that is not its name, in the order in which it is taken away."""
_BETWEEN = "\0"  # No path and no title has it.


@dataclass(frozen=True, slots=True)
class Match:
    """The page that is most like a path."""

    page: int
    """Its place among those that were given."""
    similarity: float
    """From `LEAST` to 1."""
    is_certain: bool
    """Whether no other page is as much like it, and no number at the end is another one."""


class ClosestPages:
    """Pages, sorted for the paths that are going to be compared with them."""

    def __init__(self, pages: Sequence[tuple[str, str]], paths: Collection[str]) -> None:
        """Sort.

        Args:
            pages: path and title of each.
            paths: those that `find` is going to be asked for.
        """
        self._pages = pages
        self._wholes = _plain_paths(path for path, _ in pages)
        self._titles = plain(_BETWEEN.join(title for _, title in pages)).split(_BETWEEN)
        ends = [*map(_end_of, self._wholes)]
        # Most are called as their paths end, and once is enough.
        titles = [*map(_unless_same, self._titles, ends)]
        wanted = [*filter(None, map(_end_of, _plain_paths(paths)))]
        begins = {name[_BEGIN] for name in wanted}
        self._forward = [
            *((_from_end(self._wholes[n]), n) for n in _having(ends, _BEGIN, begins)),
            *((titles[n], n) for n in _having(titles, _BEGIN, begins)),
        ]
        finals = {name[_FINAL] for name in wanted}
        self._backward = [
            *((self._wholes[n][::-1], n) for n in _having(ends, _FINAL, finals)),
            *((titles[n][::-1], n) for n in _having(titles, _FINAL, finals)),
        ]
        is_short = any(len(name) <= _SHORT for name in wanted)
        short = [n for n, end in enumerate(ends) if is_short and 0 < len(end) <= _SHORT + 1]
        self._short = [(_from_end(self._wholes[n]), n) for n in short]
        self._in_folder = [(self._wholes[n], n) for n in short]
        for names in (self._forward, self._backward, self._short, self._in_folder):
            names.sort()

    def find(self, path: str) -> Match | None:
        """Return the page that is most like a path, of several the first by path."""
        [whole] = _plain_paths([path])
        end = _end_of(whole)
        if not end:
            return None
        near = {*_around(self._forward, _from_end(whole)), *_around(self._backward, whole[::-1])}
        if len(end) <= _SHORT:
            near |= {*_around(self._short, _from_end(whole)), *_around(self._in_folder, whole)}
        likeness = Likeness(whole), Likeness(end)
        found = sorted((-self._similarity(*likeness, n), self._pages[n], n) for n in near)
        if not found or -found[0][0] < LEAST:
            return None
        best, _, page = found[0]
        is_alone = len(found) == 1 or best < found[1][0]
        # The page of 2025 is not that of 2024, however much alike they are called.
        is_same = _NUMBER.findall(end) == _NUMBER.findall(_end_of(self._wholes[page]))
        return Match(page, round(-best, 3), is_alone and is_same)

    def _similarity(self, of_whole: Likeness, of_end: Likeness, page: int) -> float:
        whole = self._wholes[page]
        by_name = max(of_end.to(_end_of(whole)), of_end.to(self._titles[page]))
        return WHOLE_WEIGHT * of_whole.to(whole) + (1 - WHOLE_WEIGHT) * by_name


def _plain_paths(paths: Iterable[str]) -> list[str]:
    """Write paths plainly, all at once, and without what they end with besides their names."""
    text = plain(_BETWEEN.join(paths)) + _BETWEEN
    for final in _FINALS:
        text = text.replace(f"{final}{_BETWEEN}", _BETWEEN)
    return text.split(_BETWEEN)[:-1]


def _end_of(path: str) -> str:
    return path.rpartition("/")[2]


def _from_end(path: str) -> str:
    """Return the end of a path, then what is before it backwards: both count, in this order."""
    end = _end_of(path)
    return end + path[: -len(end)][::-1] if end else path[::-1]


def _unless_same(title: str, end: str) -> str:
    return "" if title == end else title


def _having(names: Iterable[str], part: slice, parts: Collection[str]) -> Iterator[int]:
    """Yield the places of those names of which a part is one of some."""
    return compress(count(), map(parts.__contains__, map(itemgetter(part), names)))


def _around(names: Sequence[tuple[str, int]], name: str) -> Iterator[int]:
    place = bisect_left(names, (name, 0))
    return (page for _, page in names[max(0, place - NEIGHBOURS) : place + NEIGHBOURS])
