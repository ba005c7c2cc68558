"""Paths and titles of pages by the ids of their paths."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from tracker_server.database import plain_rows
from tracker_server.statements import PAGES, PATHS
from tracker_server.tables import PageRef
from tracker_server.vocabulary import MAX_VARIABLES


def read_refs(connection: Connection, path_ids: Collection[int]) -> dict[int, PageRef]:
    """Return what is known of some paths; those without a page have no title."""
    statement = select(PATHS.c.id, PATHS.c.text, PAGES.c.title)
    statement = statement.outerjoin_from(PATHS, PAGES, PAGES.c.path_id == PATHS.c.id)
    ordered = sorted(path_ids)
    found = {}
    for start in range(0, len(ordered), MAX_VARIABLES):
        some = statement.where(PATHS.c.id.in_(ordered[start : start + MAX_VARIABLES]))
        for path_id, path, title in plain_rows(connection, some):
            found[path_id] = PageRef(path, title)
    return found
