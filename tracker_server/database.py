"""What differs between SQLite and PostgreSQL, kept out of everybody else's sight."""

from typing import Any

from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite

BUSY_TIMEOUT_MS = 5_000

_WRITER = "tracker_writer"


def prepare_engine(engine: Engine) -> None:
    """Set SQLite up for one durable writer and any number of readers; other databases need nothing.

    WAL lets readers go on while a batch commits. ``synchronous=FULL`` makes a commit
    survive a power cut: with ``NORMAL`` the last commits may vanish.
    """
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:  # noqa: ANN401  # whatever the driver has
        # The driver's own transaction control begins too late and never for DDL.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer that begins by reading can be refused half-way, one that begins by locking not.
        mode = "IMMEDIATE" if connection.get_execution_options().get(_WRITER) else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {mode}")


def open_writer(engine: Engine) -> Connection:
    """Return a connection whose transactions hold the write lock from their first statement."""
    return engine.connect().execution_options(**{_WRITER: True})


def is_single_writer(engine: Engine) -> bool:
    """Tell whether nobody but this process can write."""
    return engine.dialect.name == "sqlite"


def insert_into(engine: Engine, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that knows ``on_conflict_do_update`` and ``on_conflict_do_nothing``."""
    return sqlite.insert(table) if engine.dialect.name == "sqlite" else postgresql.insert(table)
