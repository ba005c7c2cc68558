"""Which content tabs readers choose, of those that an author put side by side."""

from collections import Counter

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.queries.events import of_events
from tracker_server.queries.moved import read_moves
from tracker_server.queries.refs import read_refs
from tracker_server.statements import EVENT_COUNTS, LABELS
from tracker_server.tables import Column, ContentReport, Table, TableQuestion

_COLUMNS = (
    Column("path", "page"),
    Column("set", "number"),
    Column("tab", "text"),
    Column("choices", "number"),
    Column("share", "share"),
)


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the tabs that were chosen: sets with most choices first, in each its tabs likewise."""
    moves = read_moves(connection)
    columns = EVENT_COUNTS.c
    statement = (
        select(columns.path_id, columns.number, LABELS.c.text, func.sum(columns.count))
        .join_from(EVENT_COUNTS, LABELS, LABELS.c.id == columns.label_id)
        .where(*of_events(connection, moves, question, "tab"))
        .group_by(columns.path_id, columns.number, LABELS.c.text)
    )
    # PostgreSQL's sum is a decimal number.
    rows = moves.fold(plain_rows(connection, statement), keys=3)
    found = [(*row[:3], int(row[3])) for row in rows]
    pages = read_refs(connection, {row[0] for row in found})
    sets: Counter[tuple[int, int]] = Counter()
    for path_id, number, _label, count in found:
        sets[path_id, number] += count
    found.sort(key=lambda row: (-sets[row[:2]], pages[row[0]].path, row[1], -row[3], row[2]))
    table = tuple(
        # Scripts count from 0, people from 1.
        (pages[path_id], number + 1, label or None, count, round(count / sets[path_id, number], 4))
        for path_id, number, label, count in found
    )
    return Table(_COLUMNS, table, {"choices": sets.total(), "sets": len(sets), "pages": len(pages)})


REPORT = ContentReport("tabs", read, of_page=True)
