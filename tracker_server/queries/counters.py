"""Single numbers of single pages, for those who show them elsewhere."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, and_, func, select

from tracker_server.database import plain_rows
from tracker_server.queries.moved import Moves, read_moves
from tracker_server.queries.ranges import is_any
from tracker_server.schema import BY_PATH
from tracker_server.statements import ALL_TIME, PATHS, SESSIONS


def read_views(connection: Connection, paths: Collection[str]) -> dict[str, int]:
    """Read the views of all time by path; paths that were never viewed are left out.

    Those of former paths are their page's, and asked for by a former path it answers likewise.
    """
    moves = read_moves(connection)
    of_path = and_(ALL_TIME.c.key == PATHS.c.id, ALL_TIME.c.dimension == BY_PATH)
    statement = (
        select(PATHS.c.text, PATHS.c.id, ALL_TIME.c.count)
        .outerjoin_from(PATHS, ALL_TIME, of_path)
        .where(PATHS.c.text.in_(paths))
    )
    pages: dict[str, int] = {}
    views: dict[int, int] = {}
    for path, path_id, count in plain_rows(connection, statement):
        pages[path], views[path_id] = path_id, count or 0
    pages |= {path: moves.texts[path] for path in paths if path in moves.texts}
    concerned = moves.concerned & {*pages.values()}
    if concerned:
        counts = select(ALL_TIME.c.key, ALL_TIME.c.count).where(
            ALL_TIME.c.dimension == BY_PATH, is_any(ALL_TIME.c.key, moves.paths_of(*concerned))
        )
        views |= dict(moves.fold(plain_rows(connection, counts)))
    return {path: views[page] for path, page in pages.items() if views.get(page)}


def read_readers(connection: Connection, now: int, session_timeout_seconds: int) -> dict[str, int]:
    """Read how many sessions are on each path at a moment; paths without any are left out.

    Those on a former path are on the page, whichever of the two is asked for.
    """
    moves = read_moves(connection)
    pages = count_active(connection, moves, now, session_timeout_seconds)
    statement = select(PATHS.c.id, PATHS.c.text).where(is_any(PATHS.c.id, pages.keys()))
    texts = dict(plain_rows(connection, statement)) if pages else {}
    readers = {texts[page]: count for page, count in pages.items()}
    return readers | {path: pages[page] for path, page in moves.texts.items() if page in pages}


def count_active(
    connection: Connection, moves: Moves, now: int, session_timeout_seconds: int
) -> dict[int, int]:
    """Return how many sessions are active, by id of page."""
    statement = (
        select(SESSIONS.c.path_id, func.count())
        .where(is_active(now, session_timeout_seconds))
        .group_by(SESSIONS.c.path_id)
    )
    return dict(moves.fold(plain_rows(connection, statement)))


def is_active(now: int, session_timeout_seconds: int) -> ColumnElement[bool]:
    """Return the condition that a session reads at a moment."""
    # By distance: after the clock was set back, rows from the future would otherwise stay active
    # until it has caught up.
    return func.abs(SESSIONS.c.last_seen - now) < session_timeout_seconds
