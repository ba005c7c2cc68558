"""Former paths of pages: what was counted under one is shown with the page that has it now.

Nothing that is stored says so: each reading asks the manifest in force. When it names a former
path no more, the figures are apart again.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from operator import add
from typing import Any

from sqlalchemy import Connection, select

from tracker_server import schema, schema_content  # noqa: F401  # they enter their tables
from tracker_server.base import Base
from tracker_server.database import plain_rows

_PATHS, _MOVED = (Base.metadata.tables[name] for name in ("path", "moved"))
_Values = tuple[Any, ...]


class Moves:
    """Which paths are former ones of which pages; often there is none."""

    def __init__(self, rows: Iterable[tuple[str, int | None, int]] = ()) -> None:
        """`rows`: former path, its id, ``None`` where it has no row, and the id of the page."""
        texts: dict[str, int] = {}
        pages: dict[int, int] = {}
        former: defaultdict[int, list[int]] = defaultdict(list)
        for text, path_id, page_id in rows:
            texts[text] = page_id
            if path_id is not None:
                pages[path_id] = page_id
                former[page_id].append(path_id)
        self.texts: Mapping[str, int] = texts
        """Ids of pages by their former paths."""
        self.pages: Mapping[int, int] = pages
        """Likewise, by the ids of those that may have figures."""
        self._former = dict(former)
        self.concerned = pages.keys() | former.keys()
        """Ids of the paths whose figures are not just their own."""

    def page_of(self, path_id: int) -> int:
        """Return the page that has the figures of a path: mostly the path itself."""
        return self.pages.get(path_id, path_id)

    def paths_of(self, *page_ids: int) -> set[int]:
        """Return pages and their former paths."""
        found = set(page_ids)
        for page_id in self._former.keys() & found:
            found.update(self._former[page_id])
        return found

    def fold(
        self,
        rows: list[_Values],
        keys: int = 1,
        unite: Callable[[_Values, _Values], _Values] | None = None,
    ) -> list[_Values]:
        """Return rows in which those of a page and of its former paths are one.

        Args:
            rows: of figures, each with the id of a path first.
            keys: how many columns tell rows apart, the first included.
            unite: makes one of what two rows have in the other columns; else it is added up.
        """
        some = [row for row in rows if row[0] in self.concerned] if self.pages else []
        if not some:
            return rows
        unite = unite or _sums
        found: dict[_Values, _Values] = {}
        for row in some:
            key, values = (self.page_of(row[0]), *row[1:keys]), row[keys:]
            found[key] = unite(found[key], values) if key in found else values
        others = [row for row in rows if row[0] not in self.concerned]
        return others + [key + values for key, values in found.items()]

    def fold_ids(self, rows: list[Any], *columns: int) -> list[Any]:
        """Return rows that have pages where they had former paths, in these columns."""
        for n in columns if self.pages else ():
            rows = [
                (*row[:n], self.pages[row[n]], *row[n + 1 :]) if row[n] in self.pages else row
                for row in rows
            ]
        return rows


NO_MOVES = Moves()


def read_moves(connection: Connection) -> Moves:
    """Read the former paths of the pages of the manifest in force."""
    # An outer join: the table of paths may be large, and is not to be gone through.
    statement = select(_MOVED.c.text, _PATHS.c.id, _MOVED.c.path_id)
    statement = statement.outerjoin_from(_MOVED, _PATHS, _PATHS.c.text == _MOVED.c.text)
    rows = plain_rows(connection, statement)
    return Moves(rows) if rows else NO_MOVES


def find_page(connection: Connection, moves: Moves, path: str) -> int | None:
    """Return the id under which the figures of a path are shown; ``None`` where it has none."""
    if path in moves.texts:
        return moves.texts[path]
    found: int | None = connection.execute(
        select(_PATHS.c.id).where(_PATHS.c.text == path)
    ).scalar()
    return found


def lead_on(connection: Connection, paths: Collection[str]) -> dict[str, str]:
    """Return those of some paths that are former ones, and the paths of their pages."""
    statement = select(_MOVED.c.text, _PATHS.c.text)
    statement = statement.join_from(_MOVED, _PATHS, _PATHS.c.id == _MOVED.c.path_id)
    return dict(plain_rows(connection, statement.where(_MOVED.c.text.in_(paths))))


def _sums(one: _Values, other: _Values) -> _Values:
    return tuple(map(add, one, other))
