"""What the raw rows say: the roll-ups and sets that follow from them.

The database groups and sorts, rows come in a stream, and sets of visitors are bitmaps,
so ten million views need little memory.
"""

import heapq
from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, NamedTuple

from pyroaring import BitMap
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Executable,
    Integer,
    Select,
    Table,
    cast,
    func,
    literal_column,
    select,
    true,
    union_all,
)

from tracker_server.packing import (
    MAX_PATH_ID,
    MAX_VISITOR_ID,
    PATH_BITS,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    VISITOR_BITS,
    day_visitors_key,
)
from tracker_server.schema import BY_AUDIENCE, BY_CAMPAIGN, BY_PATH, BY_REFERRER, WHOLE_SITE
from tracker_server.statements import (
    AUDIENCES,
    CAMPAIGNS,
    DAY_VISITORS,
    DAYS,
    PATHS,
    REFERRERS,
    TOTALS,
    VIEWS,
    VISITORS,
    VISITS,
)

STREAM_ROWS = 5_000
"""How many rows are fetched at a time."""
DIMENSIONS: dict[int, tuple[Table, Column[int], ColumnElement[bool]]] = {
    BY_PATH: (PATHS, VIEWS.c.path_id, true()),
    BY_REFERRER: (REFERRERS, VIEWS.c.referrer_id, true()),
    BY_AUDIENCE: (AUDIENCES, VIEWS.c.audience_id, true()),
    BY_CAMPAIGN: (CAMPAIGNS, VIEWS.c.campaign_id, VIEWS.c.campaign_id != literal_column("0")),
}
"""What views are counted by, by day and for all time: words, column, and which views have one."""
_BEGINS = VIEWS.c.before_id == literal_column("0")
STEPS: dict[int, dict[str, tuple[Column[int], ColumnElement[bool]]]] = {
    BY_PATH: {"entries": (VIEWS.c.path_id, _BEGINS), "leads": (VIEWS.c.before_id, ~_BEGINS)},
    BY_REFERRER: {"entries": (VIEWS.c.referrer_id, _BEGINS)},
}
"""Further columns of their counts: which entry a view counts for there, and when it does."""


class TotalsRow(NamedTuple):
    """What the row of totals says; without one nothing has been counted yet."""

    views: int | None
    visitors: int | None
    raw_since: int


@dataclass(slots=True)
class DaySet:
    """Who viewed a path on a day, from the three places that know it."""

    path: int
    day: int
    viewed: BitMap = field(default_factory=BitMap)
    recent: BitMap = field(default_factory=BitMap)
    """Those who are in `Visit`."""
    sealed: BitMap = field(default_factory=BitMap)
    count: int | None = None
    """How many the row of the sealed says there are; ``None`` without a row."""

    def __str__(self) -> str:
        place = "site" if self.path == WHOLE_SITE else f"path {self.path}"
        return f"{place} on {date_of(self.day)}"


def read_totals(connection: Connection) -> TotalsRow:
    """Read the row of totals."""
    columns = TOTALS.c
    row = connection.execute(select(columns.views, columns.visitors, columns.raw_since)).first()
    return TotalsRow(None, None, 0) if row is None else TotalsRow(*row)


def recounted_hours(since: int) -> Select[Any]:
    """Return a query for the rows of `HourCount` from a day on."""
    hour: Any = in_wholes(VIEWS.c.at, SECONDS_PER_HOUR)
    return (
        select(hour.label("hour"), func.count().label("count"))
        .where(VIEWS.c.at >= since * SECONDS_PER_DAY)
        .group_by(hour)
    )


def begun_runs() -> Select[Any]:
    """Return a query for the rows of `DayRun` that the raw views need, one for each change of day.

    It goes through the views in their order, so it sorts nothing.
    """
    day: Any = in_wholes(VIEWS.c.at, SECONDS_PER_DAY)
    before = func.lag(day).over(order_by=VIEWS.c.id)
    views = select(VIEWS.c.id, day.label("day"), before.label("before")).subquery()
    after = (views.c.id - literal_column("1", Integer)).label("after_id")
    return select(after, views.c.day).where(views.c.day.is_distinct_from(views.c.before))


def recounted_days(dimension: int, since: int) -> Select[Any]:
    """Return a query for the rows of `DayCount` of one dimension from a day on."""
    number: Any = literal_column(str(dimension))
    _words, column, has_one = DIMENSIONS[dimension]
    views = recounted_views(column, has_one, since).subquery()
    none = literal_column("0", BigInteger)
    rows = [select(views, none.label("entries"), none.label("leads"))]
    for name, (entry, fits) in STEPS.get(dimension, {}).items():
        some = recounted_views(entry, fits, since).subquery()
        steps = [some.c.count if name == step else none for step in ("entries", "leads")]
        rows.append(select(some.c.day, some.c.key, none, *steps))
    all_rows = union_all(*rows).subquery()
    keys = [all_rows.c.day, all_rows.c.key]
    sums = [sum_of(all_rows.c[name]).label(name) for name in ("count", "entries", "leads")]
    return select(number.label("dimension"), *keys, *sums).group_by(*keys)


def recounted_views(
    entry: ColumnElement[int], fits: ColumnElement[bool], since: int
) -> Select[Any]:
    """Return a query for views by day and an entry, of the views that fit, from a day on."""
    day: Any = in_wholes(VIEWS.c.at, SECONDS_PER_DAY)
    return (
        select(day.label("day"), entry.label("key"), func.count().label("count"))
        .where(VIEWS.c.at >= since * SECONDS_PER_DAY, fits)
        .group_by(day, entry)
    )


def summed_days() -> Select[Any]:
    """Return a query for the rows of `TotalCount`."""
    entry = DAYS.c.dimension, DAYS.c.key
    return select(*entry, sum_of(DAYS.c.count).label("count")).group_by(*entry)


def day_sets(connection: Connection) -> Iterator[DaySet]:
    """Yield the sets of every path and day, then those of the site by day.

    The tables must not be changed before the last one was taken.
    """
    recent = _recent_visitors(connection)
    viewed_days: defaultdict[int, BitMap] = defaultdict(BitMap)
    recent_days: defaultdict[int, BitMap] = defaultdict(BitMap)
    first_of_a_path = day_visitors_key(WHOLE_SITE + 1, 0)
    sealed = select(DAY_VISITORS).order_by(DAY_VISITORS.c.key)
    of_paths = sealed.where(DAY_VISITORS.c.key >= first_of_a_path)
    for some in _merge(_viewing_visitors(connection), recent, stream(connection, of_paths)):
        viewed_days[some.day] |= some.viewed
        recent_days[some.day] |= some.recent
        yield some
    of_site = sealed.where(DAY_VISITORS.c.key < first_of_a_path)
    yield from _merge(sorted(viewed_days.items()), recent_days, stream(connection, of_site))


def known_visitors(connection: Connection) -> BitMap:
    """Return the numbers of all visitors that have a row."""
    known, number = BitMap(), VISITORS.c.id
    rows = stream(connection, select(number).where(is_possible(number)))
    while some := [row[0] for row in islice(rows, STREAM_ROWS)]:
        known.update(some)
    return known


def stream(connection: Connection, statement: Executable) -> Iterator[Any]:
    """Yield the rows of a statement, which are never all in memory."""
    with connection.execute(statement, execution_options={"yield_per": STREAM_ROWS}) as rows:
        yield from rows


def sum_of(column: ColumnElement[int]) -> ColumnElement[int]:
    """Return the sum of a column as a whole number."""
    return cast(func.sum(column), BigInteger)  # PostgreSQL's sum is a decimal number.


def in_wholes(at: Column[int], seconds: int) -> ColumnElement[int]:
    """Return how many whole spans of so many seconds a time is."""
    # The number stands in the text: PostgreSQL groups by it only if it is the same everywhere.
    return at // literal_column(str(seconds), Integer)  # Without a type it were a floating number.


def _merge(
    viewed: Iterable[tuple[int, BitMap]], recent: Mapping[int, BitMap], sealed: Iterable[Any]
) -> Iterator[DaySet]:
    """Put together what has the same key; `viewed` and `sealed` come sorted by it."""
    sources: list[Iterable[tuple[int, dict[str, Any]]]] = [
        ((key, {"viewed": members}) for key, members in viewed),
        ((key, {"recent": recent[key]}) for key in sorted(recent)),
        ((key, {"count": n, "sealed": BitMap.deserialize(members)}) for key, n, members in sealed),
    ]
    for key, parts in groupby(heapq.merge(*sources, key=itemgetter(0)), itemgetter(0)):
        path, day = divmod(key, day_visitors_key(1, 0))
        yield DaySet(path, day, **dict(ChainMap(*(part for _, part in parts))))


def _viewing_visitors(connection: Connection) -> Iterator[tuple[int, BitMap]]:
    columns = VIEWS.c.path_id, in_wholes(VIEWS.c.at, SECONDS_PER_DAY), VIEWS.c.visitor_id
    statement = select(*columns).where(is_possible(VIEWS.c.visitor_id)).order_by(*columns[:2])
    for place, rows in groupby(stream(connection, statement), itemgetter(0, 1)):
        yield day_visitors_key(*place), BitMap([row[2] for row in rows])


def _recent_visitors(connection: Connection) -> dict[int, BitMap]:
    recent: defaultdict[int, BitMap] = defaultdict(BitMap)
    for (key,) in stream(connection, select(VISITS.c.key)):
        day, visitor = key >> PATH_BITS + VISITOR_BITS, key >> PATH_BITS & MAX_VISITOR_ID
        recent[day_visitors_key(key & MAX_PATH_ID, day)].add(visitor)
    return recent


def is_possible(visitor_id: Column[int]) -> ColumnElement[bool]:
    """Return the condition that a number may be a visitor's."""
    return visitor_id.between(1, MAX_VISITOR_ID)


def date_of(day: int) -> date:
    """Return the date of a day since the epoch."""
    return date(1970, 1, 1) + timedelta(days=day)
