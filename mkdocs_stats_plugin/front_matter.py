"""What the front matter of a page says of it: days, authors, tags.

YAML makes anything of what was written there; pages whose front matter is not YAML have one text
for every value.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import islice

MAX_TEXT_CHARS = 100

_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")


def read_day(value: object) -> str | None:
    """Return a day as ``YYYY-MM-DD``, in the author's own time zone; nothing where it is none."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    try:
        return datetime.fromisoformat(str(value)).date().isoformat()
    except ValueError:
        return None


def read_texts(meta: Mapping[str, object], keys: Iterable[str], limit: int) -> list[str]:
    """Return the texts under the first of `keys` that has any.

    Args:
        meta: The front matter.
        keys: For example ``authors`` and ``author``.
        limit: How many are taken.

    Returns:
        Each text once, in the order of the page, cut to `MAX_TEXT_CHARS`.
    """
    for key in keys:
        texts = islice(dict.fromkeys(filter(None, _texts(meta.get(key)))), limit)
        if found := [*texts]:
            return found
    return []


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):  # An author with a name and whatever else.
        value = value.get("name")
    if isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif value is not None:
        yield " ".join(_UNWRITABLE.sub("", str(value)).split())[:MAX_TEXT_CHARS]
