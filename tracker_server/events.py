"""What readers do on a page besides reading it, counted by day.

Queries, comments and links are chosen by whoever sends them: they share a bounded
vocabulary, and a day has a bounded number of rows.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from tracker_server.model import (
    EVENTS,
    Event,
)
from tracker_server.packing import day_of
from tracker_server.schema import OTHER
from tracker_server.statements import Statements
from tracker_server.vocabulary import Vocabulary

MAX_LABELS = 10_000
MAX_ROWS = 5_000
"""How many rows a day has; what does not fit counts as other labels of other pages."""

_Key = tuple[int, int, int, int, int]


def keep(
    connection: Connection,
    statements: Statements,
    labels: Vocabulary,
    events: Sequence[tuple[int, Event]],
    paths: Mapping[str, int],
) -> None:
    """Count events.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        labels: ids of texts.
        events: with the times at which they came.
        paths: ids of their paths and targets, and of `OTHER`.
    """
    ids = labels.resolve(connection, {OTHER, *(event.label for _, event in events)}, MAX_LABELS)
    days: defaultdict[int, defaultdict[_Key, list[int]]] = defaultdict(
        lambda: defaultdict(lambda: [0, 0, 0])
    )
    for at, event in events:
        target = paths[event.target] if event.target else 0
        block = event.number if event.name == "copy" else 0
        key = (EVENTS[event.name], paths[event.path], ids[event.label], target, block)
        sums = days[day_of(at)][key]
        for place, more in enumerate((1, event.number, event.number == 0)):
            sums[place] += more
    rest = (paths[OTHER], ids[OTHER], 0, 0)
    for day, counts in sorted(days.items()):
        known = {*statements.events.fetch(connection, (day,))}
        rows: defaultdict[_Key, list[int]] = defaultdict(lambda: [0, 0, 0])
        for key, sums in counts.items():
            fits = key in known or len(known) < MAX_ROWS
            known |= {key} if fits else set()
            row = rows[key if fits else (key[0], *rest)]
            row[:] = map(sum, zip(row, sums, strict=True))
        statements.add_event.run(
            connection, [(day, *key, *row) for key, row in sorted(rows.items())]
        )
