"""Whether pages are read: page loads by what became of them, against the time reading takes."""

from operator import add

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.figures import Read
from tracker_server.queries.events import of_events
from tracker_server.queries.moved import Moves, read_moves
from tracker_server.queries.readings import read_readings
from tracker_server.queries.site_pages import IS_OFFERED
from tracker_server.readings import expected_time
from tracker_server.statements import EVENT_COUNTS, PAGES, PATHS
from tracker_server.tables import (
    Column,
    ContentReport,
    Kind,
    PageRef,
    Table,
    TableQuestion,
    Value,
    share_of,
)

_COLUMNS = (
    Column("path", "page"),
    Column("loads", "number"),
    Column("read", "number"),
    Column("skimmed", "number"),
    Column("bounced", "number"),
    Column("searched", "number"),
    Column("readShare", "share"),
    Column("skimmedShare", "share"),
    Column("bouncedShare", "share"),
    Column("searchedShare", "share"),
    Column("activeSeconds", "seconds"),
    Column("expectedSeconds", "seconds"),
    Column("searches", "number"),
)
_FACT_KINDS: dict[str, Kind] = dict.fromkeys(
    ("readShare", "skimmedShare", "bouncedShare", "searchedShare"), "share"
)

_Counts = tuple[int, ...]
"""Page loads: all, read, skimmed, bounced, searched."""


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read how the pages were read, those first that were left most often."""
    moves = read_moves(connection)
    pages = _read_pages(connection)
    searches = _read_searches(connection, moves, question)
    readings = read_readings(connection, moves, question.first_day, question.last_day, pages)
    opened = [(path_id, reading) for path_id, reading in readings.items() if reading.loads]
    opened.sort(key=lambda row: _urgency(pages[row[0]][0], row[1]))
    rows: list[tuple[Value, ...]] = []
    whole: _Counts = (0, 0, 0, 0, 0)
    for path_id, reading in opened:
        page, expected = pages[path_id]
        counts = _classes(reading)
        active = round(reading.active / reading.loads / 1_000, 1)
        rows.append((page, *counts, *_shares(counts), active, expected, searches.get(path_id, 0)))
        whole = tuple(map(add, whole, counts))
    facts = {"loads": whole[0], **dict(zip(_FACT_KINDS, _shares(whole), strict=True))}
    return Table(_COLUMNS, tuple(rows), facts, fact_kinds=_FACT_KINDS)


REPORT = ContentReport("completion", read)


def _urgency(page: PageRef, reading: Read) -> tuple[int, int, str]:
    """Return what sorts pages by loads left at once or for the search: `health` weighs these."""
    left = reading.bounced + (0 if page.is_front_page else reading.searched)
    return -left, -reading.loads, page.path


def _classes(reading: Read) -> _Counts:
    skimmed = reading.loads - reading.completed - reading.bounced - reading.searched
    return reading.loads, reading.completed, skimmed, reading.bounced, reading.searched


def _shares(counts: _Counts) -> tuple[float | None, ...]:
    """Return the share of each class; ``None`` without a page load."""
    loads, *classes = counts
    return tuple(share_of(count, loads) for count in classes)


def _read_pages(connection: Connection) -> dict[int, tuple[PageRef, int | None]]:
    """Return the pages that somebody wrote, and how many seconds reading each takes."""
    columns = PAGES.c
    statement = (
        select(PATHS.c.id, PATHS.c.text, columns.title, columns.reading_seconds, columns.words)
        .join_from(PAGES, PATHS, PATHS.c.id == columns.path_id)
        .where(IS_OFFERED)
    )
    return {
        path_id: (PageRef(path, title), _in_seconds(expected_time(seconds, words)))
        for path_id, path, title, seconds, words in plain_rows(connection, statement)
    }


def _in_seconds(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else round(milliseconds / 1_000)


def _read_searches(connection: Connection, moves: Moves, question: TableQuestion) -> dict[int, int]:
    """Return how many searches were made on each page."""
    columns = EVENT_COUNTS.c
    statement = (
        select(columns.path_id, func.sum(columns.count))
        .where(*of_events(connection, moves, question, "search"))
        .group_by(columns.path_id)
    )
    rows = moves.fold(plain_rows(connection, statement))
    return {path_id: int(count) for path_id, count in rows}
