"""What the script comes to, by adding up alone: the truth by a second way, without the tracker."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from tests.server.population.docs import seconds_on
from tests.server.population.script import Act, Event, Read

WINDOW = 30 * 60
"""Seconds within which a reader's second look at a page is no view."""
MOVED = {"/guide/timers/": "/guide/schedules/", "/guide/remote/": "/guide/app/"}
"""Pages that have another path now, by their former paths."""

Way = tuple[str, str]


def page_of(path: str) -> str:
    """Return the path that the page has now."""
    return MOVED.get(path, path)


class Sums:
    """Of some days, both of them included; by path is by that which the page has now."""

    def __init__(self, acts: Sequence[Act], first: str, last: str) -> None:
        self.loads: Counter[str] = Counter()
        self.active: Counter[str] = Counter()
        self.classes: Counter[tuple[str, str]] = Counter()
        """By path, and read, searched, bounced or skimmed."""
        self.reached: Counter[tuple[str, str]] = Counter()
        """Loads by path and id of heading."""
        self.shown: Counter[tuple[str, str]] = Counter()
        """Milliseconds, likewise."""
        self.stops: Counter[tuple[str, str]] = Counter()
        self.viewers: defaultdict[str, list[Read]] = defaultdict(list)
        """Views by the path that they were of."""
        self.ways: defaultdict[Way, list[str]] = defaultdict(list)
        """Readers, one for each time that it was gone."""
        self.events: list[Event] = []
        self._seen: dict[tuple[str, str], float] = {}
        self._before: dict[tuple[int, str], str] = {}
        """Page by visit and day."""
        self._searched = {
            (act.visit, act.load) for act in acts if isinstance(act, Event) and act.name == "search"
        }
        for act in acts:
            if act.is_counted and first <= act.day <= last:
                self._add(act)

    def views(self, path: str) -> int:
        """Count the views of a page and of its former path."""
        return sum(len(some) for one, some in self.viewers.items() if page_of(one) == path)

    def count(self, name: str, **said: object) -> int:
        """Count the events of a name of which this was said."""
        return sum(
            event.name == name and all(getattr(event, key) == said[key] for key in said)
            for event in self.events
        )

    def _add(self, act: Act) -> None:
        if isinstance(act, Event):
            is_page = act.name != "not_found"
            self.events.append(replace(act, path=page_of(act.path)) if is_page else act)
        elif isinstance(act, Read):
            self._add_load(act)
            key = act.reader, act.path
            if act.at - self._seen.get(key, -WINDOW) >= WINDOW:
                self._seen[key] = act.at
                self._add_view(act)

    def _add_load(self, read: Read) -> None:
        path = page_of(read.path)
        self.loads[path] += 1
        self.active[path] += read.active
        self.classes[path, self._class_of(read)] += 1
        for section in read.sections:
            self.reached[path, section] += 1
            self.shown[path, section] += read.seconds * 1_000 // len(read.sections)
        self.stops[path, read.sections[-1]] += 1

    def _class_of(self, read: Read) -> str:
        if read.depth >= 90 and read.active >= seconds_on(read.path, read.day) / 3:
            return "read"
        if (read.visit, read.load) in self._searched:
            return "searched"
        return "bounced" if read.depth < 25 and read.active < 10 else "skimmed"

    def _add_view(self, read: Read) -> None:
        self.viewers[read.path].append(read)
        visit, path = (read.visit, read.day), page_of(read.path)
        if self._before.get(visit, path) != path:
            self.ways[self._before[visit], path].append(read.reader)
        self._before[visit] = path
