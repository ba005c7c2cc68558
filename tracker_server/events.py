"""What readers do on a page besides reading it, counted by day.

Queries, comments and links are chosen by whoever sends them, so a day has a bounded number of
rows of each kind, and only a row brings a new text: a flood of one kind leaves the others
alone, and is over with the day.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from tracker_server.model import (
    EVENTS,
    Event,
)
from tracker_server.packing import day_of
from tracker_server.schema import OTHER
from tracker_server.statements import LABELS, Statements
from tracker_server.vocabulary import append

_COMMENT = "comment"
"""The kind of a rating with a text, beside the keys of `EVENTS`."""
MAX_ROWS = {
    "search": 3_000,
    "feedback": 1_000,
    _COMMENT: 500,
    "copy": 1_000,
    "outbound": 1_000,
    "download": 250,
    "tab": 250,
    "anchor": 1_000,
}
"""How many rows of each kind a day has; what does not fit counts as others of other pages."""

_NONE = 0


class Ids(NamedTuple):
    """What events name, and the numbers it goes by."""

    paths: Mapping[str, int]
    """Their paths and targets, and `OTHER`."""
    referrers: Mapping[str, int]
    """Hosts from which readers came by an anchor."""
    headings: Mapping[int, Mapping[str, tuple[int, int]]]
    """Of the paths that were rated below a heading: ids and places of headings, by anchor."""


class _Row(NamedTuple):
    """What tells the events of one name and day from each other."""

    path_id: int
    label: str
    target_id: int
    number: int


_Sums = defaultdict[_Row, list[int]]


def keep(
    connection: Connection,
    statements: Statements,
    events: Sequence[tuple[int, Event]],
    named: Ids,
) -> None:
    """Count events.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        events: with the times at which they came.
        named: ids of what they name.
    """
    texts = {"", OTHER, *(event.label for _at, event in events)}
    ids: dict[str, int] = dict(statements.labels.fetch(connection, texts))
    kept: dict[tuple[int, str], _Sums] = {}
    for (day, name), counts in _sum_up(events, named).items():
        stored = {*statements.events.fetch(connection, (day, EVENTS[name]))}
        kinds = Counter(_kind(name, is_text=row[1] != ids.get("")) for row in stored)
        kept[day, name] = sums = _no_sums()
        for row, some in counts.items():
            place = row
            if (row.path_id, ids.get(row.label), row.target_id, row.number) not in stored:
                kind = _kind(name, is_text=bool(row.label))
                if kinds[kind] < MAX_ROWS[kind]:
                    kinds[kind] += 1
                else:
                    place = _Row(named.paths[OTHER], row.label and OTHER, _NONE, 0)
            _add(sums[place], *some)
    labels = {row.label for sums in kept.values() for row in sums}
    ids |= append(connection, LABELS, sorted(labels - ids.keys()))
    statements.add_event.run(
        connection,
        [
            (day, EVENTS[name], path, ids[label], target, number, *sums)
            for (day, name), rows in sorted(kept.items())
            for (path, label, target, number), sums in sorted(rows.items())
        ],
    )


def _sum_up(events: Sequence[tuple[int, Event]], named: Ids) -> defaultdict[tuple[int, str], _Sums]:
    """Return counts, sums of the numbers and how many were 0, by day and name."""
    sums: defaultdict[tuple[int, str], _Sums] = defaultdict(_no_sums)
    for at, event in events:
        path = named.paths[event.path]
        target = named.paths[event.target] if event.target else _NONE
        row = _Row(path, event.label, target, _number(event, path, named))
        _add(sums[day_of(at), event.name][row], 1, event.number, event.number == 0)
    return sums


def _no_sums() -> _Sums:
    return defaultdict(lambda: [0, 0, 0])


def _add(sums: list[int], *more: int) -> None:
    sums[:] = map(sum, zip(sums, more, strict=True))


def _kind(name: str, *, is_text: bool) -> str:
    return _COMMENT if name == "feedback" and is_text else name


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
