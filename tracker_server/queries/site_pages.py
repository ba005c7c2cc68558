"""The pages that a site offers to readers, and how often each was viewed in some days."""

from collections import Counter
from datetime import date

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from tracker_server.database import plain_rows
from tracker_server.queries.moved import Moves
from tracker_server.schema import ANY_BOT, BY_PATH
from tracker_server.statements import BOT_COUNTS, DAYS, PAGES

IS_OFFERED: ColumnElement[bool] = and_(
    PAGES.c.published.is_(True), PAGES.c.generated.is_(False), PAGES.c.type != "stats"
)
"""Whether a page was written to be read: no draft, no listing, not the page of the statistics."""
_EPOCH = date(1970, 1, 1)


def count_views(
    connection: Connection, moves: Moves, first_day: int, last_day: int
) -> Counter[int]:
    """Return the views of readers by the id of the path; those of its former paths are a page's."""
    return _count(
        connection,
        moves,
        select(DAYS.c.key, func.sum(DAYS.c.count))
        .where(DAYS.c.dimension == BY_PATH, DAYS.c.day.between(first_day, last_day))
        .group_by(DAYS.c.key),
    )


def count_bot_views(
    connection: Connection, moves: Moves, first_day: int, last_day: int
) -> Counter[int]:
    """Return the views of programs, likewise."""
    columns = BOT_COUNTS.c
    return _count(
        connection,
        moves,
        select(columns.path_id, func.sum(columns.count))
        .where(columns.day.between(first_day, last_day), columns.bot_id == ANY_BOT)
        .group_by(columns.path_id),
    )


def number_of(day: date | str | None) -> int | None:
    """Return a day, as either database has it, as the number of days since the epoch."""
    if day is None:
        return None
    return ((date.fromisoformat(day) if isinstance(day, str) else day) - _EPOCH).days


def _count(
    connection: Connection, moves: Moves, statement: Select[tuple[int, int]]
) -> Counter[int]:
    rows = moves.fold(plain_rows(connection, statement))
    # PostgreSQL's sum is a decimal number.
    return Counter({path: int(count) for path, count in rows})
