"""Statements compiled once and handed to the driver as they are.

SQLAlchemy writes the SQL, for SQLite and for PostgreSQL, but does not run it. What
costs on SQLite is the number of steps: the driver gives up the interpreter at each,
and many threads stand ready to take it. So many rows go into one step there.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Engine,
    Select,
    any_,
    bindparam,
    delete,
    select,
)
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

Values = tuple[Any, ...]

MAX_ROWS = 64
"""Rows that go into one step, which is a statement of its own for each number of rows."""


class Prepared:
    """One statement; its parameters are plain tuples."""

    def __init__(self, engine: Engine, statement: ClauseElement, *names: str) -> None:
        """Compile.

        Args:
            engine: tells the dialect.
            statement: what to run.
            names: the parameters in the order they stand in the statement.

        Raises:
            ValueError: the order is another one.
        """
        dialect = engine.dialect
        if dialect.name == "postgresql":
            dialect = psycopg.dialect(paramstyle="format")  # By position, as SQLite has it.
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        order = tuple(compiled.positiontup or ()) if isinstance(compiled, SQLCompiler) else ()
        if order != names:
            raise ValueError(f"parameters stand in the order {order}, not {names}")
        self.text = str(compiled)
        """The SQL, with a placeholder for each parameter."""
        row = f"({', '.join('?' * len(names))})"
        head, values, tail = self.text.partition(f"VALUES {row}")
        many = dialect.name == "sqlite" and bool(values)
        self._texts = {
            size: f"{head}VALUES {', '.join([row] * size)}{tail}" for size in _sizes() if many
        }
        """How many rows to the statement that takes as many; none where rows go one by one."""

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run once for each row, in their order; return how many rows of the table it changed."""
        if not rows:
            return 0
        cursor = connection.connection.cursor()
        changed = 0
        if self._texts:
            for start, size in _chunks(len(rows)):
                values = tuple(chain.from_iterable(rows[start : start + size]))
                changed += cursor.execute(self._texts[size], values).rowcount
        else:
            cursor.executemany(self.text, rows)
            changed = cursor.rowcount
        cursor.close()
        return changed

    def fetch(self, connection: Connection, values: Values = ()) -> list[Values]:
        """Run once and return what it selects."""
        return _fetch(connection, self.text, values)


class _Keyed:
    """A statement about the rows whose key is one of many."""

    def __init__(self, engine: Engine, statement: Select[Any] | Delete, key: Column[Any]) -> None:
        # PostgreSQL takes an array of any length, SQLite needs a parameter for each key.
        self._takes_arrays = engine.dialect.name != "sqlite"
        if self._takes_arrays:
            wanted: ColumnElement[Any] = any_(bindparam("keys", type_=ARRAY(key.type)))
        else:
            wanted = bindparam("keys")
        self._text = Prepared(engine, statement.where(key == wanted), "keys").text
        head = self._text.removesuffix("= ?")
        self._texts = {size: f"{head}IN ({', '.join('?' * size)})" for size in _sizes()}

    def _pieces(self, keys: Collection[Any]) -> Iterator[tuple[str, Values]]:
        """Yield statements and their values that deal with all keys together."""
        wanted = list(keys)
        if wanted and self._takes_arrays:
            yield self._text, (wanted,)
            return
        for start, size in _chunks(len(wanted)):
            yield self._texts[size], tuple(wanted[start : start + size])


class Lookup(_Keyed):
    """Selects the rows whose key is one of many."""

    def __init__(self, engine: Engine, key: Column[Any], *more: Column[Any]) -> None:
        """`more` are the columns to return after the key."""
        super().__init__(engine, select(key, *more), key)

    def fetch(self, connection: Connection, keys: Collection[Any]) -> list[Values]:
        """Return the rows that exist."""
        rows: list[Values] = []
        for text, values in self._pieces(keys):
            rows += _fetch(connection, text, values)
        return rows


class Ranges:
    """Selects the rows whose key is in one of many ranges of the same length."""

    def __init__(self, engine: Engine, length: int, key: Column[Any], more: Column[Any]) -> None:
        """Compile.

        Args:
            engine: tells the dialect.
            length: how much greater the last key of a range is than its first.
            key: the column.
            more: what to return after it.
        """
        columns = f"{key.name}, {more.name}"
        # The keys come first: for each of them the rows are found by theirs.
        select = f"SELECT {columns} FROM {{}} CROSS JOIN {key.table.name} "  # noqa: S608  # our names
        text = f"{select}WHERE {key.name} BETWEEN first AND first + {length}"
        self._takes_arrays = engine.dialect.name != "sqlite"
        self._text = text.format("unnest(%s::bigint[]) AS wanted(first)")
        self._texts = {
            size: f"WITH wanted(first) AS (VALUES {', '.join(['(?)'] * size)}) "
            + text.format("wanted")
            for size in _sizes()
        }

    def fetch(self, connection: Connection, firsts: Collection[int]) -> list[Values]:
        """Return the rows that exist; `firsts` are the first keys of the ranges."""
        wanted = list(firsts)
        if wanted and self._takes_arrays:
            return _fetch(connection, self._text, (wanted,))
        rows: list[Values] = []
        for start, size in _chunks(len(wanted)):
            rows += _fetch(connection, self._texts[size], tuple(wanted[start : start + size]))
        return rows


class Removal(_Keyed):
    """Deletes the rows whose key is one of many."""

    def __init__(self, engine: Engine, key: Column[Any]) -> None:
        super().__init__(engine, delete(key.table), key)

    def run(self, connection: Connection, keys: Collection[Any]) -> None:
        """Delete the rows that exist."""
        for text, values in self._pieces(keys):
            connection.connection.cursor().execute(text, values).close()


def _fetch(connection: Connection, text: str, values: Values) -> list[Values]:
    cursor = connection.connection.cursor()
    cursor.execute(text, values)
    rows = cursor.fetchall()
    cursor.close()
    return cast("list[Values]", rows)


def _sizes() -> list[int]:
    return [*range(1, MAX_ROWS + 1)]


def _chunks(count: int) -> Iterator[tuple[int, int]]:
    """Cut a number of rows into pieces of the known sizes; yields start and size."""
    start = 0
    while start < count:
        size = min(MAX_ROWS, count - start)
        yield start, size
        start += size
