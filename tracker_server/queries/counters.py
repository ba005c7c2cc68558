"""Single numbers of single pages, for those who show them elsewhere."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from tracker_server.schema import BY_PATH
from tracker_server.statements import ALL_TIME, PATHS


def read_views(connection: Connection, paths: Collection[str]) -> dict[str, int]:
    """Read the views of all time by path; paths that were never viewed are left out."""
    statement = (
        select(PATHS.c.text, ALL_TIME.c.count)
        .join(ALL_TIME, ALL_TIME.c.key == PATHS.c.id)
        .where(ALL_TIME.c.dimension == BY_PATH, PATHS.c.text.in_(paths))
    )
    return {row[0]: row[1] for row in connection.execute(statement)}
