"""Where readers leave the site to, and what they download."""

from collections import Counter

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.model import EVENTS
from tracker_server.queries.events import of_events
from tracker_server.queries.moved import read_moves
from tracker_server.queries.refs import read_refs
from tracker_server.statements import EVENT_COUNTS, LABELS
from tracker_server.tables import Column, ContentReport, Table, TableQuestion

_COLUMNS = (
    Column("path", "page"),
    # A text: an address that a reader sent is no link that its owner should follow.
    Column("target", "text"),
    Column("linkKind", "term"),
    Column("clicks", "number"),
)
_KINDS = {EVENTS[name]: name for name in ("outbound", "download")}


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read links and pages they are on, those first that were followed most often."""
    moves = read_moves(connection)
    columns = EVENT_COUNTS.c
    statement = (
        select(columns.path_id, LABELS.c.text, columns.event, func.sum(columns.count))
        .join_from(EVENT_COUNTS, LABELS, LABELS.c.id == columns.label_id)
        .where(*of_events(connection, moves, question, *_KINDS.values()))
        .group_by(columns.path_id, LABELS.c.text, columns.event)
    )
    found = moves.fold(plain_rows(connection, statement), keys=3)
    pages = read_refs(connection, {row[0] for row in found})
    rows = [
        # PostgreSQL's sum is a decimal number.
        (pages[path_id], target, _KINDS[event], int(count))
        for path_id, target, event, count in found
    ]
    rows.sort(key=lambda row: (-row[3], row[1], row[0].path, row[2]))
    clicks: Counter[str] = Counter()
    for _page, _target, kind, count in rows:
        clicks[kind] += count
    return Table(_COLUMNS, tuple(rows), {name: clicks[name] for name in _KINDS.values()})


REPORT = ContentReport("links-out", read, of_page=True)
