"""What readers think of each page: ratings against how often it was read."""

from dataclasses import replace

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.grains import ALL
from tracker_server.queries.events import of_events
from tracker_server.queries.moved import Moves, read_moves
from tracker_server.queries.readings import read_readings
from tracker_server.queries.refs import read_refs
from tracker_server.schema import WHOLE_SITE
from tracker_server.statements import EVENT_COUNTS
from tracker_server.tables import Column, ContentReport, Kind, Table, TableQuestion

_COLUMNS = (
    Column("path", "page"),
    Column("reads", "number"),
    Column("positive", "number"),
    Column("negative", "number"),
    Column("ratePerThousand", "decimal"),
    Column("positiveShare", "share"),
    Column("shareChange", "share"),
)
_FACT_KINDS: dict[str, Kind] = {"positiveShare": "share", "ratePerThousand": "decimal"}

_Ratings = tuple[int, int]
"""How many were positive, and how many negative."""


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the pages that were rated, those first with most negative ratings."""
    days = question.first_day, question.last_day
    moves = read_moves(connection)
    ratings = _read_ratings(connection, moves, question)
    before: dict[int, _Ratings] = {}
    if question.period != ALL:
        before = _read_ratings(connection, moves, _days_before(question))
    readings = read_readings(connection, moves, *days, {WHOLE_SITE, *ratings})
    pages = read_refs(connection, ratings)
    rows = []
    for path_id, rated in ratings.items():
        reads = readings[path_id].loads
        share = _share(rated)
        share_before = _share(before.get(path_id, (0, 0)))
        change = None
        if share is not None and share_before is not None:
            change = round(share - share_before, 4)
        rows.append((pages[path_id], reads, *rated, _rate(rated, reads), share, change))
    rows.sort(key=lambda row: (-row[3], row[2], row[0].path))
    whole = sum(row[2] for row in rows), sum(row[3] for row in rows)
    facts = {
        "ratings": sum(whole),
        "positiveShare": _share(whole),
        "ratePerThousand": _rate(whole, readings[WHOLE_SITE].loads),
    }
    return Table(_COLUMNS, tuple(rows), facts, fact_kinds=_FACT_KINDS)


REPORT = ContentReport("feedback", read)


def _days_before(question: TableQuestion) -> TableQuestion:
    length = question.last_day - question.first_day + 1
    first = question.first_day - length
    return replace(question, first_day=first, last_day=question.first_day - 1)


def _read_ratings(
    connection: Connection, moves: Moves, question: TableQuestion
) -> dict[int, _Ratings]:
    columns = EVENT_COUNTS.c
    statement = (
        select(columns.path_id, func.sum(columns.total), func.sum(columns.zeros))
        .where(*of_events(connection, moves, question, "feedback"))
        .group_by(columns.path_id)
    )
    # PostgreSQL's sum is a decimal number.
    rows = moves.fold(plain_rows(connection, statement))
    return {path_id: (int(positive), int(negative)) for path_id, positive, negative in rows}


def _share(ratings: _Ratings) -> float | None:
    """Return which share was positive; ``None`` without a rating."""
    return round(ratings[0] / sum(ratings), 4) if any(ratings) else None


def _rate(ratings: _Ratings, reads: int) -> float | None:
    """Return how many ratings there were to a thousand reads; ``None`` without a read."""
    return round(sum(ratings) * 1_000 / reads, 1) if reads else None
