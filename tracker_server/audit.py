"""Compares the roll-ups with a recount of the raw rows (`recount`), and says what differs."""

from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from pyroaring import BitMap
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.exc import DatabaseError

from tracker_server.grains import HOURS_PER_DAY
from tracker_server.packing import SECONDS_PER_DAY, day_visitors_key
from tracker_server.readings import BOUNCED_ACTIVE, BOUNCED_DEPTH
from tracker_server.recount import (
    DIMENSIONS,
    STEPS,
    TotalsRow,
    date_of,
    day_sets,
    in_wholes,
    is_possible,
    known_visitors,
    read_totals,
    recounted_hours,
    recounted_views,
    stream,
    sum_of,
    summed_days,
)
from tracker_server.runs import LAST_DAY, of_days, read_spans
from tracker_server.schema import BY_CAMPAIGN, BY_PATH, WHOLE_SITE
from tracker_server.statements import (
    ALL_TIME,
    DAY_READ,
    DAY_READINGS,
    DAY_VISITORS,
    DAYS,
    HOURS,
    PATHS,
    READINGS,
    RUNS,
    TOTALS,
    VIEWS,
    VISITORS,
    VISITS,
)

MAX_SHOWN = 3
"""How many differences of a table are told one by one."""


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
        _compare_readings(connection),
        _compare_totals(connection, totals),
    ]


def compare_runs(connection: Connection, since: int) -> Comparison:
    """Look for views that are outside the runs of their day."""
    found = Comparison(RUNS.name)
    spans = read_spans(connection, since, LAST_DAY)
    day: Any = in_wholes(VIEWS.c.at, SECONDS_PER_DAY)
    of_day = select(day, func.count()).where(VIEWS.c.at >= since * SECONDS_PER_DAY).group_by(day)
    for number, views in connection.execute(of_day.order_by(day)).all():
        inside = 0
        for after, last in spans.get(number, []):
            some = select(func.count()).select_from(VIEWS)
            some = some.where(VIEWS.c.id > after, VIEWS.c.id <= last, *of_days(number, number))
            inside += connection.execute(some).scalar_one()
        found.compared += 1
        if inside != views:
            found.differ(f"views on {date_of(number)}: in runs {inside:,}, in all {views:,}")
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
    for hour, *counts in stream(connection, _beside(stored, recounted_hours(since), "hour")):
        found.compare(*counts, "{} {}:00 UTC", date_of(hour // 24), hour % 24)
    return found


def _compare_days(connection: Connection, since: int) -> Comparison:
    found = Comparison(DAYS.name)
    for dimension, (words, entry, has_one) in DIMENSIONS.items():
        columns = {"count": (entry, has_one)} | STEPS.get(dimension, {})
        for name, of_views in columns.items():
            stored = select(DAYS.c.day, DAYS.c.key, DAYS.c[name].label("count"))
            stored = stored.where(DAYS.c.dimension == dimension, DAYS.c.day >= since)
            stored = stored.where(DAYS.c[name] != 0)
            recounted = recounted_views(of_views[0], of_views[1], since)
            beside = _beside(stored, recounted, "day", "key")
            what = words.name if name == "count" else f"{name} of {words.name}"
            for day, key, *counts in stream(connection, beside):
                found.compare(*counts, "{} {} on {}", what, key, date_of(day))
    return found


def _compare_all_time(connection: Connection) -> Comparison:
    found = Comparison(ALL_TIME.name)
    beside = _beside(select(ALL_TIME), summed_days(), "dimension", "key")
    for dimension, entry, *counts in stream(connection, beside):
        found.compare(*counts, "{} {}", _word(dimension), entry)
    return found


def _compare_totals(connection: Connection, totals: TotalsRow) -> Comparison:
    found = Comparison(TOTALS.name)
    hours = connection.execute(select(func.coalesce(sum_of(HOURS.c.count), 0))).scalar_one()
    found.compare(totals.views, hours, "views, by hour")
    entry = ALL_TIME.c.dimension
    sums = select(entry, sum_of(ALL_TIME.c.count)).group_by(entry)
    by_dimension = {row[0]: row[1] for row in connection.execute(sums)}
    # Few views have a campaign, and no total says how many.
    for dimension in sorted((DIMENSIONS.keys() | by_dimension.keys()) - {BY_CAMPAIGN}):
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
    goes_on = STEPS[BY_PATH]["leads"][1]
    for words, entry, fits in (*DIMENSIONS.values(), (PATHS, VIEWS.c.before_id, goes_on)):
        is_known = select(words.c.id).where(words.c.id == entry).exists()
        lost = select(entry, func.count()).where(~is_known, fits).group_by(entry).order_by(entry)
        for number, views in stream(connection, lost):
            found.differ(f"{words.name} {number} of {views:,} views is unknown")
    number = VIEWS.c.visitor_id
    impossible = select(number).where(~is_possible(number)).distinct().order_by(number)
    impossibles = (row[0] for row in stream(connection, impossible))
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


def _compare_readings(connection: Connection) -> Comparison:
    """Compare how the site was read with how its paths were, and classes with page loads."""
    found = Comparison(DAY_READINGS.name)
    columns = DAY_READINGS.c
    path_id: Any = columns.key.bitwise_rshift(literal_column("16"))
    of_day: Any = columns.key.bitwise_and(literal_column("65535"))
    is_site = columns.key < day_visitors_key(WHOLE_SITE + 1, 0)
    of_site = [sum_of(case((is_site, columns[name]), else_=0)) for name in DAY_READ]
    of_paths = [sum_of(case((is_site, 0), else_=columns[name])) for name in DAY_READ]
    days = select(of_day, *of_site, *of_paths).group_by(of_day).order_by(of_day)
    for day, *sums in stream(connection, days):
        pairs = zip(DAY_READ, sums[: len(DAY_READ)], sums[len(DAY_READ) :], strict=True)
        for name, stored, recounted in pairs:
            found.compare(stored, recounted, "{} of the site on {}", name, date_of(day))
    classes = [columns[name] for name in _classes()]
    of_one = classes[0] + classes[1] + classes[2]
    impossible = or_(of_one > columns.loads, *(column < 0 for column in classes))
    rows = select(path_id, of_day, columns.loads, of_one).where(impossible).order_by(columns.key)
    for path, day, loads, of_classes in stream(connection, rows):
        found.differ(
            f"path {path} on {date_of(day)}: {loads:,} page loads, {of_classes:,} of a class"
        )
    _compare_known_loads(connection, found)
    return found


def _compare_known_loads(connection: Connection, found: Comparison) -> None:
    """Look for page loads that are still known and in no sum."""
    columns = READINGS.c
    place = columns.path_id, columns.day
    conditions = {"loads": true(), **_classes()}
    counts = [
        sum_of(case((condition, 1), else_=0)).label(name) for name, condition in conditions.items()
    ]
    known = select(*place, *counts).group_by(*place).subquery()
    key = cast(known.c.path_id, BigInteger) * literal_column("65536") + known.c.day
    stored = [func.coalesce(DAY_READINGS.c[name], 0) for name in conditions]
    rows = select(known, *stored).outerjoin_from(known, DAY_READINGS, DAY_READINGS.c.key == key)
    rows = rows.order_by(known.c.path_id, known.c.day)
    for path, day, *numbers in stream(connection, rows):
        sums = zip(conditions, numbers[len(counts) :], numbers[: len(counts)], strict=True)
        for name, of_day, still_known in sums:
            found.compared += 1
            if of_day < still_known:
                found.differ(
                    f"{name} of path {path} on {date_of(day)}: "
                    f"stored {of_day:,}, still known {still_known:,}"
                )


def _classes() -> dict[str, ColumnElement[bool]]:
    """Return when a page load is of which class, see `readings.class_of`."""
    columns = READINGS.c
    is_read, is_searched = columns.completed != 0, columns.searched != 0
    is_short = and_(columns.active < BOUNCED_ACTIVE, columns.depth < BOUNCED_DEPTH)
    return {
        "completed": is_read,
        "searched": and_(~is_read, is_searched),
        "bounced": and_(~is_read, ~is_searched, is_short),
    }


def _tell_apart(stored: BitMap, recounted: BitMap) -> str:
    text = f"stored {len(stored):,}, recounted {len(recounted):,}"
    for word, some in (("missing", recounted - stored), ("too many", stored - recounted)):
        if some:
            text += f", {word}: {', '.join(map(str, some[:MAX_SHOWN]))}"
            text += ", ..." if len(some) > MAX_SHOWN else ""
    return text


def _word(dimension: int) -> str:
    return DIMENSIONS[dimension][0].name if dimension in DIMENSIONS else f"dimension {dimension}"
