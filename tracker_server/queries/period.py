"""What happened in some days: the figures of a report, read from roll-ups and sets alone.

Days are UTC days since the epoch, and the last one is included. A connection whose
statements all see one moment (`open_reader`) gives figures that agree with each other.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from pyroaring import BitMap
from sqlalchemy import Connection, Subquery, func, select

from tracker_server.model import (
    Count,
    DayFigures,
    MissingPath,
    PageFigures,
    Period,
    Read,
    page_type,
)
from tracker_server.schema import (
    BY_AUDIENCE,
    BY_PATH,
    BY_REFERRER,
    MAX_PATH_ID,
    MAX_VISITOR_ID,
    OTHER,
    PATH_BITS,
    VISITOR_BITS,
    WHOLE_SITE,
    day_visitors_key,
    visit_key,
)
from tracker_server.statements import (
    AUDIENCES,
    DAY_READINGS,
    DAY_VISITORS,
    DAYS,
    HOURS,
    NOT_FOUND,
    PAGES,
    PATHS,
    REFERRERS,
    VISITS,
    with_pages,
)

HOURS_PER_DAY = 24
MAX_REFERRERS_OF_A_PATH = 5


def read_period(
    connection: Connection, first_day: int, last_day: int, path: str | None, max_rows: int
) -> Period:
    """Read a report.

    Args:
        connection: for reading.
        first_day: UTC day since the epoch.
        last_day: likewise, included.
        path: of the one page that it is about; ``None`` for the site.
        max_rows: how long each list is at most.
    """
    if path is None:
        path_id: int | None = WHOLE_SITE
    else:
        path_id = connection.execute(
            select(PATHS.c.id).where(PATHS.c.text == path)
        ).scalar_one_or_none()
    if path_id is None:
        days = tuple(DayFigures(day, 0, 0) for day in range(first_day, last_day + 1))
        return Period(0, 0, days)
    days = read_days(connection, first_day, last_day, path_id)
    views = sum(day.views for day in days)
    visitors = unique_visitors(connection, first_day, last_day, path_id)
    read = _read(connection, first_day, last_day, path_id)
    if path_id != WHOLE_SITE:
        return Period(views, visitors, days, read)
    countries, languages, devices = _audiences(connection, first_day, last_day, max_rows)
    return Period(
        views,
        visitors,
        days,
        read,
        pages=_pages(connection, first_day, last_day, max_rows),
        referrers=_referrers(connection, first_day, last_day, max_rows),
        countries=countries,
        languages=languages,
        devices=devices,
        not_found=_not_found(connection, first_day, last_day, max_rows),
    )


def read_days(
    connection: Connection, first_day: int, last_day: int, path_id: int = WHOLE_SITE
) -> tuple[DayFigures, ...]:
    """Read views and visitors of each day, those without any included."""
    views: Counter[int] = Counter()
    if path_id == WHOLE_SITE:
        hours = HOURS.c.hour
        day = hours // HOURS_PER_DAY
        statement = (
            select(day, func.sum(HOURS.c.count))
            .where(hours >= first_day * HOURS_PER_DAY, hours < (last_day + 1) * HOURS_PER_DAY)
            .group_by(day)
        )
        views.update({day: int(count) for day, count in connection.execute(statement)})
    else:
        statement = select(DAYS.c.day, DAYS.c.count).where(
            DAYS.c.dimension == BY_PATH,
            DAYS.c.day.between(first_day, last_day),
            DAYS.c.key == path_id,
        )
        views.update(dict(iter(connection.execute(statement))))
    visitors = _visitors_by_day(connection, first_day, last_day, path_id)
    return tuple(
        DayFigures(day, views[day], visitors[day]) for day in range(first_day, last_day + 1)
    )


def _read(connection: Connection, first_day: int, last_day: int, path_id: int) -> Read:
    first, last = day_visitors_key(path_id, first_day), day_visitors_key(path_id, last_day)
    columns = DAY_READINGS.c
    sums = (columns.loads, columns.visible, columns.active, columns.depth)
    statement = select(*(func.coalesce(func.sum(column), 0) for column in sums))
    row = connection.execute(statement.where(columns.key.between(first, last))).one()
    return Read(*map(int, row))


def read_visitors(connection: Connection, path: str, last_day: int) -> int:
    """Count the visitors of a path up to a day, each once; exact."""
    path_id = connection.execute(
        select(PATHS.c.id).where(PATHS.c.text == path)
    ).scalar_one_or_none()
    return 0 if path_id is None else unique_visitors(connection, 0, last_day, path_id)


def unique_visitors(
    connection: Connection, first_day: int, last_day: int, path_id: int = WHOLE_SITE
) -> int:
    """Count the visitors of the site or of one path, each once whatever the days; exact."""
    unsealed = _unsealed(connection, first_day, last_day, {path_id})
    return len(_members(connection, first_day, last_day, path_id) | unsealed[path_id])


def _members(connection: Connection, first_day: int, last_day: int, path_id: int) -> BitMap:
    """Return who is in the sets of these days."""
    first, last = day_visitors_key(path_id, first_day), day_visitors_key(path_id, last_day)
    sets = select(DAY_VISITORS.c.members).where(DAY_VISITORS.c.key.between(first, last))
    bitmaps = [BitMap.deserialize(members) for members in connection.execute(sets).scalars()]
    return BitMap.union(*bitmaps) if bitmaps else BitMap()


def _unsealed(
    connection: Connection, first_day: int, last_day: int, path_ids: Collection[int]
) -> defaultdict[int, BitMap]:
    """Return by path who has visits that are in no set yet."""
    visits = _open_visits(connection, first_day, last_day)
    if WHOLE_SITE in path_ids:
        return defaultdict(BitMap, {WHOLE_SITE: _visitors_of(visits)})
    visitors: defaultdict[int, BitMap] = defaultdict(BitMap)
    for visit in visits:
        if visit & MAX_PATH_ID in path_ids:
            visitors[visit & MAX_PATH_ID].add(visit >> PATH_BITS & MAX_VISITOR_ID)
    return visitors


def _visitors_by_day(
    connection: Connection, first_day: int, last_day: int, path_id: int
) -> Counter[int]:
    first, last = day_visitors_key(path_id, first_day), day_visitors_key(path_id, last_day)
    sizes = select(DAY_VISITORS.c.key, DAY_VISITORS.c.count)
    rows = connection.execute(sizes.where(DAY_VISITORS.c.key.between(first, last)))
    counts = Counter({key - first + first_day: count for key, count in rows})
    visits = _open_visits(connection, first_day, last_day)
    if path_id != WHOLE_SITE:
        visits = [visit for visit in visits if visit & MAX_PATH_ID == path_id]
    for day in {visit >> PATH_BITS + VISITOR_BITS for visit in visits}:
        # Some of them may be in the set as well: of this day the set itself is needed.
        of_day = [visit for visit in visits if visit >> PATH_BITS + VISITOR_BITS == day]
        counts[day] = len(_members(connection, day, day, path_id) | _visitors_of(of_day))
    return counts


def _visitors_of(visits: Iterable[int]) -> BitMap:
    return BitMap([visit >> PATH_BITS & MAX_VISITOR_ID for visit in visits])


def _open_visits(connection: Connection, first_day: int, last_day: int) -> Sequence[int]:
    """Return the keys of visits that are in no set yet; those of the last half hour or so."""
    first, end = visit_key(first_day, 0, 0), visit_key(last_day + 1, 0, 0)
    keys = select(VISITS.c.key).where(VISITS.c.key >= first, VISITS.c.key < end)
    # Thousands of rows, so not one by one.
    return [key for (key,) in connection.execute(keys).all()]


def _pages(
    connection: Connection, first_day: int, last_day: int, max_rows: int
) -> tuple[PageFigures, ...]:
    tops = _counts(first_day, last_day, BY_PATH)
    statement = (
        select(PATHS.c.id, PATHS.c.text, PAGES.c.title, PAGES.c.type, tops.c.views)
        .select_from(with_pages(tops, tops.c.key))
        .order_by(tops.c.views.desc(), PATHS.c.text)
        .limit(max_rows)
    )
    rows = connection.execute(statement).all()
    unsealed = _unsealed(connection, first_day, last_day, {row.id for row in rows})
    return tuple(
        PageFigures(
            row.text,
            row.title,
            page_type(row.type),
            int(row.views),
            len(_members(connection, first_day, last_day, row.id) | unsealed[row.id]),
        )
        for row in rows
    )


def _referrers(
    connection: Connection, first_day: int, last_day: int, max_rows: int
) -> tuple[Count, ...]:
    tops = _counts(first_day, last_day, BY_REFERRER)
    statement = (
        select(REFERRERS.c.text, tops.c.views)
        .join(tops, tops.c.key == REFERRERS.c.id)
        .order_by(tops.c.views.desc(), REFERRERS.c.text)
        .limit(max_rows)
    )
    return tuple(Count(text, int(views)) for text, views in connection.execute(statement))


def _audiences(
    connection: Connection, first_day: int, last_day: int, max_rows: int
) -> list[tuple[Count, ...]]:
    """Return countries, languages and devices."""
    tops = _counts(first_day, last_day, BY_AUDIENCE)
    statement = select(AUDIENCES.c.text, tops.c.views).join(tops, tops.c.key == AUDIENCES.c.id)
    parts: tuple[Counter[str], ...] = (Counter(), Counter(), Counter())
    for text, views in connection.execute(statement):
        # What did not fit into the vocabulary is other in each respect.
        entries = [OTHER] * 3 if text == OTHER else text.split("/")
        for counter, entry in zip(parts, entries, strict=True):
            counter[entry] += int(views)
    return [_largest(counter, max_rows) for counter in parts]


def _not_found(
    connection: Connection, first_day: int, last_day: int, max_rows: int
) -> tuple[MissingPath, ...]:
    total = func.sum(NOT_FOUND.c.count)
    statement = (
        select(PATHS.c.text, REFERRERS.c.text, total)
        .select_from(NOT_FOUND)
        .join(PATHS, PATHS.c.id == NOT_FOUND.c.path_id)
        .join(REFERRERS, REFERRERS.c.id == NOT_FOUND.c.referrer_id)
        .where(NOT_FOUND.c.day.between(first_day, last_day))
        .group_by(PATHS.c.text, REFERRERS.c.text)
    )
    paths: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for path, referrer, count in connection.execute(statement):
        paths[path][referrer] = int(count)
    missing = _largest(Counter({path: c.total() for path, c in paths.items()}), max_rows)
    return tuple(
        MissingPath(row.text, row.views, _largest(paths[row.text], MAX_REFERRERS_OF_A_PATH))
        for row in missing
    )


def _counts(first_day: int, last_day: int, dimension: int) -> Subquery:
    """Return the views of some days by the entries of a dimension."""
    return (
        select(DAYS.c.key, func.sum(DAYS.c.count).label("views"))
        .where(DAYS.c.dimension == dimension, DAYS.c.day.between(first_day, last_day))
        .group_by(DAYS.c.key)
        .subquery()
    )


def _largest(counter: Counter[str], max_rows: int) -> tuple[Count, ...]:
    ordered = sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Count(text, views) for text, views in ordered[:max_rows])
