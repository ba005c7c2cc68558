"""What readers do on a page besides reading it, counted by day.

Queries, comments and links are chosen by whoever sends them: they share a bounded
vocabulary, and a day has a bounded number of rows.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

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

MAX_ANCHORS = 1_000
"""How many of them are of anchors, which anybody can put into an address."""

_Key = tuple[int, int, int, int, int]
_ANCHOR = EVENTS["anchor"]
_NONE = 0


class Ids(NamedTuple):
    """What events name, and the numbers it goes by."""

    paths: Mapping[str, int]
    """Their paths and targets, and `OTHER`."""
    referrers: Mapping[str, int]
    """Hosts from which readers came by an anchor."""
    headings: Mapping[int, Mapping[str, tuple[int, int]]]
    """Of the paths that were rated below a heading: ids and places of headings, by anchor."""


def keep(
    connection: Connection,
    statements: Statements,
    labels: Vocabulary,
    events: Sequence[tuple[int, Event]],
    named: Ids,
) -> None:
    """Count events.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        labels: ids of texts.
        events: with the times at which they came.
        named: ids of what they name.
    """
    paths = named.paths
    ids = labels.resolve(connection, {OTHER, *(event.label for _, event in events)}, MAX_LABELS)
    days: defaultdict[int, defaultdict[_Key, list[int]]] = defaultdict(
        lambda: defaultdict(lambda: [0, 0, 0])
    )
    for at, event in events:
        path = paths[event.path]
        target = paths[event.target] if event.target else _NONE
        key = (EVENTS[event.name], path, ids[event.label], target, _number(event, path, named))
        sums = days[day_of(at)][key]
        for place, more in enumerate((1, event.number, event.number == 0)):
            sums[place] += more
    rest = (paths[OTHER], ids[OTHER], 0, 0)
    for day, counts in sorted(days.items()):
        known = {*statements.events.fetch(connection, (day,))}
        anchors = sum(key[0] == _ANCHOR for key in known)
        rows: defaultdict[_Key, list[int]] = defaultdict(lambda: [0, 0, 0])
        for key, sums in counts.items():
            is_new = key not in known
            is_anchor = key[0] == _ANCHOR
            fits = not is_new or (
                len(known) < MAX_ROWS and not (is_anchor and anchors >= MAX_ANCHORS)
            )
            if fits and is_new:
                known.add(key)
                anchors += is_anchor
            row = rows[key if fits else (key[0], *rest)]
            row[:] = map(sum, zip(row, sums, strict=True))
        statements.add_event.run(
            connection, [(day, *key, *row) for key, row in sorted(rows.items())]
        )


def _number(event: Event, path: int, named: Ids) -> int:
    """Return what tells events of one page and label from each other, see `EventCount.number`."""
    match event.name:
        case "copy" | "tab":
            return event.number
        case "feedback" if event.heading:
            return named.headings[path].get(event.heading, (_NONE, 0))[0]
        case "anchor" if event.referrer:
            return named.referrers[event.referrer]
        case _:
            return _NONE
