"""What the statistics page inside the site says, in the site's language.

Numbers and days look as the script writes them, which takes over from the build.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "de")
"""The first is that of sites in a language that is none of them."""

_MONTHS = {
    "en": (
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    ),
    "de": (
        *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli"),
        *("August", "September", "Oktober", "November", "Dezember"),
    ),
}
_DAYS = {"en": "{month} {day}, {year}", "de": "{day}. {month} {year}"}
_POINTS = {"en": ",", "de": "."}


def choose_language(wanted: str) -> str:
    """Return the language of the catalogue for a tag such as ``de-AT``, or `LANGUAGES[0]`."""
    primary = wanted.replace("_", "-").partition("-")[0].lower()
    return primary if primary in LANGUAGES else LANGUAGES[0]


@cache
def _read() -> dict[str, dict[str, str]]:
    catalogue = files("mkdocs_stats_plugin") / "stats_page.json"
    return dict(json.loads(catalogue.read_text(encoding="utf-8")))


class Texts:
    """The catalogue in one language."""

    def __init__(self, language: str = LANGUAGES[0]) -> None:
        """`language` is one of `LANGUAGES`."""
        self.language = language
        self.all: Mapping[str, str] = _read()[language]

    def __call__(self, key: str, /, **values: object) -> str:
        """Return a text."""
        return self.all[key].format(**values) if values else self.all[key]

    def type(self, name: str) -> str:
        """Return what pages of a type are called; a newer tracker may know more types."""
        return self.all.get(f"type.{name}", self("type.other"))

    def number(self, number: int) -> str:
        """Write a whole number."""
        return f"{number:,}".replace(",", _POINTS[self.language])

    def day(self, day: date) -> str:
        """Write a day."""
        month = _MONTHS[self.language][day.month - 1]
        return _DAYS[self.language].format(day=day.day, month=month, year=day.year)

    def moment(self, time: datetime) -> str:
        """Write a moment in UTC."""
        return self("moment", day=self.day(time), time=f"{time:%H:%M}")
