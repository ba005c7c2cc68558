"""Where former paths of pages went, and what a page has together with them."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, select

from tracker_server.database import plain_rows
from tracker_server.queries.days import unite, visitors_by_day
from tracker_server.queries.moved import NO_MOVES
from tracker_server.queries.refs import read_refs
from tracker_server.queries.site_pages import count_views
from tracker_server.statements import MOVED, PATHS, REDIRECTS
from tracker_server.tables import Column, ContentReport, Table, TableQuestion, Value

_COLUMNS = (
    Column("former", "text"),
    Column("path", "page"),
    Column("viewsFormer", "number"),
    Column("views", "number"),
    Column("together", "number"),
    Column("readers", "number"),
    Column("redirected", "flag"),
)


@dataclass(frozen=True, slots=True)
class _Move:
    """A former path of a page."""

    text: str
    former_id: int | None
    """``None`` where the path has no row of its own, so that nothing was counted under it."""
    page_id: int
    is_redirected: bool


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the former paths, those first that lead nowhere and were viewed most."""
    moves = _read_moves(connection)
    views: Counter[int | None] = Counter()
    if moves:
        days = question.days
        views.update(count_views(connection, NO_MOVES, *days))
    moves.sort(key=lambda move: (move.is_redirected, -views[move.former_id], move.text))
    members: defaultdict[int, set[int]] = defaultdict(set)
    """Page and its former paths, by the id of the page."""
    for move in moves:
        members[move.page_id].add(move.page_id)
        if move.former_id is not None:
            members[move.page_id].add(move.former_id)
    # Of those that nobody gets to see there is no need to look at the sets.
    shown = {move.page_id for move in moves[: question.max_rows]}
    readers = _count_readers(connection, question, {page: members[page] for page in shown})
    pages = read_refs(connection, members.keys())
    rows: list[tuple[Value, ...]] = [
        (
            move.text,
            pages[move.page_id],
            None if move.former_id is None else views[move.former_id],
            views[move.page_id],
            sum(views[path] for path in members[move.page_id]),
            readers.get(move.page_id),
            move.is_redirected,
        )
        for move in moves
    ]
    facts = {
        "moves": len(moves),
        "withoutRedirect": sum(not move.is_redirected for move in moves),
    }
    return Table(_COLUMNS, tuple(rows), facts)


REPORT = ContentReport("moves", read)


def _read_moves(connection: Connection) -> list[_Move]:
    columns = MOVED.c
    statement = (
        select(columns.text, PATHS.c.id, columns.path_id, REDIRECTS.c.target.is_not(None))
        .outerjoin_from(MOVED, PATHS, PATHS.c.text == columns.text)
        .outerjoin(REDIRECTS, REDIRECTS.c.text == columns.text)
    )
    return [
        _Move(text, former, page, bool(redirected))
        for text, former, page, redirected in plain_rows(connection, statement)
    ]


def _count_readers(
    connection: Connection, question: TableQuestion, members: dict[int, set[int]]
) -> dict[int, int]:
    """Count who viewed a page or one of its former paths, each once; exact."""
    paths = {path for some in members.values() for path in some}
    by_day = visitors_by_day(connection, question.first_day, question.last_day, paths)
    return {
        page: len(unite(visitors for path in some for visitors in by_day[path].values()))
        for page, some in members.items()
    }
