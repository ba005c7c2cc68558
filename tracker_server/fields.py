"""Values of a JSON document that somebody else wrote: each is right, or its place is named.

Every function takes a value, the place it stands in (empty for the document itself) and its key.
It returns what it checked, or raises `InvalidManifestError`, which names both (``pages[3].title``).
A manifest has a million values, so names are put together only for those that are wrong.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, NoReturn

from tracker_server.errors import InvalidManifestError

MAX_TEXT_CHARS = 1_000
MAX_NUMBER = 10_000_000

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")


def refuse(place: str, key: str, reason: str) -> NoReturn:
    """Say what is wrong and where."""
    where = f"{place}.{key}" if place and key else place or key
    raise InvalidManifestError(f"{where}: {reason}")


def check_object(value: object, place: str, key: str) -> dict[str, Any]:
    """Return an object."""
    if not isinstance(value, dict):
        refuse(place, key, "is not an object")
    return value


def check_list(value: object, place: str, key: str, most: int) -> list[Any]:
    """Return a list of no more than so many entries."""
    if not isinstance(value, list):
        refuse(place, key, "is not a list")
    if len(value) > most:
        refuse(place, key, f"has {len(value):,} entries, at most {most:,}")
    return value


def check_text(value: object, place: str, key: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """Return a text that every database can store."""
    if not isinstance(value, str):
        refuse(place, key, "must be a text")
    if len(value) > max_chars:
        refuse(place, key, f"is longer than {max_chars:,} characters")
    if _UNWRITABLE.search(value):
        refuse(place, key, "has characters that no database stores")
    return value


def check_texts(
    value: object, place: str, key: str, most: int, max_chars: int = MAX_TEXT_CHARS
) -> Sequence[str]:
    """Return the texts of a list."""
    values = check_list(value, place, key, most)
    for position, some in enumerate(values):
        check_text(some, place, f"{key}[{position}]", max_chars)
    return values


def check_number(
    value: object, place: str, key: str, least: int = 0, most: int = MAX_NUMBER
) -> int:
    """Return a whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    refuse(place, key, f"must be a whole number from {least} to {most:,}")


def check_flag(value: object, place: str, key: str) -> bool:
    """Return a truth value."""
    if not isinstance(value, bool):
        refuse(place, key, "must be true or false")
    return value


def check_day(value: object, place: str, key: str) -> str:
    """Return a day, ``YYYY-MM-DD``."""
    try:
        # The standard parser takes week dates and dates without dashes as well.
        if isinstance(value, str) and _DATE.fullmatch(value):
            date.fromisoformat(value)
            return value
    except ValueError:  # The 30th of February.
        pass
    refuse(place, key, "must be YYYY-MM-DD")
