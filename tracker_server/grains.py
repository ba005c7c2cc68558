"""Periods and the parts of their series. Days and hours are UTC, since the epoch."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

PERIODS = {"today": 1, "7d": 7, "30d": 30, "90d": 90, "12m": 365}
"""Periods up to today, and how many days they have."""
ALL = "all"
DEFAULT_PERIOD = "30d"
HOURS_PER_DAY = 24
MAX_HOUR_DAYS = 7
"""How many days a series of hours has at most: its visitors are read from raw views."""
MAX_DAY_DAYS = 92
MAX_WEEK_DAYS = 731
"""Up to how many days the grain is a day or a week where nobody says which."""
GRAINS = ("hour", "day", "week", "month")

_EPOCH = date(1970, 1, 1)
_WEEK = 7
_FIRST_MONDAY = 4


def usual_grain(days: int) -> str:
    """Return the grain of a period of so many days."""
    if days == 1:
        return "hour"
    if days <= MAX_DAY_DAYS:
        return "day"
    return "week" if days <= MAX_WEEK_DAYS else "month"


def starts_of(first_day: int, last_day: int, grain: str) -> tuple[int, ...]:
    """Return where the parts begin: days, or hours where that is the grain.

    The first begins with the period, also where a week or a month is under way.
    """
    if grain == "hour":
        return tuple(range(first_day * HOURS_PER_DAY, (last_day + 1) * HOURS_PER_DAY))
    days = range(first_day, last_day + 1)
    if grain == "day":
        return tuple(days)
    begins = _begins_week if grain == "week" else _begins_month
    return tuple(day for day in days if day == first_day or begins(day))


def part_of(starts: Sequence[int], moment: int) -> int:
    """Return the number of the part that a day or an hour is in."""
    return bisect_right(starts, moment) - 1


def gather(starts: Sequence[int], amounts: Mapping[int, int]) -> tuple[int, ...]:
    """Add up amounts of days, or of hours, by the part they are in."""
    sums = [0] * len(starts)
    for moment, amount in amounts.items():
        sums[part_of(starts, moment)] += amount
    return tuple(sums)


def spans_of(first_day: int, last_day: int, most: int) -> tuple[int, ...]:
    """Return where equal spans of days begin, at most so many, counted back from the last day."""
    days = last_day - first_day + 1
    length = -(-days // most)
    ends = range(last_day + 1, first_day, -length)
    return tuple(max(first_day, end - length) for end in reversed(ends))


def _begins_week(day: int) -> bool:
    return day % _WEEK == _FIRST_MONDAY


def _begins_month(day: int) -> bool:
    return (_EPOCH + timedelta(days=day)).day == 1
