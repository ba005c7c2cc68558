"""Reports that are one table: what they are asked, what they may be told, and what they answer.

Each is a module of `content_reports`; JSON, CSV, the page and the terminal show all of them alike.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Connection

Kind = Literal[
    "page",
    "text",
    "term",
    "language",
    "code",
    "number",
    "decimal",
    "share",
    "change",
    "points",
    "seconds",
    "day",
    "days",
    "flag",
    "list",
    "reasons",
]
"""How a column is read.

``page``: a `PageRef`; ``text``; ``term``: one of few words, which people see in their language;
``language``: its primary subtag; ``code``: a text to be copied; ``number``: a whole one;
``decimal``; ``share``: of one; ``change``: by which share a number changed; ``points``: by how
much a share did; ``seconds``; ``day``: ``YYYY-MM-DD``; ``days``: how many; ``flag``: true or
false; ``list``: some texts; ``reasons``: some `Reason`.
"""


@dataclass(frozen=True, slots=True)
class PageRef:
    """A page, or a path that is none."""

    path: str
    title: str | None
    """``None`` where the manifest does not have it."""

    @property
    def is_front_page(self) -> bool:
        """Whether it is where the site begins, so that the search there is a way in."""
        return self.path == "/"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is worth a look: what another report says of it."""

    code: str
    """What it is called, in words joined by a dash."""
    report: str
    """The report that has it."""
    count: int
    """Of what, the code says."""
    points: float
    """How much it weighs."""


Value = PageRef | str | int | float | bool | tuple[str, ...] | tuple[Reason, ...] | None
"""What a cell may be; ``None`` is what nobody knows."""


@dataclass(frozen=True, slots=True)
class Column:
    """What the cells below it are."""

    name: str
    """In JSON and CSV, where a `page` has a second one for its title; spelled as JSON is."""
    kind: Kind


@dataclass(frozen=True, slots=True)
class Option:
    """A whole number, or a text, that a report may be told besides its days."""

    name: str
    default: int | str
    """That of a text is empty, which says nothing."""
    least: int
    most: int
    """Of a text, how many characters."""

    @property
    def is_text(self) -> bool:
        """Whether it is a text."""
        return isinstance(self.default, str)

    @property
    def is_switch(self) -> bool:
        """Whether it is off unless it is on."""
        return (self.default, self.least, self.most) == (0, 0, 1)


SHARE_DIGITS = 4
"""Of a share or a change, behind the point: a hundredth of a percent."""


def share_of(part: int, whole: int) -> float | None:
    """Return a share as all reports write it; ``None`` where it would be one of nothing."""
    return round(part / whole, SHARE_DIGITS) if whole else None


FEWEST_READERS = Option("k", 3, 3, 100)
"""Of how many readers a row has to be that says what readers did one by one; never fewer."""


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """What a report is about. Days are UTC days since the epoch, the last one included."""

    report: str
    period: str
    """How the days were named, ``custom`` when they were."""
    first_day: int
    last_day: int
    today: int
    """From which ages are counted."""
    max_rows: int
    options: tuple[tuple[str, int | str], ...] = ()
    """Each of those that the report has."""
    page: str | None = None
    """The path that it is about, where it is about one."""
    is_late: Callable[[], bool] = field(default=lambda: False, compare=False, repr=False)
    """Whether reading raw views has taken long enough."""

    @property
    def days(self) -> tuple[int, int]:
        """The first and the last."""
        return self.first_day, self.last_day

    def option(self, name: str) -> int:
        """Return what was said of an option that is a number, or its default."""
        return int(dict(self.options)[name])

    def said(self, name: str) -> str:
        """Return what was said of one that is a text; empty for nothing."""
        return str(dict(self.options)[name])


@dataclass(frozen=True, slots=True)
class Table:
    """What a report says."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    """In the order in which they are to be looked at; all there are, whatever is shown."""
    facts: Mapping[str, int | float | str | None] = field(default_factory=dict)
    """What is said above the table, such as of how many pages the rows are some."""
    snippet: str = ""
    """A text to be copied as a whole, such as a piece of a configuration; empty for none."""
    fact_kinds: Mapping[str, Kind] = field(default_factory=dict)
    """How those facts are read that are no `number`, whatever there is to say."""


Read = Callable[[Connection, TableQuestion], Table]


@dataclass(frozen=True, slots=True)
class ContentReport:
    """One report: what it is called, what it may be told, and how it is read."""

    name: str
    """In addresses and on the command line, words joined by a dash."""
    read: Read
    """Reads all rows; its statements all see one moment."""
    options: tuple[Option, ...] = ()
    of_page: bool = False
    """Whether it can be about one page."""
