"""Applies one revision of the tables by Alembic; `migrate` loads this when there is one."""

from collections.abc import Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection


def known(home: Path, places: Sequence[Path]) -> list[str]:
    """Return the revisions in the order that they name each other, oldest first."""
    scripts = ScriptDirectory.from_config(_config(home, places))
    return [script.revision for script in scripts.walk_revisions()][::-1]


def apply(
    connection: Connection, revision: str, home: Path, places: Sequence[Path], table: str
) -> None:
    """Apply a revision within the connection's transaction, the row in `table` included.

    Raises:
        LookupError: Alembic does not find the revision, or not the one before it.
        sqlalchemy.exc.SQLAlchemyError: a statement of it failed.
    """
    config = _config(home, places)
    config.attributes.update(connection=connection, version_table=table)
    try:
        command.upgrade(config, revision)
    except CommandError as error:
        raise LookupError(str(error)) from error


def _config(home: Path, places: Sequence[Path]) -> Config:
    config = Config()
    for name, value in (
        ("script_location", str(home)),
        ("path_separator", "newline"),
        ("version_locations", "\n".join(str(path) for path in places)),
    ):
        config.set_main_option(name, value.replace("%", "%%"))
    return config
