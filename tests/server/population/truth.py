"""Reads what each report has to say, written by hand: `truth/REPORT.md`.

That of a report with an option is `truth/REPORT+OPTION.md`. Text says why. A line ``- name =
value`` is a fact; the heads of the table are the names of JSON. Values are written as in JSON, but
for texts, which have no quotes, and nothing, which is nothing; there are quotients such as
``44/189``, shares that are rounded as reports do, and reasons: ``report: code 2 (10.0); …``. A
block of code is the snippet.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("truth")
_FACT = re.compile(r"^- (\w+) = (.*)$", re.MULTILINE)
_ROW = re.compile(r"^\|(.*)\|$", re.MULTILINE)
_SNIPPET = re.compile(r"^```yaml\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
_QUOTIENT = re.compile(r"(\d+)/(\d+)")
_REASON = re.compile(r"([a-z-]+): ([a-z-]+) (\d+) \((\d+\.\d)\)")


@dataclass(frozen=True)
class Truth:
    """What a report has to say."""

    facts: dict[str, Any]
    rows: list[dict[str, Any]]
    snippet: str | None


def read_truth(name: str) -> Truth:
    """Read that of one report, or of one with an option."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    names, _, *rows = ([cell.strip() for cell in row.split("|")] for row in _ROW.findall(text))
    snippet = _SNIPPET.search(text)
    return Truth(
        {name: _value(value) for name, value in _FACT.findall(text)},
        [dict(zip(names, map(_value, row), strict=True)) for row in rows],
        snippet[1] if snippet else None,
    )


def _value(text: str) -> Any:
    if not text:
        return None
    if quotient := _QUOTIENT.fullmatch(text):
        return round(int(quotient[1]) / int(quotient[2]), 4)
    if reasons := _REASON.findall(text):
        names = "report", "code", "count", "points"
        return [
            dict(zip(names, (*words, int(count), float(points)), strict=True))
            for *words, count, points in reasons
        ]
    try:
        return json.loads(text)
    except ValueError:
        return text
