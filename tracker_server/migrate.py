"""Brings a database to the tables of this version, one revision at a time.

Every revision is one transaction, its row in the table of revisions included: whatever
ends the process in between, the database is as it was before or as it is after.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from tracker_server.database import schema_change
from tracker_server.errors import ConfigurationError

VERSION_TABLE = "schema_revision"
"""One row: the last revision that was applied. Not Alembic's own name, which others use too."""
MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS: tuple[Path, ...] = (MIGRATIONS / "versions",)
"""Where revisions are looked for; in the order of these, and of the names of their files."""

# Before it is loaded: it tells of its plugins on the way.
logging.getLogger("alembic").setLevel(logging.WARNING)


def pending(engine: Engine) -> Sequence[str]:
    """Return the revisions that this database lacks, oldest first.

    Raises:
        ConfigurationError: it has a revision that this version does not know.
    """
    with engine.connect() as connection:
        return _after(_current(connection))


def upgrade(engine: Engine, names: Sequence[str]) -> None:
    """Apply these revisions in their order, but for what another process applied meanwhile.

    Raises:
        ConfigurationError: one failed; it changed nothing, those before it stay.
    """
    for revision in names:
        try:
            with schema_change(engine) as connection:
                if revision in _after(_current(connection)):
                    # It loads Alembic, a sixth of the processor time of a start, and most
                    # starts find nothing to do.
                    from tracker_server import revisions  # noqa: PLC0415

                    revisions.apply(connection, revision, MIGRATIONS, VERSIONS, VERSION_TABLE)
        except (SQLAlchemyError, LookupError) as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise ConfigurationError(
                f"database_url: revision {revision} of the tables failed and changed nothing: "
                f"{reason}"
            ) from error


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    query = text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608  # a constant
    return connection.execute(query).scalar()


def _after(revision: str | None) -> list[str]:
    files = [path for folder in VERSIONS for path in sorted(folder.glob("r*.py"))]
    known = [path.stem.removeprefix("r").partition("_")[0] for path in files]
    if revision is None:
        return known
    if revision not in known:
        raise ConfigurationError(
            f"database_url: the tables have revision {revision!r}, this version knows none after "
            f"{known[-1]!r}: install the newer version, or restore the backup made before"
        )
    return known[known.index(revision) + 1 :]
