"""Which code blocks readers copy: the block and its language, never what is in it."""

from sqlalchemy import Connection

from tracker_server.queries.events import count_by_label
from tracker_server.queries.moved import read_moves
from tracker_server.queries.readings import read_readings
from tracker_server.queries.refs import read_refs
from tracker_server.tables import Column, ContentReport, Table, TableQuestion

_COLUMNS = (
    Column("path", "page"),
    Column("block", "number"),
    Column("language", "text"),
    Column("copies", "number"),
    Column("copiesPerHundred", "decimal"),
)


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the code blocks that were copied, those first that were copied most often."""
    moves = read_moves(connection)
    found = count_by_label(connection, moves, question, "copy")
    path_ids = {row[0] for row in found}
    pages = read_refs(connection, path_ids)
    readings = read_readings(connection, moves, question.first_day, question.last_day, path_ids)
    rows = []
    for path_id, number, language, copies in found:
        reads = readings[path_id].loads
        rate = round(copies * 100 / reads, 1) if reads else None
        # Scripts count from 0, people from 1.
        rows.append((pages[path_id], number + 1, language or None, copies, rate))
    rows.sort(key=lambda row: (-row[3], row[0].path, row[1], row[2] or ""))
    facts = {"copies": sum(row[3] for row in rows), "pages": len(path_ids)}
    return Table(_COLUMNS, tuple(rows), facts)


REPORT = ContentReport("code-copies", read, of_page=True)
