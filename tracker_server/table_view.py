"""A content report as the page shows it: its JSON in, rows of cells out, written for people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tracker_server.address import Address
from tracker_server.cards import page_link
from tracker_server.exports import title_of
from tracker_server.schema import OTHER
from tracker_server.texts import Texts

NOTHING = "\N{EN DASH}"
_NUMBERS = frozenset(
    {"number", "decimal", "share", "change", "points", "seconds", "day", "days", "flag"}
)

_WRITERS: Mapping[str, Callable[[Texts, Any], str]] = {
    "number": Texts.number,
    "decimal": Texts.number,
    "share": lambda texts, share: texts.percent(share, 1),
    "change": Texts.change,
    "points": Texts.points,
    "seconds": Texts.duration,
    "day": lambda texts, day: texts.full_day(date.fromisoformat(day)),
    "days": lambda texts, days: texts("days", n=days),
    "flag": lambda texts, is_so: texts("yes") if is_so else NOTHING,
    "list": lambda _, some: ", ".join(map(str, some)) or NOTHING,
    "term": Texts.word,
    "language": Texts.tongue,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a row."""

    kind: str
    text: str
    """As it is shown; of a page its title, or its path where it has none."""
    path: str = ""
    """Of a page, where it has a title."""
    link: str | None = None
    """Of a page, the address of its statistics."""
    out: str | None = None
    """Of a page, its address on the site."""
    reasons: tuple[tuple[str, str, str], ...] = ()
    """Of reasons, what each says, the address of its report, and its points."""
    is_nothing: bool = False
    """Whether there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What the cells below are, and how they are aligned."""

    text: str
    kind: str
    is_number: bool


@dataclass(frozen=True, slots=True)
class View:
    """A report as it is shown."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    facts: tuple[tuple[str, str], ...]
    """What is said above the table: a name and what it is."""


def make_view(
    report: Mapping[str, Any], address: Address, texts: Texts, site_url: str | None
) -> View:
    """Write the cells of a report.

    Args:
        report: its JSON.
        address: that of the report; pages link to their statistics of the same days.
        texts: the language.
        site_url: address of the site, if it is known.
    """

    def cell(kind: str, name: str, row: Mapping[str, Any]) -> Cell:
        value = row[name]
        if kind == "reasons":
            return Cell(kind, "", reasons=tuple(map(reason, value)))
        if kind != "page" or value is None:
            return Cell(kind, _write(kind, value, texts), is_nothing=_is_nothing(value))
        title = row[title_of(name)]
        link = address.overview(page=value) if value != OTHER else None
        out = page_link(site_url, value) if title else None
        return Cell(kind, title or texts.entry(value), value if title else "", link, out)

    def reason(one: Mapping[str, Any]) -> tuple[str, str, str]:
        code, count = one["code"], one["count"]
        said = texts(f"reason.{code}", n=count)
        return said, address.contents(one["report"]), texts.number(float(one["points"]))

    columns = [(column["kind"], column["name"]) for column in report["columns"]]
    return View(
        tuple(Heading(texts(f"table.{name}"), kind, kind in _NUMBERS) for kind, name in columns),
        tuple(tuple(cell(kind, name, row) for kind, name in columns) for row in report["rows"]),
        tuple(
            (texts(f"fact.{name}"), _write(report["factKinds"][name], value, texts))
            for name, value in report["facts"].items()
        ),
    )


def _write(kind: str, value: Any, texts: Texts) -> str:  # noqa: ANN401  # as JSON has it
    if _is_nothing(value):
        return NOTHING
    writer = _WRITERS.get(kind)
    return writer(texts, value) if writer else str(value)


def _is_nothing(value: object) -> bool:
    return value is None or value == ""
