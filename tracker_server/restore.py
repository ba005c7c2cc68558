"""Restores a backup of a SQLite database: looks at it first, and keeps what was there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, create_engine

from tracker_server import sqlite_file
from tracker_server.access import lock_file, one_line_errors, read_file
from tracker_server.checks import Checked, check_any_version, check_figures
from tracker_server.config import Settings, database_file
from tracker_server.database import prepare_engine
from tracker_server.errors import ConfigurationError, TrackerError
from tracker_server.migrate import upgrade
from tracker_server.replacement import put_in_place
from tracker_server.storage import lacking


@dataclass(frozen=True, slots=True)
class Restored:
    """What restoring did."""

    checked: Checked
    """What was found in the backup; unless it is clean nothing was changed."""
    file: Path | None
    """Where it is now."""
    former: Path | None
    """What was there before."""


def verify(source: Path) -> Checked:
    """Look whether a database of SQLite can be restored; nothing is changed.

    Raises:
        TrackerError: it cannot be read, is none of a tracker, or newer than this version.
    """
    try:
        return read_file(source, check_any_version)
    except TrackerError as error:
        reason = str(error).removeprefix("database_url: ")
        raise ConfigurationError(f"{str(source)!r}: {reason}") from error


def restore(settings: Settings, source: Path) -> Restored:
    """Put a copy of a database of SQLite in the place of the tracker's, if it is found good.

    Args:
        settings: where the tracker's is, or is to be.
        source: a backup, which stays. Tables of an older version are brought up to date.

    Raises:
        TrackerError: a tracker has the file, there is no room, or as with `verify`.
    """
    file = _place_of(settings, source)
    lock = lock_file(file, "stop it first")
    try:
        checked = verify(source)
        if not checked.is_clean:
            return Restored(checked, None, None)
        with one_line_errors(), _copied(source, file) as new:
            checked = _bring_up_to_date(new) or checked
            if not checked.is_clean:
                return Restored(checked, None, None)
            return Restored(checked, file, put_in_place(file, new))
    finally:
        lock.release()


def _place_of(settings: Settings, source: Path) -> Path:
    file = database_file(settings.database_url)
    if file is None:
        raise ConfigurationError(
            "database_url: only a file of SQLite is restored by this command; into PostgreSQL "
            "restore with pg_restore"
        )
    file = file.resolve()  # A link stays a link.
    if file == source.resolve():
        raise ConfigurationError(f"{str(source)!r} is the database itself")
    return file


@contextmanager
def _copied(source: Path, file: Path) -> Iterator[Path]:
    """Copy a database beside a file; what is not put in its place goes again."""
    new = file.with_name(f"{file.name}.restoring")
    left = [Path(f"{new}{end}") for end in ("", ".partial", "-wal", "-shm")]
    for path in left:  # Of a restore that was cut short.
        path.unlink(missing_ok=True)
    try:
        sqlite_file.copy(source, new)
        yield new
    finally:
        for path in left:
            path.unlink(missing_ok=True)


def _bring_up_to_date(file: Path) -> Checked | None:
    """Upgrade a copy and check it; ``None`` where there is nothing to do."""
    revisions = read_file(file, lacking)
    if not revisions:
        return None
    engine = create_engine(URL.create("sqlite", database=str(file)))
    prepare_engine(engine)
    try:
        upgrade(engine, revisions)
        return check_figures(engine)
    finally:
        engine.dispose()
