"""The pages that a site offers to readers, and how often each was viewed in some days."""

from collections import Counter
from datetime import date

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, select

from tracker_server.database import plain_rows
from tracker_server.queries.moved import Moves
from tracker_server.schema import ANY_BOT, BY_PATH
from tracker_server.statements import BOT_COUNTS, DAYS, LINKS, PAGES, PATHS

IS_OFFERED: ColumnElement[bool] = and_(
    PAGES.c.published.is_(True), PAGES.c.generated.is_(False), PAGES.c.type != "stats"
)
"""Whether a page was written to be read: no draft, no listing, not the page of the statistics."""
_EPOCH = date(1970, 1, 1)
_LINKS = (
    select(LINKS.c.to_id)
    .join_from(LINKS, PAGES, PAGES.c.path_id == LINKS.c.from_id)
    .where(PAGES.c.published.is_(True))
)


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


def read_site_language(connection: Connection) -> str | None:
    """Return the language of the front page, where the manifest says one."""
    statement = select(PAGES.c.language).join_from(PAGES, PATHS, PATHS.c.id == PAGES.c.path_id)
    found: str | None = connection.execute(statement.where(PATHS.c.text == "/")).scalar()
    return found


def count_links(connection: Connection) -> dict[int, int]:
    """Return from how many other published pages each page is linked to, by the id of its path."""
    statement = _LINKS.add_columns(func.count()).group_by(LINKS.c.to_id)
    return dict(plain_rows(connection, statement))


def count_links_to(connection: Connection, path_id: int) -> int | None:
    """Return from how many other published pages one page is linked to.

    `None` for a path that the manifest does not have, and where it names no link of any page.
    """
    is_page = exists().where(PAGES.c.path_id == path_id)
    if not connection.execute(select(_LINKS.exists() & is_page)).scalar_one():
        return None
    links = _LINKS.where(LINKS.c.to_id == path_id).subquery()
    return int(connection.execute(select(func.count()).select_from(links)).scalar_one())


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
