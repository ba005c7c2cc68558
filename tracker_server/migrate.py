"""Brings a database to the tables of this version, one revision at a time.

Every revision is one transaction, its row in the table of revisions included: whatever
ends the process in between, the database is as it was before or as it is after.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from tracker_server.database import schema_change
from tracker_server.errors import ConfigurationError

VERSION_TABLE = "schema_revision"
"""One row: the last revision that was applied. Not Alembic's own name, which others use too."""
MIGRATIONS = Path(__file__).parent / "migrations"
VERSIONS: tuple[Path, ...] = (MIGRATIONS / "versions",)
"""Where revisions are looked for."""

logging.getLogger("alembic").setLevel(logging.WARNING)


def pending(engine: Engine) -> Sequence[str]:
    """Return the revisions that this database lacks, oldest first.

    Raises:
        ConfigurationError: it has a revision that this version does not know.
    """
    with engine.connect() as connection:
        return _after(_current(connection))


def upgrade(engine: Engine, revisions: Sequence[str]) -> None:
    """Apply revisions in this order; those that another process applied meanwhile are left out.

    Raises:
        ConfigurationError: one failed; it changed nothing, those before it stay.
    """
    for revision in revisions:
        try:
            with schema_change(engine) as connection:
                if revision in _after(_current(connection)):
                    command.upgrade(_config(connection), revision)
        except (SQLAlchemyError, CommandError) as error:
            reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise ConfigurationError(
                f"database_url: revision {revision} of the tables failed and changed nothing: "
                f"{reason}"
            ) from error


def _current(connection: Connection) -> str | None:
    options = {"version_table": VERSION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _after(revision: str | None) -> list[str]:
    scripts = ScriptDirectory.from_config(_config(None))
    known = [script.revision for script in scripts.walk_revisions()][::-1]
    if revision is None:
        return known
    if revision not in known:
        raise ConfigurationError(
            f"database_url: the tables have revision {revision!r}, this version knows none after "
            f"{known[-1]!r}: install the newer version, or restore the backup made before"
        )
    return known[known.index(revision) + 1 :]


def _config(connection: Connection | None) -> Config:
    config = Config(attributes={"connection": connection, "version_table": VERSION_TABLE})
    places = "\n".join(str(path) for path in VERSIONS)
    for name, value in (
        ("script_location", str(MIGRATIONS)),
        ("path_separator", "newline"),
        ("version_locations", places),
    ):
        config.set_main_option(name, value.replace("%", "%%"))
    return config
