"""How times, days, visitors, paths and page loads become the integers that tables are keyed by."""

SECONDS_PER_DAY = 86_400
SECONDS_PER_HOUR = 3_600
SECONDS_PER_MINUTE = 60

PATH_BITS = 20
VISITOR_BITS = 27
LOAD_BITS = 36
MAX_PATH_ID = (1 << PATH_BITS) - 1
MAX_VISITOR_ID = (1 << VISITOR_BITS) - 1

NOBODY = 0
"""The visitor that loads of 404 pages go by: whether their session has a number may change."""

_SPREAD = 0x9E37_79B9_7F4A_7C15


def day_of(at: int) -> int:
    """Return the UTC day of a time, in days since the epoch."""
    return at // SECONDS_PER_DAY


def visit_key(day: int, visitor_id: int, path_id: int) -> int:
    """Pack a day (16 bits, to the year 2149), a visitor (27) and a path (20) into one integer."""
    return (day << VISITOR_BITS | visitor_id) << PATH_BITS | path_id


def day_visitors_key(path_id: int, day: int) -> int:
    """Pack a path, or a heading, and a day into one integer."""
    return path_id << 16 | day


def load_key(visitor_id: int, load: int) -> int:
    """Pack a visitor and 36 bits of a page-load id, in which all of it has a part.

    Two loads of one visitor within the memory for loads would have to agree in all of
    these bits for one of them to be lost. What belongs to no visitor goes by `NOBODY`.
    """
    # Multiplied first: the lowest bits of an id that was made from a fraction are not random.
    spread = load * _SPREAD & (1 << 64) - 1
    return visitor_id << LOAD_BITS | spread >> 64 - LOAD_BITS


def uncounted_key(session: int) -> int:
    """Return under what number a session that was never counted is active: a negative one."""
    return ~(session & (1 << 63) - 1)
