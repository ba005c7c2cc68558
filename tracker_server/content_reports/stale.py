"""Which pages are read much although nobody has looked after them for long."""

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.queries.moved import read_moves
from tracker_server.queries.site_pages import IS_OFFERED, count_views, number_of
from tracker_server.statements import PAGES, PATHS
from tracker_server.tables import (
    Column,
    ContentReport,
    Option,
    PageRef,
    Table,
    TableQuestion,
    share_of,
)
from tracker_server.wire import as_date

_COLUMNS = (
    Column("path", "page"),
    Column("views", "number"),
    Column("updated", "day"),
    Column("days", "days"),
    Column("score", "number"),
)
_MIN_DAYS = Option("min_days", 180, 0, 3_650)


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the pages that have not changed for long, by views times days since then."""
    views = count_views(connection, read_moves(connection), question.first_day, question.last_day)
    columns = PAGES.c
    changed = func.coalesce(columns.updated, columns.created)
    statement = select(columns.path_id, PATHS.c.text, columns.title, changed)
    statement = statement.join_from(PAGES, PATHS, PATHS.c.id == columns.path_id).where(IS_OFFERED)
    rows: list[tuple[PageRef, int, str, int, int]] = []
    min_days = question.option(_MIN_DAYS.name)
    pages = undated = total = 0
    for path_id, path, title, latest in plain_rows(connection, statement):
        pages += 1
        count = views[path_id]
        total += count
        day = number_of(latest)
        if day is None:
            undated += 1
            continue
        days = max(0, question.today - day)
        if count and days >= min_days:
            rows.append((PageRef(path, title), count, as_date(day), days, count * days))
    rows.sort(key=lambda row: (-row[4], -row[1], row[0].path))
    facts = {
        "pages": pages,
        "undated": undated,
        "stale": len(rows),
        "staleShare": share_of(sum(row[1] for row in rows), total),
    }
    return Table(_COLUMNS, tuple(rows), facts, fact_kinds={"staleShare": "share"})


REPORT = ContentReport("stale", read, (_MIN_DAYS,))
