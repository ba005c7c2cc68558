"""Reads `readers.txt`: who reads what, when and how, and what they do on it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

from tests.server.population.docs import headings_on

TEXT = Path(__file__).with_name("readers.txt")
YEAR = 2026
BOT, GPC = "bot", "gpc"
_VISIT = re.compile(r"(\d\d-\d\d)(?:\.\.(\d\d-\d\d))? (\d\d:\d\d) (.+)")
_READ = re.compile(r"(/[^\s#]*)(?:#(\S+))? (\d+)s(?:/(\d+)s)? (\d+)%(?: to (\S+))?")
_SEARCH = re.compile(r"(.+), finds (\d+)(?:, clicks (\S+))?")
_NUMBERED = {"copies": "copy", "picks": "tab"}
_VERBS = {"follows": "outbound", "downloads": "download"}


@dataclass(frozen=True)
class Act:
    """Something that a reader does; times are seconds since the epoch."""

    at: float
    reader: str
    language: str
    path: str
    """The page that it is done on."""
    referrer: str
    visit: int
    """Of all visits of all readers."""
    load: int
    """Of all page loads of the visit, the one that it is done on."""
    version: str
    """What the address calls it, if anything."""

    @property
    def day(self) -> str:
        """The day, in UTC."""
        return datetime.fromtimestamp(self.at, UTC).date().isoformat()

    @property
    def is_counted(self) -> bool:
        """Whether a person does it who lets it be counted."""
        return self.reader not in {BOT, GPC}


@dataclass(frozen=True)
class Read(Act):
    """A page load."""

    seconds: int = 0
    active: int = 0
    depth: int = 0
    sections: tuple[str, ...] = ()
    """Ids of the headings that were in view, all equally long."""


@dataclass(frozen=True)
class Event(Act):
    """Anything else, as the wire names it."""

    name: str = ""
    text: str = ""
    number: int = 0
    clicked: str = ""
    heading: str = ""
    """Id of that which the control stands below."""


@dataclass
class _Visit:
    """A visit as it goes on."""

    at: float
    reader: str
    language: str
    number: int
    referrer: str = ""
    version: str = ""
    path: str = ""
    load: int = 0
    seconds: int = 0
    """How long that page was read."""
    acts: list[Act] = field(default_factory=list)

    def follow(self, line: str) -> None:
        """Add what a line says."""
        verb, _, rest = line.partition(" ")
        if verb == "from":
            self.referrer = rest
        elif verb == "at":
            self.version = rest
        elif verb.startswith("/"):
            self._read(line)
        elif verb == "misses":
            self.path = rest
            self.load += 1
            self._add("not_found")
        elif verb == "halfway":
            self.at -= self.seconds / 2
            self.follow(rest)
            self.at += self.seconds / 2
        else:
            self._do(verb, rest)

    def _do(self, verb: str, rest: str) -> None:
        """Do something on the page."""
        if verb == "searches":
            if (found := _SEARCH.fullmatch(rest)) is None:
                raise ValueError(rest)
            self._add("search", found[1], int(found[2]), clicked=found[3] or "")
        elif verb == "rates":
            heading, _, more = rest.partition(" ") if rest.startswith("#") else ("", "", rest)
            sign, _, text = more.partition(" ")
            self._add("feedback", text, int(sign == "+"), heading=heading[1:])
        elif verb in _NUMBERED:
            _, number, text = rest.split(maxsplit=2)
            self._add(_NUMBERED[verb], text, int(number) - 1)
        else:
            self._add(_VERBS[verb], rest)

    def _read(self, line: str) -> None:
        self.load += 1
        if self.reader == BOT:
            self.path = line
            self.acts.append(Read(*self._who()))
            return
        if (found := _READ.fullmatch(line)) is None:
            raise ValueError(line)
        path, anchor, seconds, active, depth, last = found.groups()
        self.path, self.seconds = path, int(seconds)
        who = self._who()
        sections = headings_on(path, Read(*who).day)
        seen = sections[: sections.index(last) + 1] if last else sections
        numbers = int(seconds), int(active or seconds), int(depth)
        self.acts.append(Read(*who, *numbers, seen))
        if anchor:
            self._add("anchor", anchor)
        self.at += self.seconds
        self.referrer = ""

    def _add(
        self, name: str, text: str = "", number: int = 0, clicked: str = "", heading: str = ""
    ) -> None:
        self.acts.append(Event(*self._who(), name, text, number, clicked, heading))

    def _who(self) -> tuple[float, str, str, str, str, int, int, str]:
        who = self.at, self.reader, self.language, self.path
        return *who, self.referrer, self.number, self.load, self.version


def read_script() -> list[Act]:
    """Return everything that is done, in the order in which it is done."""
    lines = TEXT.read_text(encoding="utf-8").splitlines()
    lines = lines[next(n for n, line in enumerate(lines) if line.startswith("speak")) :]
    lines = [line for line in lines if line and not line.startswith("#")]
    languages: dict[str, str] = {}
    visits: list[_Visit] = []
    for is_head, some in groupby(lines, lambda line: not line.startswith(" ")):
        if is_head:
            *speakers, head = some
            for line in speakers:
                _, language, names = re.split(" |: ", line, maxsplit=2)
                languages.update(dict.fromkeys(names.split(), language))
            begun = [*_begin(head, languages, len(visits))]
            visits += begun
        else:
            for line in some:
                for visit in begun:
                    visit.follow(line.strip())
    return sorted((act for visit in visits for act in visit.acts), key=lambda act: act.at)


def _begin(head: str, languages: dict[str, str], number: int) -> Iterator[_Visit]:
    """Yield a visit of each reader on each of the days."""
    if (found := _VISIT.fullmatch(head)) is None:
        raise ValueError(head)
    first, last, time, names = found.groups()
    day, end = (date.fromisoformat(f"{YEAR}-{text}") for text in (first, last or first))
    while day <= end:
        for name in names.split():
            at = datetime.fromisoformat(f"{day}T{time}Z").timestamp()
            yield _Visit(at, name, languages.get(name, "en"), number)
            number += 1
        day += timedelta(days=1)
