"""What an operator does to a database by a command: opens it, does one thing, closes it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from tracker_server import sqlite_file
from tracker_server.access import existing_file, read_database, write_database
from tracker_server.checks import Checked, check_figures
from tracker_server.cleanup import prune_views
from tracker_server.config import Settings, database_file
from tracker_server.database import open_writer
from tracker_server.errors import ConfigurationError
from tracker_server.packing import day_of
from tracker_server.rebuild import rebuild as rebuild_tables
from tracker_server.statements import VIEWS, Statements
from tracker_server.storage import require_ready


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did."""

    views: int
    """How many raw views were deleted."""
    first_day: date
    """The first day whose raw views were to stay."""
    sizes: tuple[int, int] | None
    """Bytes of the file of SQLite before and after it was compacted, ``None`` if it was not."""


def check(settings: Settings) -> Checked:
    """Compare every roll-up with a recount of the raw rows; trackers may run meanwhile.

    Raises:
        TrackerError: there is no such database, it is not of this version, or cannot be read.
    """
    return read_database(settings, check_figures)


def rebuild(settings: Settings) -> Checked:
    """Make the roll-ups anew from the raw rows in one transaction, and check them.

    Raises:
        TrackerError: a tracker has the file, or as with `check`.
    """
    with write_database(settings, "stop it first") as engine:
        statements = Statements.of(engine, settings.heartbeat_window_seconds)
        with open_writer(engine) as connection, connection.begin():
            rebuild_tables(connection, statements)
        return check_figures(engine)


def prune(settings: Settings, now: float, *, compact: bool = False) -> Pruned:
    """Delete the raw views of days before today less `Settings.retention_days`.

    Args:
        settings: where they are, and for how long they are kept.
        now: seconds since the epoch.
        compact: give the room back: on SQLite to the file system, on PostgreSQL to later views.

    Raises:
        TrackerError: nothing says for how long to keep them, or as with `rebuild`.
    """
    if settings.retention_days == 0:
        raise ConfigurationError(
            "retention_days: 0 keeps raw views for ever; give --retention-days, or set "
            "STATS_RETENTION_DAYS"
        )
    first_day = max(0, day_of(int(now)) - settings.retention_days)
    hint = "a running tracker prunes by itself when STATS_RETENTION_DAYS is set"
    with write_database(settings, hint) as engine:
        views = _prune(engine, settings, first_day)
        sizes = _compact(engine, database_file(settings.database_url)) if compact else None
    return Pruned(views, date(1970, 1, 1) + timedelta(days=first_day), sizes)


def back_up(settings: Settings, target: Path, now: float) -> tuple[Path, int]:
    """Copy a database of SQLite, as of one moment; a tracker may write meanwhile.

    Args:
        settings: where it is.
        target: a folder, or the copy, which must not exist.
        now: seconds since the epoch, for the name of the copy in a folder.

    Returns:
        The copy and its size in bytes.

    Raises:
        TrackerError: the copy cannot be made, it is no SQLite, or as with `check`.
    """
    file = existing_file(settings)
    if file is None:
        raise ConfigurationError(
            "database_url: only SQLite is copied by this command; of PostgreSQL make a backup "
            "with pg_dump"
        )
    read_database(settings, require_ready)
    if target.is_dir():
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
        target /= f"{file.stem}-{moment}.sqlite3"
    return target, sqlite_file.copy(file, target)


def _prune(engine: Engine, settings: Settings, first_day: int) -> int:
    lock = Statements.of(engine, settings.heartbeat_window_seconds).lock
    views = 0
    last: int | None = 0
    with open_writer(engine) as connection:
        while last is not None:
            with connection.begin():
                lock.fetch(connection)
                last, gone = prune_views(connection, first_day, last)
            views += gone
    return views


def _compact(engine: Engine, file: Path | None) -> tuple[int, int] | None:
    if file is None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            table: Any = engine.dialect.identifier_preparer
            connection.exec_driver_sql(f"VACUUM {table.format_table(VIEWS)}")
        return None
    engine.dispose()
    before = file.stat().st_size
    sqlite_file.compact(file)
    return before, file.stat().st_size
