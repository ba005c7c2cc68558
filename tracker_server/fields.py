"""Values of a JSON document that somebody else wrote: each is right, or the place is named.

Keys of `place` are joined by dots (``pages[3].title``); of the document itself it is empty.
Unless a function says otherwise, what is absent is wrong, and `InvalidManifestError` is raised.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from tracker_server.errors import InvalidManifestError

MAX_TEXT_CHARS = 1_000
MAX_NUMBER = 10_000_000

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")


def member(row: object, place: str) -> Mapping[str, object]:
    """Return an object."""
    if not isinstance(row, dict):
        raise InvalidManifestError(f"{place}: is not an object")
    return row


def entries(rows: object, place: str, most: int) -> list[object]:
    """Return a list of no more than so many entries; none where it is absent."""
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise InvalidManifestError(f"{place}: is not a list")
    if len(rows) > most:
        raise InvalidManifestError(f"{place}: has {len(rows):,} entries, at most {most:,}")
    return rows


def check_text(value: object, where: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """Return a text that every database can store."""
    if not isinstance(value, str):
        raise InvalidManifestError(f"{where}: must be a text")
    if len(value) > max_chars:
        raise InvalidManifestError(f"{where}: is longer than {max_chars:,} characters")
    if _UNWRITABLE.search(value):
        raise InvalidManifestError(f"{where}: has characters that no database stores")
    return value


def text(row: Mapping[str, object], key: str, place: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    """Return the text of a key."""
    return check_text(row.get(key), where(place, key), max_chars)


def optional_text(
    row: Mapping[str, object], key: str, place: str, max_chars: int = MAX_TEXT_CHARS
) -> str | None:
    """Return the text of a key; ``None`` where it is absent."""
    return None if row.get(key) is None else text(row, key, place, max_chars)


def texts(
    row: Mapping[str, object], key: str, place: str, most: int, max_chars: int = MAX_TEXT_CHARS
) -> tuple[str, ...]:
    """Return the texts of a list; none where it is absent."""
    rows = entries(row.get(key), where(place, key), most)
    return tuple(
        check_text(value, f"{where(place, key)}[{position}]", max_chars)
        for position, value in enumerate(rows)
    )


def number(
    row: Mapping[str, object], key: str, place: str, least: int = 0, most: int = MAX_NUMBER
) -> int:
    """Return the whole number of a key."""
    value = row.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise InvalidManifestError(
        f"{where(place, key)}: must be a whole number from {least} to {most:,}"
    )


def optional_number(
    row: Mapping[str, object], key: str, place: str, least: int = 0, most: int = MAX_NUMBER
) -> int | None:
    """Return the whole number of a key; ``None`` where it is absent."""
    return None if row.get(key) is None else number(row, key, place, least, most)


def flag(row: Mapping[str, object], key: str, place: str, *, default: bool | None = None) -> bool:
    """Return the truth value of a key; `default` where the key is missing."""
    value = row.get(key, default)
    if not isinstance(value, bool):
        raise InvalidManifestError(f"{where(place, key)}: must be true or false")
    return value


def day(row: Mapping[str, object], key: str, place: str) -> str | None:
    """Return the day of a key, ``YYYY-MM-DD``; ``None`` where it is absent."""
    value: Any = row.get(key)
    if value is None:
        return None
    try:
        # The standard parser takes week dates and dates without dashes as well.
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:  # The 30th of February.
        pass
    raise InvalidManifestError(f"{where(place, key)}: must be YYYY-MM-DD")


def where(place: str, key: str) -> str:
    """Return the place of a key."""
    return f"{place}.{key}" if place else key
