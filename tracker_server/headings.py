"""The headings of the site's pages: kept over its manifests, and found for those who read them.

A site may have a million of them, so no more than a few thousand are in memory, and a manifest is
put in force some pages at a time.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from sqlalchemy import BigInteger, Connection, cast, delete, exists, func, insert, select, update
from sqlalchemy import bindparam as parameter

from tracker_server.model import EVENTS, Heading
from tracker_server.statements import DAY_HEADINGS, EVENT_COUNTS, HEADINGS, PAGES, Statements
from tracker_server.vocabulary import MAX_VARIABLES

MAX_REMEMBERED = 20_000
"""How many headings, and pages, are remembered; about 6 MiB."""

Places = Mapping[str, tuple[int, int]]
"""Ids of the headings of a page and where in it they stand, by anchor."""

_NONE: Places = {}
_SAID = ("title", "level", "words", "position")


class Headings:
    """Finds the headings of pages; those that are not in the manifest in force are left out."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements
        self._pages: dict[int, Places] = {}
        """By id of path, those that were asked for latest at the end."""
        self._size = 0

    def forget(self) -> None:
        """Drop what is remembered: when another manifest came into force."""
        self._pages = {}
        self._size = 0

    def find(self, connection: Connection, paths: Collection[int]) -> Mapping[int, Places]:
        """Return the headings of each of these paths."""
        found = {path: self._pages.pop(path) for path in paths if path in self._pages}
        fresh = self._read(connection, [path for path in paths if path not in found])
        self._size += sum(1 + len(places) for places in fresh.values())
        found |= fresh
        self._pages |= found
        while self._size > MAX_REMEMBERED:
            self._size -= 1 + len(self._pages.pop(next(iter(self._pages))))
        return found

    def _read(self, connection: Connection, paths: Sequence[int]) -> dict[int, Places]:
        pages: dict[int, dict[str, tuple[int, int]]] = {path: {} for path in paths}
        for path, heading, anchor, position in self._statements.headings.fetch(connection, paths):
            if position is not None:
                pages[path][anchor] = heading, position
        return {path: places or _NONE for path, places in pages.items()}


def replace(connection: Connection, pages: Sequence[tuple[int, Sequence[Heading]]]) -> None:
    """Put the headings of a manifest in force, whose pages are in force already.

    One that was there before keeps its id, hence its figures, also when it was gone meanwhile.
    Those that are gone stay as long as they have figures.

    Args:
        connection: in a transaction that holds the lock.
        pages: ids of paths, each once, and their headings in the order of the page.
    """
    gone = HEADINGS.c.path_id.not_in(select(PAGES.c.path_id))
    there = HEADINGS.c.position.is_not(None)
    connection.execute(update(HEADINGS).where(there, gone).values(position=None))
    for start in range(0, len(pages), MAX_VARIABLES):
        _replace_some(connection, pages[start : start + MAX_VARIABLES])
    key = cast(HEADINGS.c.id, BigInteger) * (1 << 16)
    figures = exists().where(DAY_HEADINGS.c.key.between(key, key + (1 << 16) - 1))
    rated = select(EVENT_COUNTS.c.number).where(EVENT_COUNTS.c.event == EVENTS["feedback"])
    forgotten = (HEADINGS.c.position.is_(None), ~figures, HEADINGS.c.id.not_in(rated))
    connection.execute(delete(HEADINGS).where(*forgotten))


def _replace_some(connection: Connection, pages: Sequence[tuple[int, Sequence[Heading]]]) -> None:
    columns = HEADINGS.c
    known = select(columns.path_id, columns.anchor, columns.id, *(columns[n] for n in _SAID))
    known = known.where(columns.path_id.in_([path for path, _ in pages]))
    old = {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(known)}
    fresh: list[dict[str, object]] = []
    changed: list[dict[str, object]] = []
    for path, anchor, said in _rows(pages):
        heading, *before = old.pop((path, anchor), (None,))
        row = dict(zip(_SAID, said, strict=True))
        if heading is None:
            fresh.append({"path_id": path, "anchor": anchor, **row})
        elif tuple(before) != said:
            changed.append({"id_": heading, **row})
    _add(connection, fresh)
    # What is left over was there and is not in the manifest any more.
    gone = [{"id_": row[0], "position": None} for row in old.values() if row[-1] is not None]
    for rows in filter(None, (changed, gone)):
        # The columns that are set are those that the rows name.
        connection.execute(update(HEADINGS).where(columns.id == parameter("id_")), rows)


def _add(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        highest = connection.execute(select(func.coalesce(func.max(HEADINGS.c.id), 0))).scalar_one()
        numbered = [{"id": number, **row} for number, row in enumerate(rows, highest + 1)]
        connection.execute(insert(HEADINGS), numbered)


def _rows(
    pages: Sequence[tuple[int, Sequence[Heading]]],
) -> Iterator[tuple[int, str, tuple[str, int, int, int]]]:
    for path, headings in pages:
        for position, heading in enumerate(headings):
            said = heading.title, heading.level, heading.words, position
            yield path, heading.anchor, said
