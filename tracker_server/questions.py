"""What a report is asked for: from the parameters of an address to a checked question."""

import re
from collections.abc import Callable, Mapping
from datetime import date

from tracker_server.enrich import MAX_CAMPAIGN_CHARS
from tracker_server.errors import InvalidMessageError, InvalidQuestionError
from tracker_server.figures import FILTERS, Filters, Question
from tracker_server.grains import (
    ALL,
    DEFAULT_PERIOD,
    GRAINS,
    MAX_HOUR_DAYS,
    PERIODS,
    usual_grain,
)
from tracker_server.packing import day_of
from tracker_server.paths import normalise_path
from tracker_server.wire import DEFAULT_ROWS, MAX_ROWS

CUSTOM = "custom"
MAX_DAYS = 3_660
MAX_ENTRY_CHARS = 100

_EPOCH = date(1970, 1, 1)
_LAST_DAY = (1 << 16) - 2
"""Days have 16 bits in the keys of the tables, and a range ends before the day behind it."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ENTRIES = tuple(name for name in FILTERS if name != "page")


def parse_question(
    parameters: Mapping[str, str], today: int, first_day: Callable[[], int]
) -> Question:
    """Read a question from the parameters that ``docs/wire.md`` lists.

    Args:
        parameters: by name; unknown ones are ignored.
        today: day since the epoch.
        first_day: returns the day of the first view that was ever counted.

    Raises:
        InvalidQuestionError: one of them is wrong; the message says which and why.
    """
    period, first, last = parse_days(parameters, today, first_day)
    return Question(
        period,
        first,
        last,
        _parse_grain(parameters.get("grain"), last - first + 1),
        _parse_switch("compare", parameters.get("compare", "0")),
        _parse_filters(parameters),
        parse_limit("limit", parameters.get("limit", str(DEFAULT_ROWS))),
        parse_limit("pages", parameters["pages"]) if "pages" in parameters else None,
    )


def first_day_of(since: int | None, now: float) -> int:
    """Return the day with which all time begins: of the first view, today where there is none."""
    return day_of(int(now) if since is None else since)


def parse_days(
    parameters: Mapping[str, str], today: int, first_day: Callable[[], int]
) -> tuple[str, int, int]:
    """Read the name of a period, its first day and its last.

    Args:
        parameters: ``period``, ``from`` and ``to``.
        today: day since the epoch.
        first_day: returns the day of the first view that was ever counted.

    Raises:
        InvalidQuestionError: one of them is wrong; the message says which and why.
    """
    period, first, last = _named_days(parameters, today, first_day)
    if first > last:
        raise InvalidQuestionError("from", "must not be after to")
    if last - first >= MAX_DAYS:
        raise InvalidQuestionError("from", f"must be less than {MAX_DAYS:,} days before to")
    return period, first, last


def _named_days(
    parameters: Mapping[str, str], today: int, first_day: Callable[[], int]
) -> tuple[str, int, int]:
    period = parameters.get("period")
    if period in {None, CUSTOM} and parameters.keys() & {"from", "to"}:
        last = _parse_day("to", parameters.get("to"), today)
        usual = max(0, last - PERIODS[DEFAULT_PERIOD] + 1)
        return CUSTOM, _parse_day("from", parameters.get("from"), usual), last
    period = period or DEFAULT_PERIOD
    if period == ALL:
        return period, max(min(first_day(), today), today - MAX_DAYS + 1), today
    if period not in PERIODS:
        raise InvalidQuestionError("period", f"must be one of {', '.join([*PERIODS, ALL])}")
    return period, max(0, today - PERIODS[period] + 1), today


def _parse_day(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)  # noqa: TRY301  # the standard parser takes other forms too
        day = (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise InvalidQuestionError(name, "must be a day such as 2026-01-31") from None
    if not 0 <= day <= _LAST_DAY:
        raise InvalidQuestionError(name, "must be a day from 1970 to 2149")
    return day


def _parse_grain(text: str | None, days: int) -> str:
    if text is None:
        return usual_grain(days)
    if text not in GRAINS:
        raise InvalidQuestionError("grain", f"must be one of {', '.join(GRAINS)}")
    if text == "hour" and days > MAX_HOUR_DAYS:
        raise InvalidQuestionError("grain", f"must not be hour for more than {MAX_HOUR_DAYS} days")
    return text


def _parse_switch(name: str, text: str) -> bool:
    if text not in {"0", "1"}:
        raise InvalidQuestionError(name, "must be 0 or 1")
    return text == "1"


def _parse_filters(parameters: Mapping[str, str]) -> Filters:
    entries = {name: parameters.get(name) for name in _ENTRIES}
    for name, text in entries.items():
        most = MAX_CAMPAIGN_CHARS if name == "campaign" else MAX_ENTRY_CHARS
        if text is not None and len(text) > most:
            raise InvalidQuestionError(name, f"must have at most {most} characters")
    return Filters(parse_page(parameters), **entries)


def parse_page(parameters: Mapping[str, str]) -> str | None:
    """Read the path of a page, which may be called ``page`` or ``path``; ``None`` for none."""
    name = "page" if "page" in parameters else "path"
    page = parameters.get(name)
    if page is None:
        return None
    try:
        return normalise_path(page)
    except InvalidMessageError as error:
        raise InvalidQuestionError(name, error.reason) from None


def parse_limit(name: str, text: str) -> int:
    """Read how many rows are wanted at most."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and int(text) <= MAX_ROWS):
        raise InvalidQuestionError(name, f"must be a whole number up to {MAX_ROWS:,}")
    return int(text)
