"""Which rows of `event_count` a content report is about, and what they come to."""

from sqlalchemy import ColumnElement, Connection, false, func, select

from tracker_server.database import plain_rows
from tracker_server.model import EVENTS
from tracker_server.queries.moved import Moves, find_page
from tracker_server.queries.ranges import is_any
from tracker_server.statements import EVENT_COUNTS, LABELS
from tracker_server.tables import TableQuestion


def of_events(
    connection: Connection, moves: Moves, question: TableQuestion, *names: str
) -> list[ColumnElement[bool]]:
    """Return the conditions of these events, of the days and, where it is about one, of the page.

    Args:
        connection: for reading.
        moves: which paths are a page's.
        question: what the report is about.
        names: keys of `EVENTS`.
    """
    columns = EVENT_COUNTS.c
    conditions: list[ColumnElement[bool]] = [
        columns.day.between(question.first_day, question.last_day),
        columns.event.in_([EVENTS[name] for name in names]),
    ]
    if question.page is not None:
        page = find_page(connection, moves, question.page)
        is_of_page = is_any(columns.path_id, moves.paths_of(page)) if page is not None else false()
        conditions.append(is_of_page)
    return conditions


def count_by_label(
    connection: Connection, moves: Moves, question: TableQuestion, name: str
) -> list[tuple[int, int, str, int]]:
    """Return how often an event came: page, number of the block or set, label, and how often."""
    columns = EVENT_COUNTS.c
    statement = (
        select(columns.path_id, columns.number, LABELS.c.text, func.sum(columns.count))
        .join_from(EVENT_COUNTS, LABELS, LABELS.c.id == columns.label_id)
        .where(*of_events(connection, moves, question, name))
        .group_by(columns.path_id, columns.number, LABELS.c.text)
    )
    rows = moves.fold(plain_rows(connection, statement), keys=3)
    # PostgreSQL's sum is a decimal number.
    return [(path_id, number, label, int(count)) for path_id, number, label, count in rows]
