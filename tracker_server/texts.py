"""What the stats page says, in the reader's language: texts, numbers, days and names.

Numbers and days look as `Intl` writes them in browsers, which take over from the server.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("en", "de")
"""The first is that of readers who understand none of them."""
NO_BREAK = "\u00a0"
MILLION = 1_000_000

_MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "de": [
        "Jan.",
        "Feb.",
        "März",
        "Apr.",
        "Mai",
        "Juni",
        "Juli",
        "Aug.",
        "Sept.",
        "Okt.",
        "Nov.",
        "Dez.",
    ],
}
_WEEKDAYS = {
    "en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    "de": ["Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."],
}
_DAYS = {"en": "{month} {day}", "de": "{day}. {month}"}
_YEARS = {"en": "{day}, {year}", "de": "{day} {year}"}


@cache
def _read(name: str) -> dict[str, Any]:
    text = (files("tracker_server") / "data" / name).read_text(encoding="utf-8")
    return dict(json.loads(text))


class Texts:
    """The catalogue in one language."""

    def __init__(self, language: str) -> None:
        """`language` is one of `LANGUAGES`."""
        self.language = language
        self._texts: Mapping[str, str] = _read("texts.json")[language]
        self._names = _read("names.json")[language]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text; one that counts has its number in ``n`` and two forms."""
        if isinstance(count := values.get("n"), int):
            key += ".one" if count == 1 else ".other"
            values["n"] = self.number(count)
        text = self._texts[key]
        return text.format(**values) if values else text

    def country(self, code: str) -> str:
        """Return what a country is called."""
        return self._name("countries", code)

    def tongue(self, code: str) -> str:
        """Return what a language is called."""
        return self._name("languages", code)

    def word(self, term: str) -> str:
        """Return what a ``term`` of a table is called."""
        return self(f"term.{term}")

    def _name(self, kind: str, code: str) -> str:
        name = self._names[kind].get(code)
        return str(name) if name else self.entry(code)

    def entry(self, text: str) -> str:
        """Return what an entry of a list is called that has no name of its own."""
        if text == "(other)":
            return self("other")
        return text or self("unknown")

    def number(self, value: float) -> str:
        """Write a whole number, or one with a digit behind the point."""
        text = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
        return self._separate(text)

    def compact(self, value: int) -> str:
        """Write a number of at most seven digits, from millions on rounded to three."""
        if value < MILLION:
            return self.number(value)
        millions = value / MILLION
        digits = max(0, 3 - len(str(int(millions))))
        return self("millions", number=self._separate(f"{millions:,.{digits}f}"))

    def percent(self, share: float, digits: int = 0) -> str:
        """Write a share of one."""
        text = self._separate(f"{share * 100:,.{digits}f}")
        return f"{text}%" if self.language == "en" else f"{text}{NO_BREAK}%"

    def change(self, share: float) -> str:
        """Write by which share of itself a number has changed."""
        shown = 0 if round(share, 3) == 0 else share
        return _sign(shown) + self.percent(abs(shown), 1 if 0 < abs(shown) < 0.1 else 0)

    def points(self, difference: float) -> str:
        """Write by how much a share of one has changed, in percentage points."""
        points = round(difference * 100)
        return self("points", points=f"{_sign(points)}{abs(points)}")

    def duration(self, seconds: float) -> str:
        """Write a length of time by its two greatest units, whose symbols are everybody's."""
        whole = round(seconds)
        minutes, rest = divmod(whole, 60)
        hours, minutes_left = divmod(minutes, 60)
        if hours >= 100:  # from here on minutes are noise
            return f"{self.number(hours)}{NO_BREAK}h"
        if hours:
            return f"{hours}{NO_BREAK}h {minutes_left}{NO_BREAK}min"
        if minutes:
            return f"{minutes}{NO_BREAK}min {rest}{NO_BREAK}s"
        return f"{rest}{NO_BREAK}s"

    def day(self, day: date) -> str:
        """Write a day without its year."""
        month = _MONTHS[self.language][day.month - 1]
        return _DAYS[self.language].format(day=day.day, month=month)

    def full_day(self, day: date) -> str:
        """Write a day with its year."""
        return _YEARS[self.language].format(day=self.day(day), year=day.year)

    def weekday(self, day: date) -> str:
        """Write a day with its weekday and without its year."""
        return f"{_WEEKDAYS[self.language][day.weekday()]}, {self.day(day)}"

    def month(self, day: date) -> str:
        """Write a month with its year."""
        return f"{_MONTHS[self.language][day.month - 1]} {day.year}"

    def hour(self, moment: datetime) -> str:
        """Write an hour of a day."""
        return f"{moment:%H:%M}"

    def days(self, first: date, last: date) -> str:
        """Write some days that follow each other."""
        if first == last:
            return self.full_day(last)
        same_year = first.year == last.year
        begin = self.day(first) if same_year else self.full_day(first)
        return f"{begin} \N{EN DASH} {self.full_day(last)}"

    def _separate(self, text: str) -> str:
        if self.language == "en":
            return text
        return text.replace(",", "\0").replace(".", ",").replace("\0", ".")


def _sign(difference: float) -> str:
    return "+" if difference > 0 else "\N{MINUS SIGN}" if difference else "±"
