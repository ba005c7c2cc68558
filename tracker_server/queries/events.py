"""Which rows of `event_count` a content report is about."""

from sqlalchemy import ColumnElement, select

from tracker_server.model import EVENTS
from tracker_server.statements import EVENT_COUNTS, PATHS
from tracker_server.tables import TableQuestion


def of_events(question: TableQuestion, *names: str) -> list[ColumnElement[bool]]:
    """Return the conditions of these events, of the days and, where it is about one, of the page.

    Args:
        question: what the report is about.
        names: keys of `EVENTS`.
    """
    columns = EVENT_COUNTS.c
    conditions: list[ColumnElement[bool]] = [
        columns.day.between(question.first_day, question.last_day),
        columns.event.in_([EVENTS[name] for name in names]),
    ]
    if question.page is not None:
        page = select(PATHS.c.id).where(PATHS.c.text == question.page)
        conditions.append(columns.path_id == page.scalar_subquery())
    return conditions
