"""Writes what is true of the population as lines of a terminal, without the code that does so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.server.population.town import FIRST_DAY, LAST_DAY
from tests.server.population.truth import Truth

DATA = Path(__file__).parents[3] / "tracker_server" / "data"
TEXTS: dict[str, str] = json.loads((DATA / "texts.json").read_text(encoding="utf-8"))["en"]
LANGUAGES = {"de": "German", "en": "English", "pt": "Portuguese"}
LEFT = {"page", "text", "term", "language", "code", "list", "flag", "reasons"}
"""Kinds whose cells begin at one place; the others end at one."""


def write_lines(report: dict[str, Any], truth: Truth) -> list[str]:
    """Write a truth as its report is shown where there is room for all.

    Args:
        report: its JSON, of which only names and kinds are read.
        truth: what it has to say.
    """
    name, kinds = report["report"], report["factKinds"]
    facts = [
        f"{TEXTS[f'fact.{fact}']}: {_write(kinds[fact], value)}"
        for fact, value in truth.facts.items()
    ]
    lines = [f"{TEXTS[f'content.{name}']}, {FIRST_DAY} to {LAST_DAY}", "   ".join(facts), ""]
    columns = []
    for column in report["columns"]:
        cells = [_write(column["kind"], row[column["name"]]) for row in truth.rows]
        cells.insert(0, TEXTS[f"table.{column['name']}"])
        side = str.ljust if column["kind"] in LEFT else str.rjust
        columns.append([side(cell, max(map(len, cells))) for cell in cells])
    lines += ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]
    if truth.snippet:
        lines += ["", TEXTS[f"content.{name}.snippet"], *truth.snippet.splitlines()]
    return lines


def _write(kind: str, value: Any) -> str:
    return "-" if value is None else WRITERS[kind](value)


def _change(value: float) -> str:
    percent = value * 100
    return f"{percent:+,.{0 if abs(percent) >= 10 else 1}f}%" if value else "±0%"


WRITERS: dict[str, Callable[[Any], str]] = {
    **dict.fromkeys(("page", "text", "code", "day"), str),
    "term": lambda value: TEXTS[f"term.{value}"],
    "language": lambda value: LANGUAGES[value],
    "number": lambda value: f"{value:,d}",
    "decimal": lambda value: f"{value:,.1f}",
    "share": lambda value: f"{value * 100:.1f}%",
    "change": _change,
    "points": lambda value: f"{value * 100:+.0f} points" if value else "±0 points",
    "seconds": lambda value: "{:d}:{:02d}".format(*divmod(round(value), 60)),
    "days": lambda value: "1 day" if value == 1 else f"{value:,d} days",
    "flag": lambda value: "yes" if value else "-",
    "list": lambda value: ", ".join(value) or "-",
    "reasons": lambda value: ", ".join(f"{one['code']} {one['count']:,d}" for one in value),
}
