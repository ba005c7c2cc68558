"""What the front matter of a page says of it: days, authors, tags.

YAML makes anything of what was written there; pages whose front matter is not YAML have one text
for every value.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import islice

from mkdocs_stats_plugin.reading import writable

MAX_TEXT_CHARS = 100


def read_day(value: object) -> str | None:
    """Return a day as ``YYYY-MM-DD``, in the author's own time zone; nothing where it is none."""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str | int):
        return None
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
    rest = [value]
    seen = set()  # In YAML a list may stand in many places, in itself too.
    while rest:
        value = rest.pop()
        if isinstance(value, Mapping | list | tuple):
            if id(value) in seen:
                continue
            seen.add(id(value))
        if isinstance(value, Mapping):  # An author with a name and whatever else.
            rest.append(value.get("name"))
        elif isinstance(value, list | tuple):
            rest += reversed(value)
        elif value is not None:
            yield " ".join(writable(str(value)).split())[:MAX_TEXT_CHARS]
