"""The headings of the site's pages: kept over its manifests, and found for those who read them.

A site may have a million of them, so no more than a few thousand are in memory, and a manifest is
put in force some pages at a time.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, Connection, cast, delete, exists, func, insert, select, update
from sqlalchemy import bindparam as parameter

from tracker_server import former_anchors
from tracker_server.database import plain_rows
from tracker_server.model import EVENTS, Heading
from tracker_server.statements import DAY_HEADINGS, EVENT_COUNTS, HEADINGS, PAGES, Statements
from tracker_server.vocabulary import MAX_VARIABLES

MAX_REMEMBERED = 20_000
"""How many headings, and pages, are remembered; about 6 MiB."""

Places = Mapping[str, tuple[int, int]]
"""Ids of the headings of a page and where in it they stand, by anchor."""

_NONE: Places = {}
_SAID = ("title", "level", "words", "position")
_KNOWN = select(*(HEADINGS.c[name] for name in ("path_id", "anchor", "id", *_SAID)))


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


def replace(
    connection: Connection,
    pages: Sequence[tuple[int, Sequence[Heading]]],
    gone: Collection[int],
) -> None:
    """Put the headings of a manifest in force, whose pages are in force already.

    One that was there before keeps its id, hence its figures, also when it was gone meanwhile.
    Those that are gone stay as long as they have figures.

    Args:
        connection: in a transaction that holds the lock.
        pages: ids of paths, each once, and their headings in the order of the page.
        gone: ids of what was a page before.
    """
    moved = former_anchors.follow_pages(connection, gone)
    for start in range(0, len(pages), MAX_VARIABLES):
        _replace_some(connection, pages[start : start + MAX_VARIABLES], moved)
    # Only now, since a page that has moved is compared with what it was before.
    homeless = HEADINGS.c.path_id.not_in(select(PAGES.c.path_id))
    there = HEADINGS.c.position.is_not(None)
    connection.execute(update(HEADINGS).where(there, homeless).values(position=None))
    key = cast(HEADINGS.c.id, BigInteger) * (1 << 16)
    figures = exists().where(DAY_HEADINGS.c.key.between(key, key + (1 << 16) - 1))
    rated = select(EVENT_COUNTS.c.number).where(EVENT_COUNTS.c.event == EVENTS["feedback"])
    forgotten = (HEADINGS.c.position.is_(None), ~figures, HEADINGS.c.id.not_in(rated))
    connection.execute(delete(HEADINGS).where(*forgotten))


def _replace_some(
    connection: Connection,
    pages: Sequence[tuple[int, Sequence[Heading]]],
    moved: Mapping[int, Sequence[int]],
) -> None:
    columns = HEADINGS.c
    rows = plain_rows(connection, _KNOWN.where(columns.path_id.in_([path for path, _ in pages])))
    old = {(row[0], row[1]): tuple(row[2:]) for row in rows}
    fresh: list[dict[str, object]] = []
    changed: list[dict[str, object]] = []
    touched: set[int] = set()
    for path, anchor, said in _rows(pages):
        heading, *before = old.pop((path, anchor), (None,))
        row = dict(zip(_SAID, said, strict=True))
        if heading is None:
            fresh.append({"path_id": path, "anchor": anchor, **row})
            touched.add(path)
        elif tuple(before) != said:
            changed.append({"id_": heading, **row})
            if before[-1] is None:
                touched.add(path)
    # What is left over was there and is not in the manifest any more.
    left = {place: row[0] for place, row in old.items() if row[-1] is not None}
    touched.update(path for path, _ in left)
    after = {path: headings for path, headings in pages if path in touched or path in moved}
    if after:
        former_anchors.keep(connection, _before(connection, rows, after, moved), after)
    _add(connection, fresh)
    gone = [{"id_": heading, "position": None} for heading in left.values()]
    for some in filter(None, (changed, gone)):
        # The columns that are set are those that the rows name.
        connection.execute(update(HEADINGS).where(columns.id == parameter("id_")), some)


def _before(
    connection: Connection,
    rows: Iterable[tuple[Any, ...]],
    pages: Collection[int],
    moved: Mapping[int, Sequence[int]],
) -> dict[int, list[Heading]]:
    """Return the headings that some pages had until now, perhaps under another path."""
    columns = HEADINGS.c
    there = [row for row in rows if row[0] in pages and row[-1] is not None]
    own = {row[0] for row in there}
    # Of several pages that became one nobody knows in which order.
    heirs = {moved[page][0]: page for page in pages if len(moved.get(page, ())) == 1}
    former = [path for path, page in heirs.items() if page not in own]
    if former:
        known = _KNOWN.where(columns.path_id.in_(former), columns.position.is_not(None))
        there += ((heirs[row[0]], *row[1:]) for row in plain_rows(connection, known))
    found: defaultdict[int, list[Heading]] = defaultdict(list)
    for path, anchor, _id, title, level, words, _position in sorted(there, key=itemgetter(-1)):
        found[path].append(Heading(anchor, title, level, words))
    return found


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
