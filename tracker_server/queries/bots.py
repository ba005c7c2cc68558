"""What programs viewed."""

from collections import Counter

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.figures import Count
from tracker_server.queries.breakdown import largest
from tracker_server.queries.moved import Moves
from tracker_server.queries.ranges import is_any
from tracker_server.schema import ANY_BOT, WHOLE_SITE
from tracker_server.statements import BOT_COUNTS, BOTS


def read_bots(
    connection: Connection, first_day: int, last_day: int, max_rows: int
) -> tuple[Count, ...]:
    """Return the programs that viewed most."""
    columns = BOT_COUNTS.c
    statement = (
        select(BOTS.c.text, func.sum(columns.count))
        .join_from(BOT_COUNTS, BOTS, BOTS.c.id == columns.bot_id)
        .where(columns.day.between(first_day, last_day), columns.path_id == WHOLE_SITE)
        .group_by(BOTS.c.text)
    )
    rows = plain_rows(connection, statement)
    return largest(Counter({text: int(count) for text, count in rows}), max_rows)


def read_bot_views(
    connection: Connection, moves: Moves, first_day: int, last_day: int, path_id: int
) -> int:
    """Return how often programs viewed a page, or with `WHOLE_SITE` any."""
    columns = BOT_COUNTS.c
    if path_id == WHOLE_SITE:
        of_path = columns.path_id != WHOLE_SITE
    else:
        of_path = is_any(columns.path_id, moves.paths_of(path_id))
    statement = select(func.coalesce(func.sum(columns.count), 0)).where(
        columns.day.between(first_day, last_day), columns.bot_id == ANY_BOT, of_path
    )
    return int(connection.execute(statement).scalar_one())
