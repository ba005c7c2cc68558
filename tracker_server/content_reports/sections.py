"""Which sections are read, where readers leave, and which headings nobody reaches."""

from sqlalchemy import Connection

from tracker_server.figures import SectionFigures
from tracker_server.queries.moved import find_page, read_moves
from tracker_server.queries.refs import read_refs
from tracker_server.queries.sections import read_all_sections, read_sections
from tracker_server.tables import (
    Column,
    ContentReport,
    PageRef,
    Table,
    TableQuestion,
    Value,
    share_of,
)

_COLUMNS = (
    Column("path", "page"),
    Column("section", "text"),
    Column("anchor", "code"),
    Column("words", "number"),
    Column("loads", "number"),
    Column("reached", "share"),
    Column("visibleSeconds", "seconds"),
    Column("stops", "number"),
    Column("stopShare", "share"),
    Column("isLast", "flag"),
)
_Row = tuple[Value, ...]


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the sections: of one page in its order, of all those first where most readers leave."""
    pages = _pages(connection, question)
    refs = read_refs(connection, pages)
    rows = [
        row
        for path_id in sorted(pages, key=lambda one: refs[one].path)
        for row in _rows(refs[path_id], pages[path_id])
    ]
    unreached = sum(row[4] == 0 for row in rows)
    if question.page is None:
        # Sorting keeps the order of each page among equals. To leave at the end is no loss.
        rows.sort(key=lambda row: (bool(row[9]), -_number(row[7])))
    # A page of which all sections are gone has no row.
    shown = len({row[0] for row in rows})
    facts = {"pages": shown, "sections": len(rows), "neverReached": unreached}
    return Table(_COLUMNS, tuple(rows), facts)


REPORT = ContentReport("sections", read, of_page=True)


def _pages(
    connection: Connection, question: TableQuestion
) -> dict[int, tuple[SectionFigures, ...]]:
    """Return the sections of the pages of which readers have said what they had in view."""
    moves = read_moves(connection)
    days = question.days
    if question.page is None:
        return read_all_sections(connection, moves, *days)
    path_id = find_page(connection, moves, question.page)
    if path_id is None:
        return {}
    sections = read_sections(connection, moves, *days, path_id)
    return {path_id: sections} if any(section.loads for section in sections) else {}


def _rows(page: PageRef, sections: tuple[SectionFigures, ...]) -> list[_Row]:
    # Each load that said what it had in view stopped in one section.
    loads = sum(section.stops for section in sections)
    there = [section for section in sections if not section.gone]
    return [
        (
            page,
            section.title or section.anchor,
            section.anchor,
            section.words,
            section.loads,
            share_of(min(section.loads, loads), loads),
            round(section.visible / section.loads / 1_000, 1) if section.loads else None,
            section.stops,
            share_of(section.stops, loads),
            section is there[-1],
        )
        for section in there
    ]


def _number(value: Value) -> int:
    return value if isinstance(value, int) else 0
