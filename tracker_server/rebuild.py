"""Makes the roll-ups anew from the raw rows."""

from collections.abc import Sequence

from sqlalchemy import Column, Connection, delete, func, insert, select, update

from tracker_server.audit import compare_runs
from tracker_server.grains import HOURS_PER_DAY
from tracker_server.packing import day_visitors_key, visit_key
from tracker_server.recount import (
    DIMENSIONS,
    begun_runs,
    day_sets,
    known_visitors,
    read_totals,
    recounted_days,
    recounted_hours,
    summed_days,
)
from tracker_server.schema import WHOLE_SITE
from tracker_server.statements import (
    ALL_TIME,
    DAY_VISITORS,
    DAYS,
    HOURS,
    RUNS,
    TOTALS,
    VISITS,
    Statements,
)
from tracker_server.vocabulary import MAX_VARIABLES


def rebuild(connection: Connection, statements: Statements) -> None:
    """Make every roll-up anew for the days of which the raw views are there; keep earlier days.

    Args:
        connection: in a transaction of a writer; the lock is taken here.
        statements: those of the database.
    """
    statements.first_totals.run(connection, [()])
    statements.lock.fetch(connection)
    since = read_totals(connection).raw_since
    highest = _rebuild_sets(connection, statements, since)
    _rebuild_counts(connection, since)
    if compare_runs(connection, since).differing:
        connection.execute(delete(RUNS))
        connection.execute(insert(RUNS).from_select(["after_id", "day"], begun_runs()))
        connection.execute(update(TOTALS).values(run_day=-1))
    views = select(func.coalesce(func.sum(HOURS.c.count), 0)).scalar_subquery()
    connection.execute(update(TOTALS).values(views=views, visitors=highest))


def _rebuild_sets(connection: Connection, statements: Statements, since: int) -> int:
    """Make the sets of visitors anew; returns the highest number of a visitor.

    Who is in `Visit` gets into a set when the window has left that row behind, as ever:
    where nothing was wrong nothing changes.
    """
    visitors = known_visitors(connection)
    rows: list[tuple[int, int, bytes]] = []
    empty: list[int] = []
    unfounded: list[int] = []
    for some in day_sets(connection):
        visitors |= some.viewed
        if some.day < since:
            continue
        if some.path != WHOLE_SITE:
            lost = some.recent - some.viewed
            unfounded += (visit_key(some.day, visitor, some.path) for visitor in lost)
        members = (some.viewed & some.sealed) | (some.viewed - some.recent)
        key = day_visitors_key(some.path, some.day)
        if members and (members != some.sealed or len(members) != some.count):
            members.run_optimize()
            rows.append((key, len(members), members.serialize()))
        elif not members and some.count is not None:
            empty.append(key)
    statements.keep_day_visitors.run(connection, rows)
    _remove(connection, DAY_VISITORS.c.key, empty)
    _remove(connection, VISITS.c.key, unfounded)
    return visitors.max() if visitors else 0


def _remove(connection: Connection, key: "Column[int]", keys: Sequence[int]) -> None:
    for start in range(0, len(keys), MAX_VARIABLES):
        some = keys[start : start + MAX_VARIABLES]
        connection.execute(delete(key.table).where(key.in_(some)))


def _rebuild_counts(connection: Connection, since: int) -> None:
    connection.execute(delete(HOURS).where(HOURS.c.hour >= since * HOURS_PER_DAY))
    connection.execute(insert(HOURS).from_select(["hour", "count"], recounted_hours(since)))
    connection.execute(delete(DAYS).where(DAYS.c.day >= since))
    for dimension in DIMENSIONS:
        rows = recounted_days(dimension, since)
        connection.execute(insert(DAYS).from_select(list(DAYS.c.keys()), rows))
    connection.execute(delete(ALL_TIME))
    connection.execute(insert(ALL_TIME).from_select(["dimension", "key", "count"], summed_days()))
