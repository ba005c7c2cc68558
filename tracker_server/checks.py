"""What is found when a database is checked: whether its file is whole, and its figures right."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from tracker_server import audit
from tracker_server.database import open_reader
from tracker_server.storage import lacking


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    lines: tuple[str, ...]
    """One for the file of SQLite, and one for each table."""
    is_clean: bool


def check_figures(engine: Engine) -> Checked:
    """Compare every roll-up of tables of this version with a recount of the raw rows."""
    with open_reader(engine) as connection:
        whole = _check_integrity(connection)
        if not whole.is_clean:  # Figures from a damaged file say nothing.
            return whole
        tables = audit.compare(connection)
        lines = (*whole.lines, *map(str, tables))
        return Checked(lines, not any(table.differing for table in tables))


def check_any_version(engine: Engine) -> Checked:
    """Do so with a backup; one of an older version is only looked through.

    Raises:
        ConfigurationError: it is none of a tracker, or newer than this version.
    """
    revisions = lacking(engine)
    if not revisions:
        return check_figures(engine)
    with open_reader(engine) as connection:
        whole = _check_integrity(connection)
    line = (
        f"figures: compared by restore, which first makes the revision {revisions[-1]!r} of a copy"
    )
    return Checked((*whole.lines, line), whole.is_clean)


def _check_integrity(connection: Connection) -> Checked:
    problems = audit.integrity_problems(connection)
    line = f"integrity: {'; '.join(problems) or 'ok'}"
    return Checked((line,) if connection.dialect.name == "sqlite" else (), not problems)
