"""Single numbers of single pages, for those who show them elsewhere."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, func, select

from tracker_server.schema import BY_PATH
from tracker_server.statements import ALL_TIME, PATHS, SESSIONS


def read_views(connection: Connection, paths: Collection[str]) -> dict[str, int]:
    """Read the views of all time by path; paths that were never viewed are left out."""
    statement = (
        select(PATHS.c.text, ALL_TIME.c.count)
        .join(ALL_TIME, ALL_TIME.c.key == PATHS.c.id)
        .where(ALL_TIME.c.dimension == BY_PATH, PATHS.c.text.in_(paths))
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def read_readers(connection: Connection, now: int, session_timeout_seconds: int) -> dict[str, int]:
    """Read how many sessions are on each path at a moment; paths without any are left out."""
    statement = (
        select(PATHS.c.text, func.count())
        .join(SESSIONS, SESSIONS.c.path_id == PATHS.c.id)
        .where(is_active(now, session_timeout_seconds))
        .group_by(PATHS.c.text)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def is_active(now: int, session_timeout_seconds: int) -> ColumnElement[bool]:
    """Return the condition that a session reads at a moment."""
    # By distance: after the clock was set back, rows from the future would otherwise stay active
    # until it has caught up.
    return func.abs(SESSIONS.c.last_seen - now) < session_timeout_seconds
