"""What differs between SQLite and PostgreSQL, kept out of everybody else's sight."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, IntegrityError, OperationalError

BUSY_TIMEOUT_MS = 5_000
"""How long a batch waits for the lock that another process holds."""
IDLE_TIMEOUT_MS = 30_000
"""After how long PostgreSQL takes the lock away from a process that stands still."""

PAGE_BYTES = 2_048
"""Size of a page of a new SQLite file: half of what is usual, as most changes are a few rows."""
CHECKPOINT_PAGES = 1_000
"""After how many pages the writer moves the log of SQLite into the database file."""
SCHEMA_PATIENCE = "10min"
"""How long a process waits on PostgreSQL for another one that changes the tables."""

_CAUSES_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: "conflict",
    sqlite3.SQLITE_LOCKED: "conflict",
    sqlite3.SQLITE_FULL: "full",
}
_CAUSES_OF_STATES = (
    ("40", "conflict"),  # Serialisation, deadlock.
    ("55P03", "conflict"),  # A lock that was not given in time.
    ("53", "full"),  # Disk, memory, connections.
    ("08", "connection"),
    ("57P", "connection"),  # The server goes down or comes up.
)

_WRITER = "tracker_writer"
_EXCLUSIVE = "tracker_exclusive"
_SCHEMA_LOCK = 7_827_717_300  # Any number, the same in every process.

# A server that is gone is to be noticed before all threads wait for it. Statements are not kept
# prepared: behind a pooler the next transaction may run on another connection.
_CONNECT: dict[str, Any] = {
    "application_name": "tracker-server",
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "prepare_threshold": None,
}


def prepare_engine(engine: Engine, synchronous: str = "full") -> None:
    """Set the database up for one durable writer at a time and any number of readers.

    Args:
        engine: not connected yet.
        synchronous: when SQLite flushes; with ``normal`` the last commits may vanish.

    Raises:
        ArgumentError: it is neither SQLite nor PostgreSQL with the driver psycopg.
    """
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, synchronous)
    elif (engine.dialect.name, engine.dialect.driver) == ("postgresql", "psycopg"):
        _prepare_postgresql(engine)
    else:
        raise ArgumentError("must begin with sqlite:/// or postgresql+psycopg://")


def _prepare_sqlite(engine: Engine, synchronous: str) -> None:
    """Let readers go on while a batch commits (WAL), and let a commit survive a power cut.

    Only a writer (`open_writer`) moves the log into the file: before SQLite 3.51.3 two
    connections that do so at once can spoil the database.
    """

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:  # noqa: ANN401  # whatever the driver has
        # The driver's own transaction control begins too late and never for DDL.
        connection.isolation_level = None
        for pragma in (
            f"page_size={PAGE_BYTES}",
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "wal_autocheckpoint=0",
        ):
            connection.execute(f"PRAGMA {pragma}").close()
        # What fails on the way to a log is not said: the database stays as it was.
        mode = connection.execute("PRAGMA journal_mode").fetchone()
        if mode not in {("wal",), ("memory",)}:  # One in memory has nothing to lose.
            raise sqlite3.OperationalError(f"the database cannot have a log (WAL): {mode[0]}")

    @event.listens_for(engine, "checkin")
    def _checkin(connection: Any, _record: object) -> None:  # noqa: ANN401  # as above
        if connection is not None:
            for pragma in ("query_only=OFF", "wal_autocheckpoint=0"):
                connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer that begins by reading can be refused half-way, one that begins by locking not.
        if connection.get_execution_options().get(_EXCLUSIVE):
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
        elif _is_writer(connection):
            _begin_at_once(connection)
        else:
            connection.exec_driver_sql("BEGIN DEFERRED")


def _begin_at_once(connection: Connection) -> None:
    """Take the write lock, past SQLAlchemy: each batch begins so, and its way takes longer."""
    driver: Any = connection.connection.dbapi_connection
    statement = "BEGIN IMMEDIATE"
    try:
        driver.execute(statement).close()
    except sqlite3.Error as error:
        raise OperationalError(statement, None, error) from error


def _prepare_postgresql(engine: Engine) -> None:
    """Bound what a writer waits for, and let a commit survive a power cut.

    The settings are those of a transaction: a pooler may give the session to somebody else.
    """

    @event.listens_for(engine, "do_connect")
    def _connect(
        _dialect: object, _record: object, _arguments: object, keywords: dict[str, Any]
    ) -> None:
        for name, value in _CONNECT.items():
            keywords.setdefault(name, value)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if _is_writer(connection):
            connection.exec_driver_sql(
                f"SELECT set_config('lock_timeout', '{BUSY_TIMEOUT_MS}', true), "
                f"set_config('idle_in_transaction_session_timeout', '{IDLE_TIMEOUT_MS}', true), "
                "set_config('synchronous_commit', coalesce("
                "nullif(current_setting('synchronous_commit'), 'off'), 'on'), true)"
            )


def _is_writer(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get(_WRITER))


def open_writer(engine: Engine) -> Connection:
    """Return a connection for transactions that change something.

    On SQLite they hold the write lock from their first statement; on PostgreSQL each
    statement sees what was committed before it, whatever the server's default is.
    """
    connection = engine.connect().execution_options(**{_WRITER: True})
    _set_on_sqlite(connection, f"wal_autocheckpoint={CHECKPOINT_PAGES}")
    if engine.dialect.name == "postgresql":
        connection.execution_options(isolation_level="READ COMMITTED")
    return connection


def open_reader(engine: Engine) -> Connection:
    """Return a connection that cannot write and whose statements all see one moment."""
    connection = engine.connect()
    _set_on_sqlite(connection, "query_only=ON")
    if engine.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def plain_rows(
    connection: Connection, statement: Select[Any], parameters: Mapping[str, int] | None = None
) -> list[tuple[Any, ...]]:
    """Return rows as the driver gives them, at a third of what many rows of SQLAlchemy cost."""
    cursor = connection.execute(statement, parameters).cursor
    return [] if cursor is None else list(cursor.fetchall())


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert very many rows past SQLAlchemy, at a quarter of what they cost with it.

    Args:
        connection: in a transaction of a writer.
        table: where to.
        rows: a value for each column, in their order and as the driver takes it; days as text.
    """
    if not rows:
        return
    cursor: Any = connection.connection.cursor()
    columns = f"{table.name} ({', '.join(table.columns.keys())})"
    if connection.dialect.name == "sqlite":
        values = ", ".join("?" * len(table.columns))
        cursor.executemany(f"INSERT INTO {columns} VALUES ({values})", rows)  # noqa: S608  # our names
    else:
        with cursor.copy(f"COPY {columns} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    cursor.close()


@contextmanager
def schema_change(engine: Engine) -> Iterator[Connection]:
    """Hold a transaction that changes tables; processes that start together take turns."""
    with open_writer(engine) as connection:
        if engine.dialect.name == "sqlite":
            # While a table is made anew its rows are not lost to those that refer to it. It can be
            # said only outside a transaction, and the connection is of no use for anything else.
            _set_on_sqlite(connection, "foreign_keys=OFF")
            connection.detach()
            connection.execution_options(**{_EXCLUSIVE: True})
        with connection.begin():
            if engine.dialect.name == "postgresql":
                _take_turn(connection)
            yield connection
            if engine.dialect.name == "sqlite":
                _check_references(connection)


def _take_turn(connection: Connection) -> None:
    limit = "SELECT set_config('lock_timeout', '{}', true)"
    connection.exec_driver_sql(limit.format(SCHEMA_PATIENCE))
    connection.execute(select(func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
    connection.exec_driver_sql(limit.format(BUSY_TIMEOUT_MS))


def _check_references(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        reason = f"rows of {broken[0]!r} refer to rows of {broken[2]!r} that are gone"
        raise IntegrityError(None, None, ValueError(reason))


def _set_on_sqlite(connection: Connection, pragma: str) -> None:
    """Set something for the time until the connection is given back."""
    if connection.dialect.name == "sqlite":
        # Past SQLAlchemy, which would begin a transaction first.
        driver: Any = connection.connection.dbapi_connection
        driver.execute(f"PRAGMA {pragma}").close()


def is_single_writer(engine: Engine) -> bool:
    """Tell whether nobody but this process can write."""
    return engine.dialect.name == "sqlite"


def unused_bytes(connection: Connection) -> int:
    """Return how much of a SQLite file deleted rows have left to new ones."""
    pages: int = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    return pages * PAGE_BYTES


def cause_of(error: BaseException) -> str:
    """Return why a transaction failed, one of `meter.CAUSES` but ``unexpected``.

    ``conflict``: another transaction was in the way for too long. ``full``: there is no room.
    ``connection``: the server went away or refused.
    """
    reason = getattr(error, "orig", None) or error
    code = getattr(reason, "sqlite_errorcode", None)
    if code is not None:
        return _CAUSES_OF_SQLITE.get(code & 0xFF, "other")
    state = getattr(reason, "sqlstate", None)
    if state is None:
        # The driver for PostgreSQL names no state when there is no server to say one.
        return "connection" if isinstance(error, OperationalError) else "other"
    return next((cause for begin, cause in _CAUSES_OF_STATES if state.startswith(begin)), "other")


def insert_into(engine: Engine, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that knows ``on_conflict_do_update`` and ``on_conflict_do_nothing``."""
    return sqlite.insert(table) if engine.dialect.name == "sqlite" else postgresql.insert(table)
