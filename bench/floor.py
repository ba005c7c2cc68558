"""The other floor: durable rows in bare SQLite, so many to the commit, with nothing around them."""

import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

ROW_BYTES = 64


def group_commit(rows_to_the_commit: int, commits: int) -> tuple[float, float]:
    """Insert rows of 64 bytes in one table, flushed with every commit.

    Returns:
        CPU time per row in microseconds, and rows per second.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "floor.sqlite3", isolation_level=None)) as base,
    ):
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=FULL")
        base.execute("CREATE TABLE row (id INTEGER PRIMARY KEY, body BLOB)")
        rows = [(bytes(ROW_BYTES),)] * rows_to_the_commit
        cpu, begin = time.process_time(), time.perf_counter()
        for _ in range(commits):
            base.execute("BEGIN IMMEDIATE")
            base.executemany("INSERT INTO row (body) VALUES (?)", rows)
            base.execute("COMMIT")
        count = rows_to_the_commit * commits
        return (time.process_time() - cpu) / count * 1e6, count / (time.perf_counter() - begin)
