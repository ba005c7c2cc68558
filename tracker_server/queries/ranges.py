"""Rows of some paths and some days, where path and day are packed into one key."""

from collections.abc import Collection, Iterator

from sqlalchemy import BindParameter, ColumnElement, bindparam, or_

from tracker_server.packing import day_visitors_key

MAX_PATHS = 100
"""How many paths one statement asks for."""


def ranges_of(
    first_day: int, last_day: int, path_ids: Collection[int]
) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield numbers of ranges of keys, and the parameters of `is_in` for so many.

    Args:
        first_day: since the epoch.
        last_day: likewise, included.
        path_ids: all ranges together are of these and of the days.
    """
    ordered = sorted(path_ids)
    for start in range(0, len(ordered), MAX_PATHS):
        some = ordered[start : start + MAX_PATHS]
        yield (
            len(some),
            {
                f"{end}_{number}": day_visitors_key(path_id, day)
                for number, path_id in enumerate(some)
                for end, day in (("first", first_day), ("last", last_day))
            },
        )


def is_any(path_id: ColumnElement[int], path_ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that a path is one of some: mostly of one, a page that never moved."""
    if len(path_ids) == 1:
        return path_id == next(iter(path_ids))
    # Written into the statement: there may be more of them than parameters allowed.
    ids: BindParameter[int] = bindparam(
        None, sorted(path_ids), expanding=True, literal_execute=True
    )
    return path_id.in_(ids)


def is_in(key: ColumnElement[int], ranges: int) -> ColumnElement[bool]:
    """Return the condition that a key of `day_visitors_key` is in one of so many ranges.

    Whoever asks keeps the statement: to put together one of fifty ranges takes as long as to
    run it.
    """
    return or_(
        *(key.between(bindparam(f"first_{n}"), bindparam(f"last_{n}")) for n in range(ranges))
    )
