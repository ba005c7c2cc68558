"""Recounts the roll-ups from the raw rows, and compares.

The database groups and sorts, rows come in a stream, and sets of visitors are bitmaps,
so ten million views need little memory.
"""

import heapq
from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain, groupby, islice
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
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.exc import DatabaseError

from tracker_server.runs import LAST_DAY, of_days, read_spans
from tracker_server.schema import (
    BY_AUDIENCE,
    BY_PATH,
    BY_REFERRER,
    MAX_PATH_ID,
    MAX_VISITOR_ID,
    PATH_BITS,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    VISITOR_BITS,
    WHOLE_SITE,
    day_visitors_key,
)
from tracker_server.statements import (
    ALL_TIME,
    AUDIENCES,
    DAY_VISITORS,
    DAYS,
    HOURS,
    PATHS,
    REFERRERS,
    RUNS,
    TOTALS,
    VIEWS,
    VISITORS,
    VISITS,
)

MAX_SHOWN = 3
"""How many differences of a table are told one by one."""
STREAM_ROWS = 5_000
"""How many rows are fetched at a time."""

HOURS_PER_DAY = SECONDS_PER_DAY // SECONDS_PER_HOUR
DIMENSIONS: dict[int, tuple[Table, Column[int]]] = {
    BY_PATH: (PATHS, VIEWS.c.path_id),
    BY_REFERRER: (REFERRERS, VIEWS.c.referrer_id),
    BY_AUDIENCE: (AUDIENCES, VIEWS.c.audience_id),
}
"""What every view is counted by, by day and for all time."""
STEPS: dict[str, tuple[Column[int], ColumnElement[bool]]] = {
    "entries": (VIEWS.c.path_id, VIEWS.c.before_id == literal_column("0")),
    "leads": (VIEWS.c.before_id, VIEWS.c.before_id != literal_column("0")),
}
"""Columns of the counts of paths: which path a view counts for there, and when it does."""


@dataclass(slots=True)
class Comparison:
    """What came of one table."""

    table: str
    compared: int = 0
    """How many figures were compared."""
    differing: int = 0
    shown: list[str] = field(default_factory=list)
    """The first differences: key, what is stored, what a recount says."""

    def compare(self, stored: object, recounted: object, key: str, *values: object) -> None:
        """Count a figure; `key` with the `values` in its braces says which one it is."""
        self.compared += 1
        if stored != recounted:
            self.differ(f"{key.format(*values)}: stored {stored}, recounted {recounted}")

    def differ(self, text: str) -> None:
        """Note a difference."""
        self.differing += 1
        if self.differing <= MAX_SHOWN:
            self.shown.append(text)

    def __str__(self) -> str:
        """Return one line."""
        line = f"{self.table}: {self.compared:,} compared, {self.differing:,} differ"
        if not self.differing:
            return line
        more = ["..."] if self.differing > MAX_SHOWN else []
        return f"{line}: {'; '.join(self.shown + more)}"


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
        return f"{place} on {_date(self.day)}"


def compare(connection: Connection) -> list[Comparison]:
    """Compare every roll-up with a recount.

    Args:
        connection: in a transaction whose statements all see one moment.
    """
    totals = read_totals(connection)
    known = known_visitors(connection)
    sealed, recent, viewing = _compare_sets(connection, totals.raw_since)
    return [
        _compare_references(connection, viewing - known),
        _compare_hours(connection, totals.raw_since),
        _compare_days(connection, totals.raw_since),
        _compare_all_time(connection),
        compare_runs(connection, totals.raw_since),
        sealed,
        recent,
        _compare_numbers(connection, known, viewing),
        _compare_totals(connection, totals),
    ]


def compare_runs(connection: Connection, since: int) -> Comparison:
    """Look for views that are outside the runs of their day."""
    found = Comparison(RUNS.name)
    spans = read_spans(connection, since, LAST_DAY)
    day: Any = _in_wholes(VIEWS.c.at, SECONDS_PER_DAY)
    of_day = select(day, func.count()).where(VIEWS.c.at >= since * SECONDS_PER_DAY).group_by(day)
    for number, views in connection.execute(of_day.order_by(day)).all():
        inside = 0
        for after, last in spans.get(number, []):
            some = select(func.count()).select_from(VIEWS)
            some = some.where(VIEWS.c.id > after, VIEWS.c.id <= last, *of_days(number, number))
            inside += connection.execute(some).scalar_one()
        found.compared += 1
        if inside != views:
            found.differ(f"views on {_date(number)}: in runs {inside:,}, in all {views:,}")
    return found


def integrity_problems(connection: Connection) -> list[str]:
    """Return what SQLite finds wrong with its file, the first few; nothing elsewhere."""
    if connection.dialect.name != "sqlite":
        return []
    try:
        rows = connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_SHOWN})").scalars().all()
    except DatabaseError as error:  # It gives up where there is nothing to go on from.
        rows = [str(error.orig)]
    return [" ".join(text.split()) for text in rows if text != "ok"]


def read_totals(connection: Connection) -> TotalsRow:
    """Read the row of totals."""
    columns = TOTALS.c
    row = connection.execute(select(columns.views, columns.visitors, columns.raw_since)).first()
    return TotalsRow(None, None, 0) if row is None else TotalsRow(*row)


def recounted_hours(since: int) -> Select[Any]:
    """Return a query for the rows of `HourCount` from a day on."""
    hour: Any = _in_wholes(VIEWS.c.at, SECONDS_PER_HOUR)
    return (
        select(hour.label("hour"), func.count().label("count"))
        .where(VIEWS.c.at >= since * SECONDS_PER_DAY)
        .group_by(hour)
    )


def begun_runs() -> Select[Any]:
    """Return a query for the rows of `DayRun` that the raw views need, one for each change of day.

    It goes through the views in their order, so it sorts nothing.
    """
    day: Any = _in_wholes(VIEWS.c.at, SECONDS_PER_DAY)
    before = func.lag(day).over(order_by=VIEWS.c.id)
    views = select(VIEWS.c.id, day.label("day"), before.label("before")).subquery()
    after = (views.c.id - literal_column("1", Integer)).label("after_id")
    return select(after, views.c.day).where(views.c.day.is_distinct_from(views.c.before))


def recounted_days(dimension: int, since: int) -> Select[Any]:
    """Return a query for the rows of `DayCount` of one dimension from a day on."""
    number: Any = literal_column(str(dimension))
    views = _views_by_day(DIMENSIONS[dimension][1], true(), since).subquery()
    none = literal_column("0", BigInteger)
    rows = [select(views, none.label("entries"), none.label("leads"))]
    for name, (entry, fits) in STEPS.items() if dimension == BY_PATH else ():
        some = _views_by_day(entry, fits, since).subquery()
        steps = [some.c.count if name == step else none for step in STEPS]
        rows.append(select(some.c.day, some.c.key, none, *steps))
    all_rows = union_all(*rows).subquery()
    keys = [all_rows.c.day, all_rows.c.key]
    sums = [_sum(all_rows.c[name]).label(name) for name in ("count", *STEPS)]
    return select(number.label("dimension"), *keys, *sums).group_by(*keys)


def _views_by_day(entry: ColumnElement[int], fits: ColumnElement[bool], since: int) -> Select[Any]:
    day: Any = _in_wholes(VIEWS.c.at, SECONDS_PER_DAY)
    return (
        select(day.label("day"), entry.label("key"), func.count().label("count"))
        .where(VIEWS.c.at >= since * SECONDS_PER_DAY, fits)
        .group_by(day, entry)
    )


def summed_days() -> Select[Any]:
    """Return a query for the rows of `TotalCount`."""
    entry = DAYS.c.dimension, DAYS.c.key
    return select(*entry, _sum(DAYS.c.count).label("count")).group_by(*entry)


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
    for some in _merge(_viewing_visitors(connection), recent, _stream(connection, of_paths)):
        viewed_days[some.day] |= some.viewed
        recent_days[some.day] |= some.recent
        yield some
    of_site = sealed.where(DAY_VISITORS.c.key < first_of_a_path)
    yield from _merge(sorted(viewed_days.items()), recent_days, _stream(connection, of_site))


def known_visitors(connection: Connection) -> BitMap:
    """Return the numbers of all visitors that have a row."""
    known, number = BitMap(), VISITORS.c.id
    rows = _stream(connection, select(number).where(_is_possible(number)))
    while some := [row[0] for row in islice(rows, STREAM_ROWS)]:
        known.update(some)
    return known


def _stream(connection: Connection, statement: Executable) -> Iterator[Any]:
    with connection.execute(statement, execution_options={"yield_per": STREAM_ROWS}) as rows:
        yield from rows


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)  # PostgreSQL's sum is a decimal number.


def _in_wholes(at: Column[int], seconds: int) -> ColumnElement[int]:
    # The number stands in the text: PostgreSQL groups by it only if it is the same everywhere.
    return at // literal_column(str(seconds), Integer)  # Without a type it were a floating number.


def _beside(stored: Select[Any], recounted: Select[Any], *keys: str) -> Select[Any]:
    """Select the keys of both, then the count of each; a count is null where there is no row."""
    nothing = cast(null(), BigInteger)
    first, second = stored.subquery(), recounted.subquery()
    both = union_all(
        select(*(first.c[k] for k in keys), first.c.count.label("stored"), nothing.label("again")),
        select(*(second.c[k] for k in keys), nothing, second.c.count),
    ).subquery()
    columns = [both.c[key] for key in keys]
    counted = func.max(both.c.stored), func.max(both.c.again)
    return select(*columns, *counted).group_by(*columns).order_by(*columns)


def _compare_hours(connection: Connection, since: int) -> Comparison:
    found = Comparison(HOURS.name)
    stored = select(HOURS).where(HOURS.c.hour >= since * HOURS_PER_DAY)
    for hour, *counts in _stream(connection, _beside(stored, recounted_hours(since), "hour")):
        found.compare(*counts, "{} {}:00 UTC", _date(hour // 24), hour % 24)
    return found


def _compare_days(connection: Connection, since: int) -> Comparison:
    found = Comparison(DAYS.name)
    for dimension, (words, entry) in DIMENSIONS.items():
        columns = {"count": (entry, true())} | (STEPS if dimension == BY_PATH else {})
        for name, of_views in columns.items():
            stored = select(DAYS.c.day, DAYS.c.key, DAYS.c[name].label("count"))
            stored = stored.where(DAYS.c.dimension == dimension, DAYS.c.day >= since)
            stored = stored.where(DAYS.c[name] != 0)
            recounted = _views_by_day(of_views[0], of_views[1], since)
            beside = _beside(stored, recounted, "day", "key")
            what = words.name if name == "count" else f"{name} of {words.name}"
            for day, key, *counts in _stream(connection, beside):
                found.compare(*counts, "{} {} on {}", what, key, _date(day))
    return found


def _compare_all_time(connection: Connection) -> Comparison:
    found = Comparison(ALL_TIME.name)
    beside = _beside(select(ALL_TIME), summed_days(), "dimension", "key")
    for dimension, entry, *counts in _stream(connection, beside):
        found.compare(*counts, "{} {}", _word(dimension), entry)
    return found


def _compare_totals(connection: Connection, totals: TotalsRow) -> Comparison:
    found = Comparison(TOTALS.name)
    hours = connection.execute(select(func.coalesce(_sum(HOURS.c.count), 0))).scalar_one()
    found.compare(totals.views, hours, "views, by hour")
    entry = ALL_TIME.c.dimension
    sums = select(entry, _sum(ALL_TIME.c.count)).group_by(entry)
    by_dimension = {row[0]: row[1] for row in connection.execute(sums)}
    for dimension in sorted(DIMENSIONS.keys() | by_dimension.keys()):
        recounted = by_dimension.get(dimension, 0)
        found.compare(totals.views, recounted, "views, by {}", _word(dimension))
    number = VISITORS.c.id
    rows, highest = connection.execute(select(func.count(), func.max(number))).one()
    found.compare(totals.visitors, rows, "visitors")
    found.compare(totals.visitors, highest or 0, "highest number of a visitor")
    return found


def _compare_references(connection: Connection, unknown_visitors: BitMap) -> Comparison:
    """Look for raw views of what is in no vocabulary."""
    found = Comparison(VIEWS.name)
    found.compared = connection.execute(select(func.count()).select_from(VIEWS)).scalar_one()
    goes_on = STEPS["leads"][1]
    of_any = ((*pair, true()) for pair in DIMENSIONS.values())
    for words, entry, fits in (*of_any, (PATHS, VIEWS.c.before_id, goes_on)):
        is_known = select(words.c.id).where(words.c.id == entry).exists()
        lost = select(entry, func.count()).where(~is_known, fits).group_by(entry).order_by(entry)
        for number, views in _stream(connection, lost):
            found.differ(f"{words.name} {number} of {views:,} views is unknown")
    number = VIEWS.c.visitor_id
    impossible = select(number).where(~_is_possible(number)).distinct().order_by(number)
    impossibles = (row[0] for row in _stream(connection, impossible))
    for visitor in chain(unknown_visitors, impossibles):
        found.differ(f"visitor {visitor} is unknown")
    return found


def _compare_numbers(connection: Connection, known: BitMap, seen: BitMap) -> Comparison:
    """Look for gaps in the numbers of visitors, and for numbers given twice."""
    found = Comparison(VISITORS.name)
    found.compared = connection.execute(select(func.count()).select_from(VISITORS)).scalar_one()
    everybody = known | seen
    highest = everybody.max() if everybody else 0
    for number in BitMap(range(1, highest + 1)) - known:
        found.differ(f"number {number} is missing")
    if len(known) < found.compared:
        found.differ(f"{found.compared - len(known):,} numbers are doubled or out of range")
    return found


def _compare_sets(connection: Connection, since: int) -> tuple[Comparison, Comparison, BitMap]:
    """Compare `DayVisitors` and `Visit`; also returns who has raw views."""
    sealed, recent, viewing = Comparison(DAY_VISITORS.name), Comparison(VISITS.name), BitMap()
    for some in day_sets(connection):
        viewing |= some.viewed
        if some.count is not None:
            sealed.compare(some.count, len(some.sealed), "count, {}", some)
        if some.day < since:
            continue
        if some.path != WHOLE_SITE:
            recent.compared += len(some.recent)
            for visitor in some.recent - some.viewed:
                recent.differ(f"visitor {visitor}, {some}: there is no such view")
        sealed.compared += 1
        stored = some.sealed | (some.recent & some.viewed)
        if stored != some.viewed:
            sealed.differ(f"{some}: {_tell_apart(stored, some.viewed)}")
    return sealed, recent, viewing


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
    columns = VIEWS.c.path_id, _in_wholes(VIEWS.c.at, SECONDS_PER_DAY), VIEWS.c.visitor_id
    statement = select(*columns).where(_is_possible(VIEWS.c.visitor_id)).order_by(*columns[:2])
    for place, rows in groupby(_stream(connection, statement), itemgetter(0, 1)):
        yield day_visitors_key(*place), BitMap([row[2] for row in rows])


def _recent_visitors(connection: Connection) -> dict[int, BitMap]:
    recent: defaultdict[int, BitMap] = defaultdict(BitMap)
    for (key,) in _stream(connection, select(VISITS.c.key)):
        day, visitor = key >> PATH_BITS + VISITOR_BITS, key >> PATH_BITS & MAX_VISITOR_ID
        recent[day_visitors_key(key & MAX_PATH_ID, day)].add(visitor)
    return recent


def _is_possible(visitor_id: Column[int]) -> ColumnElement[bool]:
    return visitor_id.between(1, MAX_VISITOR_ID)


def _tell_apart(stored: BitMap, recounted: BitMap) -> str:
    text = f"stored {len(stored):,}, recounted {len(recounted):,}"
    for word, some in (("missing", recounted - stored), ("too many", stored - recounted)):
        if some:
            text += f", {word}: {', '.join(map(str, some[:MAX_SHOWN]))}"
            text += ", ..." if len(some) > MAX_SHOWN else ""
    return text


def _word(dimension: int) -> str:
    return DIMENSIONS[dimension][0].name if dimension in DIMENSIONS else f"dimension {dimension}"


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
