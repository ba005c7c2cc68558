"""What readers wrote beside their ratings."""

from typing import Any

from sqlalchemy import Connection, case, func, select

from tracker_server.database import plain_rows
from tracker_server.queries.events import of_events
from tracker_server.queries.moved import read_moves
from tracker_server.queries.refs import read_refs
from tracker_server.statements import EVENT_COUNTS, LABELS
from tracker_server.tables import Column, ContentReport, Table, TableQuestion
from tracker_server.wire import as_date

_COLUMNS = (
    Column("path", "page"),
    Column("rating", "term"),
    Column("comment", "text"),
    Column("count", "number"),
    Column("firstDay", "day"),
)


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the comments, the latest first, of a day the negative ones."""
    moves = read_moves(connection)
    columns = EVENT_COUNTS.c
    # Of a day, a page and a text the ratings are added up, but the negative ones are counted too.
    numbers = columns.zeros, columns.total
    statement = (
        select(
            columns.path_id,
            LABELS.c.text,
            *(func.sum(number) for number in numbers),
            *(func.min(case((number > 0, columns.day))) for number in numbers),
        )
        .join_from(EVENT_COUNTS, LABELS, LABELS.c.id == columns.label_id)
        .where(*of_events(connection, moves, question, "feedback"), LABELS.c.text != "")
        .group_by(columns.path_id, LABELS.c.text)
    )
    found = []
    rows = moves.fold(plain_rows(connection, statement), 2, _unite)
    for path_id, text, negative, positive, first_negative, first_positive in rows:
        if negative:
            found.append((path_id, "negative", text, int(negative), first_negative))
        if positive:
            found.append((path_id, "positive", text, int(positive), first_positive))
    pages = read_refs(connection, {row[0] for row in found})
    comments = [(pages[path_id], *more) for path_id, *more in found]
    comments.sort(key=lambda row: (-row[4], row[1], -row[3], row[0].path, row[2]))
    facts = {
        "comments": sum(row[3] for row in comments),
        "negative": sum(row[3] for row in comments if row[1] == "negative"),
    }
    return Table(_COLUMNS, tuple((*row[:4], as_date(row[4])) for row in comments), facts)


REPORT = ContentReport("comments", read, of_page=True)


def _unite(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, ...]:
    """Add up how many there were, and keep the earlier of the days, where there was one."""
    sums = (a + b for a, b in zip(one[:2], other[:2], strict=True))
    days = zip(one[2:], other[2:], strict=True)
    return *sums, *(min((day for day in two if day is not None), default=None) for two in days)
