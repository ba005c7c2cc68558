"""Views and visitors by day, from roll-ups and sets.

Days are UTC days since the epoch, and the last one is included. A connection whose
statements all see one moment (`open_reader`) gives figures that agree with each other.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import chain
from typing import Any

from pyroaring import BitMap
from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    select,
)

from tracker_server.database import plain_rows
from tracker_server.figures import (
    DayFigures,
)
from tracker_server.grains import HOURS_PER_DAY
from tracker_server.packing import (
    MAX_PATH_ID,
    MAX_VISITOR_ID,
    PATH_BITS,
    VISITOR_BITS,
    day_visitors_key,
    visit_key,
)
from tracker_server.queries.moved import NO_MOVES, Moves, find_page, read_moves
from tracker_server.queries.ranges import is_any, is_in, ranges_of
from tracker_server.schema import BY_PATH, WHOLE_SITE
from tracker_server.statements import DAY_VISITORS, DAYS, HOURS, VISITS

_DAY_MASK = (1 << 16) - 1


def views_by_hour(connection: Connection, first_day: int, last_day: int) -> Counter[int]:
    """Return the views of the site by hour since the epoch."""
    hours = HOURS.c.hour
    statement = select(hours, HOURS.c.count).where(
        hours >= first_day * HOURS_PER_DAY, hours < (last_day + 1) * HOURS_PER_DAY
    )
    # Two thousand rows for a season, so not one by one.
    return Counter(dict(plain_rows(connection, statement)))


def views_by_day(
    connection: Connection,
    first_day: int,
    last_day: int,
    paths: Collection[int] = (WHOLE_SITE,),
) -> Counter[int]:
    """Return the views of the site or of some paths together."""
    days: Counter[int] = Counter()
    if WHOLE_SITE in paths:
        for hour, count in views_by_hour(connection, first_day, last_day).items():
            days[hour // HOURS_PER_DAY] += count
        return days
    statement = select(DAYS.c.day, DAYS.c.count).where(
        DAYS.c.dimension == BY_PATH,
        DAYS.c.day.between(first_day, last_day),
        is_any(DAYS.c.key, paths),
    )
    for day, count in plain_rows(connection, statement):
        days[day] += count
    return days


def visitors_by_day(
    connection: Connection,
    first_day: int,
    last_day: int,
    page_ids: Collection[int],
    moves: Moves = NO_MOVES,
) -> dict[int, dict[int, BitMap]]:
    """Return who viewed what on which day: by page, which may be `WHOLE_SITE`, and day."""
    path_ids = moves.paths_of(*page_ids)
    found: dict[int, dict[int, BitMap]] = {path_id: {} for path_id in path_ids}
    for key, members in _sealed(connection, first_day, last_day, path_ids):
        found[key >> 16][key & _DAY_MASK] = BitMap.deserialize(members)
    for day, visits in _open_visits(connection, first_day, last_day, _KEYS):
        if WHOLE_SITE in found:
            found[WHOLE_SITE].setdefault(day, BitMap()).update(_visitors_of(visits))
        of_paths: defaultdict[int, list[int]] = defaultdict(list)
        for visit in visits if found.keys() - {WHOLE_SITE} else ():
            of_paths[visit & MAX_PATH_ID].append(visit)
        for path_id in found.keys() & of_paths.keys():
            found[path_id].setdefault(day, BitMap()).update(_visitors_of(of_paths[path_id]))
    for path_id in moves.pages.keys() & found.keys():
        of_page = found[moves.pages[path_id]]
        for day, visitors in found.pop(path_id).items():
            of_page.setdefault(day, BitMap()).update(visitors)
    return found


def unite(sets: Iterable[BitMap]) -> BitMap:
    """Return who is in any of these sets."""
    return BitMap.union(*sets, BitMap())


def unique_visitors(
    connection: Connection,
    first_day: int,
    last_day: int,
    path_id: int = WHOLE_SITE,
    moves: Moves = NO_MOVES,
) -> int:
    """Count the visitors of the site or of one page, each once whatever the days; exact."""
    days = visitors_by_day(connection, first_day, last_day, {path_id}, moves)[path_id]
    return len(unite(days.values()))


def read_visitors(connection: Connection, path: str, last_day: int) -> int:
    """Count the visitors of a path up to a day, each once; exact."""
    moves = read_moves(connection)
    path_id = find_page(connection, moves, path)
    return 0 if path_id is None else unique_visitors(connection, 0, last_day, path_id, moves)


def read_days(connection: Connection, first_day: int, last_day: int) -> tuple[DayFigures, ...]:
    """Read views and visitors of the site on each day, those without any included."""
    views = views_by_day(connection, first_day, last_day)
    visitors = _numbers_by_day(connection, first_day, last_day)
    return tuple(
        DayFigures(day, views[day], visitors[day]) for day in range(first_day, last_day + 1)
    )


def _numbers_by_day(connection: Connection, first_day: int, last_day: int) -> Counter[int]:
    """Count the visitors of the site on each day, without a look into most of the sets."""
    first, last = day_visitors_key(WHOLE_SITE, first_day), day_visitors_key(WHOLE_SITE, last_day)
    sizes = select(DAY_VISITORS.c.key, DAY_VISITORS.c.count)
    rows = plain_rows(connection, sizes.where(DAY_VISITORS.c.key.between(first, last)))
    counts = Counter({key & _DAY_MASK: count for key, count in rows})
    for day, visitors in _open_visits(connection, first_day, last_day, _VISITORS):
        # Some of them may be in the set as well: of this day the set itself is needed.
        sealed = [BitMap.deserialize(s) for _, s in _sealed(connection, day, day, {WHOLE_SITE})]
        counts[day] = len(BitMap.union(BitMap(visitors), *sealed))
    return counts


def _sealed(
    connection: Connection, first_day: int, last_day: int, path_ids: Collection[int]
) -> Iterable[tuple[int, bytes]]:
    """Yield keys and members of sets; many paths go into one statement."""
    for number, ranges in ranges_of(first_day, last_day, path_ids):
        yield from plain_rows(connection, _members_in(number), ranges)


@cache
def _members_in(ranges: int) -> Select[Any]:
    key = DAY_VISITORS.c.key
    return select(key, DAY_VISITORS.c.members).where(is_in(key, ranges))


_IS_OPEN = and_(VISITS.c.key >= bindparam("first"), VISITS.c.key < bindparam("end"))
# Two questions, because each end of an index is found at once and both together are not.
_OPEN_SPAN = select(
    select(func.min(VISITS.c.key)).where(_IS_OPEN).scalar_subquery(),
    select(func.max(VISITS.c.key)).where(_IS_OPEN).scalar_subquery(),
)
_KEYS = select(VISITS.c.key).where(_IS_OPEN)
# PostgreSQL shifts by an integer only, which a parameter is not.
_VISITORS = select(
    VISITS.c.key.bitwise_rshift(literal_column(str(PATH_BITS))).bitwise_and(
        literal_column(str(MAX_VISITOR_ID))
    )
).where(_IS_OPEN)


def _open_visits(
    connection: Connection, first_day: int, last_day: int, what: Select[Any]
) -> Iterator[tuple[int, list[int]]]:
    """Yield days and `what` of the visits that are in no set yet; those of the last half hour.

    There are thousands of them and figures of the moment ask each second, so nothing is done
    for each of them here.
    """
    first, end = visit_key(first_day, 0, 0), visit_key(last_day + 1, 0, 0)
    oldest, newest = connection.execute(_OPEN_SPAN, {"first": first, "end": end}).one()
    if oldest is None:
        return
    for day in range(oldest >> PATH_BITS + VISITOR_BITS, (newest >> PATH_BITS + VISITOR_BITS) + 1):
        span = {"first": visit_key(day, 0, 0), "end": visit_key(day + 1, 0, 0)}
        found = list(chain.from_iterable(plain_rows(connection, what, span)))
        if found:
            yield day, found


def _visitors_of(visits: Iterable[int]) -> list[int]:
    return [visit >> PATH_BITS & MAX_VISITOR_ID for visit in visits]
