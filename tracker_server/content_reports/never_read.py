"""Which pages nobody has read, and whether anybody could have found them."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.packing import day_of
from tracker_server.queries.moved import read_moves
from tracker_server.queries.site_pages import (
    IS_OFFERED,
    count_bot_views,
    count_links,
    count_views,
    number_of,
)
from tracker_server.statements import PAGES, PATHS, TOTALS
from tracker_server.tables import Column, ContentReport, Option, PageRef, Table, TableQuestion
from tracker_server.wire import as_date

_COLUMNS = (
    Column("path", "page"),
    Column("trail", "list"),
    Column("age", "days"),
    Column("links", "number"),
    Column("unlinked", "flag"),
    Column("bots", "number"),
)
_MIN_AGE = Option("min_age", 30, 0, 3_650)


@dataclass(frozen=True, slots=True)
class _Page:
    """What is known of a page before anybody has read it."""

    id: int
    ref: PageRef
    trail: tuple[str, ...]
    age: int | None
    """In days."""
    links: int | None
    """From how many pages there is one; ``None`` where the manifest does not say."""
    unlinked: bool
    """Whether nothing in the site leads to it."""


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the pages that nobody viewed, those first that nothing leads to, then the oldest."""
    of_days = connection, read_moves(connection), question.first_day, question.last_day
    views, bots = count_views(*of_days), count_bot_views(*of_days)
    pages = _read_pages(connection, question.today)
    unread = [page for page in pages if not views[page.id]]
    min_age = question.option(_MIN_AGE.name)
    old = sorted((page for page in unread if page.age is None or page.age >= min_age), key=_urgency)
    facts = {
        "pages": len(pages),
        "read": len(pages) - len(unread),
        "unread": len(old),
        "tooYoung": len(unread) - len(old),
        "countedFrom": _counted_from(connection, question.first_day),
    }
    rows = (
        (page.ref, page.trail, page.age, page.links, page.unlinked, bots[page.id]) for page in old
    )
    return Table(_COLUMNS, tuple(rows), facts, fact_kinds={"countedFrom": "day"})


REPORT = ContentReport("never-read", read, (_MIN_AGE,))


def _read_pages(connection: Connection, today: int) -> list[_Page]:
    columns, links = PAGES.c, count_links(connection)
    statement = select(
        *(columns.path_id, PATHS.c.text, columns.title, columns.nav, columns.trail),
        func.coalesce(columns.created, columns.date),
    )
    statement = statement.join_from(PAGES, PATHS, PATHS.c.id == columns.path_id).where(IS_OFFERED)
    pages = []
    for path_id, path, title, nav, trail, created in plain_rows(connection, statement):
        day = number_of(created)
        # Where no page has a link, the manifest does not say which there are.
        count = links.get(path_id, 0) if links else None
        pages.append(
            _Page(
                path_id,
                PageRef(path, title),
                tuple(json.loads(trail)) if trail else (),
                None if day is None else max(0, today - day),
                count,
                count == 0 and nav is None,
            )
        )
    return pages


def _urgency(page: _Page) -> tuple[bool, bool, int, str]:
    return not page.unlinked, page.age is not None, -(page.age or 0), page.ref.path


def _counted_from(connection: Connection, first_day: int) -> str | None:
    """Return the first of the days of which there are views, which may be later than asked for."""
    since = connection.execute(select(TOTALS.c.tracking_since)).scalar_one()
    return None if since is None else as_date(max(first_day, day_of(since)))
