"""Which content tabs readers choose, of those that an author put side by side."""

from collections import Counter

from sqlalchemy import Connection

from tracker_server.queries.events import count_by_label
from tracker_server.queries.moved import read_moves
from tracker_server.queries.refs import read_refs
from tracker_server.tables import Column, ContentReport, Table, TableQuestion, share_of

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
    found = count_by_label(connection, moves, question, "tab")
    pages = read_refs(connection, {row[0] for row in found})
    sets: Counter[tuple[int, int]] = Counter()
    for path_id, number, _label, count in found:
        sets[path_id, number] += count
    found.sort(key=lambda row: (-sets[row[:2]], pages[row[0]].path, row[1], -row[3], row[2]))
    rows = tuple(
        # Scripts count from 0, people from 1.
        (pages[path_id], number + 1, label or None, count, share_of(count, sets[path_id, number]))
        for path_id, number, label, count in found
    )
    return Table(_COLUMNS, rows, {"choices": sets.total(), "sets": len(sets), "pages": len(pages)})


REPORT = ContentReport("tabs", read, of_page=True)
