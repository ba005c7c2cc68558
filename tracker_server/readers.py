"""What reads figures from a database, each at one moment of it: for a tracker and for commands."""

from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Engine

from tracker_server.config import Settings
from tracker_server.content_reports.languages import subtag_of
from tracker_server.database import open_reader
from tracker_server.figures import Overview, Question, Report
from tracker_server.packing import day_of
from tracker_server.queries.days import read_days
from tracker_server.queries.overview import read_overview
from tracker_server.queries.report import read_report
from tracker_server.queries.site_pages import read_site_language
from tracker_server.remembered import Remembered
from tracker_server.tables import ContentReport, Table, TableQuestion
from tracker_server.texts import LANGUAGES

MAX_READING_SECONDS = 5.0
"""For how long a report reads raw views; it is exact for the days that it got to."""
LANGUAGE_SECONDS = 10.0
"""How old the language of the site may be that a picture is labelled in."""
SERIES_DAYS = 90
"""How many days the series of the stats page has, today included."""


def overview_reader(
    engine: Engine, settings: Settings, patience: Callable[[int], int]
) -> Callable[[int, int], Overview]:
    """Return what reads the figures of a moment; `patience` stretches the timeout of sessions."""

    def read(now: int, max_rows: int) -> Overview:
        timeout = settings.session_timeout_seconds * patience(now)
        with open_reader(engine) as connection:
            overview = read_overview(connection, now, timeout, max_rows)
            today = day_of(now)
            return replace(overview, series=read_days(connection, today - SERIES_DAYS + 1, today))

    return read


def report_reader(engine: Engine, timer: Callable[[], float]) -> Callable[[Question], Report]:
    """Return what reads a report; `timer` gives seconds that only grow."""

    def read(question: Question) -> Report:
        end = timer() + MAX_READING_SECONDS
        with open_reader(engine) as connection:
            return read_report(connection, question, lambda: timer() > end)

    return read


def content_reader(
    engine: Engine, timer: Callable[[], float]
) -> Callable[[ContentReport, TableQuestion], Table]:
    """Return what reads a content report; `timer` gives seconds that only grow."""

    def read(report: ContentReport, question: TableQuestion) -> Table:
        end = timer() + MAX_READING_SECONDS
        with open_reader(engine) as connection:
            return report.read(connection, replace(question, is_late=lambda: timer() > end))

    return read


def language_reader(engine: Engine, clock: Callable[[], float]) -> Callable[[], str]:
    """Return what tells which of `LANGUAGES` the site is in: the first one where it is in none.

    Everybody may ask for pictures, so the database is not asked for each; `clock` gives seconds
    since the epoch.
    """
    remembered = Remembered[None](clock, LANGUAGE_SECONDS, 1)

    def read(_: None) -> bytes:
        with open_reader(engine) as connection:
            language = subtag_of(read_site_language(connection) or "")
        return (language if language in LANGUAGES else LANGUAGES[0]).encode()

    return lambda: remembered.read(None, read).decode()
