"""Schemas of PostgreSQL for tests, and such that have a tracker's tables already.

To make the tables of a new tracker and to drop them takes half of what a test on PostgreSQL
takes. So a schema with tables is used again after a test that has changed nothing but rows.
"""

from collections.abc import Iterable

from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier

from tracker_server.app import create_app
from tracker_server.config import Settings

_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %(schema)s"
_USED = _TABLES + " AND pg_relation_size(format('%%I.%%I', schemaname, tablename)::regclass) > 0"
_STRUCTURE = """
WITH own AS (SELECT * FROM pg_class WHERE relnamespace = %(schema)s::regnamespace)
SELECT 'relation', concat_ws(' ', relname, relkind, relpersistence, reloptions) FROM own
UNION ALL SELECT 'column', concat_ws(' ', relname, attname, atttypid, attnotnull, atthasdef)
FROM pg_attribute JOIN own ON own.oid = attrelid
UNION ALL SELECT 'constraint', concat_ws(' ', conname, contype, convalidated)
FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace
UNION ALL SELECT 'function', proname::text
FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace
UNION ALL SELECT 'trigger', concat_ws(' ', relname, tgname, tgenabled)
FROM pg_trigger JOIN own ON own.oid = tgrelid WHERE NOT tgisinternal
ORDER BY 1, 2
"""


class Schemas:
    """Those of one server; each has a name in the address by which a tracker knows it."""

    def __init__(self, connection: Connection, address: str) -> None:
        """`connection` commits by itself."""
        self._connection = connection
        self._address = address
        self._fresh = "fresh"
        """As a first start leaves it; made when it is first needed, and never given to a test."""
        self._structure: list[tuple[str, ...]] = []
        self._spare: list[str] = []
        self._given: dict[str, bool] = {}
        """Names that a test has, and whether the schema may be used again."""
        self._made = 0

    def make_empty(self) -> str:
        """Return the address of a schema with nothing in it."""
        name = f"test_{len(self._given)}"
        self._run("CREATE SCHEMA {}", name)
        self._given[name] = False
        return self._address_of(name)

    def fill(self, url: str) -> None:
        """Put the tables of a new tracker into a schema, if it is an empty one of these."""
        name = url.rpartition("%3D")[2]
        if name not in self._given or self._query(_TABLES, name):
            return
        spare = self._spare.pop() if self._spare else self._make_spare()
        self._run("DROP SCHEMA {}", name)
        self._run("ALTER SCHEMA {} RENAME TO {}", spare, name)
        self._given[name] = True

    def take_back(self) -> None:
        """End a test: what it was given is emptied for others, or dropped."""
        for name, has_tables in self._given.items():
            if has_tables and self._is_as_before(name):
                self._made += 1
                self._spare.append(f"spare_{self._made}")
                self._run("ALTER SCHEMA {} RENAME TO {}", name, self._spare[-1])
                self._empty(self._spare[-1])
            else:
                self._run("DROP SCHEMA {} CASCADE", name)
        self._given.clear()

    def _address_of(self, name: str) -> str:
        return f"{self._address}&options=-csearch_path%3D{name}"

    def _make_spare(self) -> str:
        self._made += 1
        name = f"spare_{self._made}"
        for each in [name] if self._structure else [name, self._fresh]:
            self._run("CREATE SCHEMA {}", each)
            app = create_app(Settings(database_url=self._address_of(each)))
            app.extensions["tracker"].close()
        self._structure = self._structure or self._query(_STRUCTURE, self._fresh)
        return name

    def _is_as_before(self, name: str) -> bool:
        return self._query(_STRUCTURE, name) == self._structure

    def _empty(self, name: str) -> None:
        """Leave the rows that a first start writes, and no other, nor the room of others."""
        schema, fresh = Identifier(name), Identifier(self._fresh)

        def of_schema(tables: Iterable[tuple[str, ...]]) -> list[Composable]:
            return [SQL("{}.{}").format(schema, Identifier(table)) for (table,) in tables]

        used = SQL(", ").join(of_schema(self._query(_USED, name)))
        # Tables that refer to these are emptied too, and so filled again if a first start does.
        steps: list[Composable] = [SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(used)]
        # So that the order of the tables is of no matter to their keys.
        steps.append(SQL("SET LOCAL session_replication_role = replica"))
        for table in map(Identifier, (table for (table,) in self._query(_USED, self._fresh))):
            more = SQL("INSERT INTO {0}.{2} SELECT * FROM {1}.{2}").format(schema, fresh, table)
            steps.append(more)
        with self._connection.transaction():
            self._connection.execute(SQL(";").join(steps))

    def _run(self, statement: str, *names: str) -> None:
        self._connection.execute(SQL(statement).format(*map(Identifier, names)))

    def _query(self, statement: str, name: str) -> list[tuple[str, ...]]:
        return self._connection.execute(statement, {"schema": name}).fetchall()
