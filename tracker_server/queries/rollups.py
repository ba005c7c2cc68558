"""What roll-ups say of some days, of the site or of one page."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from operator import add

from pyroaring import BitMap
from sqlalchemy import Connection, Integer, func, literal_column, select

from tracker_server.database import plain_rows
from tracker_server.figures import (
    Figures,
    MissingPath,
    Read,
    Series,
)
from tracker_server.grains import HOURS_PER_DAY, gather, part_of, starts_of
from tracker_server.model import (
    EVENTS,
)
from tracker_server.packing import SECONDS_PER_HOUR
from tracker_server.queries.breakdown import Breakdown, largest
from tracker_server.queries.days import (
    unite,
    views_by_day,
    views_by_hour,
    visitors_by_day,
)
from tracker_server.queries.missing import MAX_REFERRERS, count_not_found
from tracker_server.queries.moved import Moves
from tracker_server.queries.ranges import is_any, is_in, ranges_of
from tracker_server.runs import of_days, read_spans
from tracker_server.schema import BY_AUDIENCE, BY_CAMPAIGN, BY_PATH, BY_REFERRER, WHOLE_SITE
from tracker_server.statements import (
    DAY_READ,
    DAY_READINGS,
    DAYS,
    EVENT_COUNTS,
    HOUR_READINGS,
    TOTALS,
    VIEWS,
)

_STEPS = ("count", "entries", "leads")
_NOT_READ = (0,) * len(DAY_READ)
_DAY_MASK = (1 << 16) - 1


def read_figures(
    connection: Connection,
    days: tuple[int, int],
    grain: str,
    paths: Collection[int],
    visits: int | None,
) -> Figures:
    """Read the figures of the site or of a page.

    Args:
        connection: for reading.
        days: the first and the last.
        grain: of the series; hours of the site only.
        paths: `WHOLE_SITE` alone, or those of the page together.
        visits: how many visits began, if that has been read already.
    """
    first_day, last_day = days
    starts = starts_of(first_day, last_day, grain)
    members: defaultdict[int, BitMap] = defaultdict(BitMap)
    for of_path in visitors_by_day(connection, first_day, last_day, paths).values():
        for day, who in of_path.items():
            members[day] |= who
    read = _read_by_day(connection, first_day, last_day, paths)
    if grain == "hour":
        views = views_by_hour(connection, first_day, last_day)
        visitors = _visitors_by_hour(connection, first_day, last_day)
        active = gather(starts, _active_by_hour(connection, first_day, last_day))
        series = Series(starts, gather(starts, views), visitors, active)
    else:
        views = views_by_day(connection, first_day, last_day, paths)
        active = gather(starts, {day: sums[2] for day, sums in read.items()})
        numbers = _united(starts, members)
        series = Series(starts, gather(starts, views), numbers, active)
    return Figures(
        first_day,
        last_day,
        views.total(),
        len(unite(members.values())),
        _visits(connection, first_day, last_day, paths) if visits is None else visits,
        Read(*map(sum, zip(_NOT_READ, *read.values(), strict=True))),
        series,
    )


def read_breakdown(
    connection: Connection, moves: Moves, first_day: int, last_day: int
) -> Breakdown:
    """Read the views of the site by everything they are counted by."""

    def sums(dimension: int, *names: str) -> list[tuple[int, ...]]:
        statement = (
            select(DAYS.c.key, *(func.sum(DAYS.c[name]) for name in names))
            .where(DAYS.c.dimension == dimension, DAYS.c.day.between(first_day, last_day))
            .group_by(DAYS.c.key)
        )
        # PostgreSQL's sum is a decimal number.
        return [tuple(map(int, row)) for row in plain_rows(connection, statement)]

    found = Breakdown()
    for counts, dimension, name in (
        (found.referrers, BY_REFERRER, "entries"),
        (found.campaigns, BY_CAMPAIGN, "count"),
        (found.audiences, BY_AUDIENCE, "count"),
    ):
        for key, count in sums(dimension, name):
            counts[key] = count
    for path_id, views, entries, leads in moves.fold(sums(BY_PATH, *_STEPS)):
        found.paths[path_id] = views
        found.entries[path_id], found.leads[path_id] = entries, leads
    return found


def read_steps(
    connection: Connection, moves: Moves, first_day: int, last_day: int, path_id: int
) -> Breakdown:
    """Read of one page how many views it had, began visits, and led on."""
    statement = (
        select(*(func.coalesce(func.sum(DAYS.c[name]), 0) for name in _STEPS))
        .where(DAYS.c.dimension == BY_PATH, is_any(DAYS.c.key, moves.paths_of(path_id)))
        .where(DAYS.c.day.between(first_day, last_day))
    )
    counts = map(int, connection.execute(statement).one())
    return Breakdown(*(Counter({path_id: count}) for count in counts))


def read_visitors(
    connection: Connection, moves: Moves, first_day: int, last_day: int, path_ids: Collection[int]
) -> dict[int, int]:
    """Count the visitors of each of these pages."""
    members = visitors_by_day(connection, first_day, last_day, path_ids, moves)
    return {path_id: len(unite(days.values())) for path_id, days in members.items()}


def read_trends(
    connection: Connection, moves: Moves, first_day: int, last_day: int, path_ids: Collection[int]
) -> dict[int, Counter[int]]:
    """Return the views of each of these pages by day."""
    days: dict[int, Counter[int]] = {path_id: Counter() for path_id in path_ids}
    statement = select(DAYS.c.key, DAYS.c.day, DAYS.c.count).where(
        DAYS.c.dimension == BY_PATH, DAYS.c.day.between(first_day, last_day)
    )
    of_pages = statement.where(is_any(DAYS.c.key, moves.paths_of(*path_ids)))
    for path_id, day, count in plain_rows(connection, of_pages):
        days[moves.page_of(path_id)][day] += count
    return days


def read_feedback(
    connection: Connection, moves: Moves, first_day: int, last_day: int, path_id: int
) -> tuple[int, int]:
    """Return how many positive and how many negative ratings there were."""
    columns = EVENT_COUNTS.c
    statement = select(
        func.coalesce(func.sum(columns.total), 0), func.coalesce(func.sum(columns.zeros), 0)
    ).where(columns.day.between(first_day, last_day), columns.event == EVENTS["feedback"])
    if path_id != WHOLE_SITE:
        statement = statement.where(is_any(columns.path_id, moves.paths_of(path_id)))
    positive, negative = connection.execute(statement).one()
    return int(positive), int(negative)


def read_not_found(
    connection: Connection, first_day: int, last_day: int, max_rows: int
) -> tuple[MissingPath, ...]:
    """Return the paths that were not found."""
    paths = count_not_found(connection, first_day, last_day)
    missing = largest({path: hosts.total() for path, hosts in paths.items()}, max_rows)
    return tuple(
        MissingPath(row.text, row.count, largest(paths[row.text], MAX_REFERRERS)) for row in missing
    )


def _united(starts: tuple[int, ...], members: Mapping[int, BitMap]) -> tuple[int, ...]:
    """Count the visitors of each part, each once whatever its days."""
    parts: list[list[BitMap]] = [[] for _ in starts]
    for day, visitors in members.items():
        parts[part_of(starts, day)].append(visitors)
    return tuple(len(unite(part)) for part in parts)


def _visits(connection: Connection, first_day: int, last_day: int, paths: Collection[int]) -> int:
    statement = select(func.coalesce(func.sum(DAYS.c.entries), 0)).where(
        DAYS.c.dimension == BY_PATH, DAYS.c.day.between(first_day, last_day)
    )
    if WHOLE_SITE not in paths:
        statement = statement.where(is_any(DAYS.c.key, paths))
    return int(connection.execute(statement).scalar_one())


def _read_by_day(
    connection: Connection, first_day: int, last_day: int, paths: Collection[int]
) -> dict[int, tuple[int, ...]]:
    key, columns = DAY_READINGS.c.key, [DAY_READINGS.c[name] for name in DAY_READ]
    days: dict[int, tuple[int, ...]] = {}
    for number, ranges in ranges_of(first_day, last_day, paths):
        statement = select(key, *columns).where(is_in(key, number))
        for packed, *row in plain_rows(connection, statement, ranges):
            day = packed & _DAY_MASK
            days[day] = tuple(map(add, days.get(day, _NOT_READ), row))
    return days


def _active_by_hour(connection: Connection, first_day: int, last_day: int) -> dict[int, int]:
    hour = HOUR_READINGS.c.hour
    within = hour >= first_day * HOURS_PER_DAY, hour < (last_day + 1) * HOURS_PER_DAY
    rows = connection.execute(select(hour, HOUR_READINGS.c.active).where(*within))
    return {row[0]: row[1] for row in rows}


def _visitors_by_hour(
    connection: Connection, first_day: int, last_day: int
) -> tuple[int | None, ...]:
    """Count the visitors of each hour in the raw views; ``None`` where these are gone."""
    since = connection.execute(select(TOTALS.c.raw_since)).scalar_one()
    spans = read_spans(connection, first_day, last_day)
    hour = VIEWS.c.at // literal_column(str(SECONDS_PER_HOUR), Integer)
    members: defaultdict[int, BitMap] = defaultdict(BitMap)
    for day, span in sorted((day, span) for day, of_day in spans.items() for span in of_day):
        statement = (
            select(hour, VIEWS.c.visitor_id)
            .where(VIEWS.c.id > span[0], VIEWS.c.id <= span[1], *of_days(day, day))
            .distinct()
        )
        visitors: defaultdict[int, list[int]] = defaultdict(list)
        for of_hour, visitor in plain_rows(connection, statement):
            visitors[of_hour].append(visitor)
        for of_hour, some in visitors.items():
            members[of_hour].update(some)
    return tuple(
        len(members[hour]) if hour >= since * HOURS_PER_DAY else None
        for hour in starts_of(first_day, last_day, "hour")
    )
