"""Schemas that tests use in turn: none finds what another has left."""

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.server.conftest import FakeClock, Site
from tests.server.schemas import Schemas
from tracker_server.app import create_app
from tracker_server.config import Settings

DOES_LITTLE = "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"


def _open(schemas: Schemas, *, empty: bool = False) -> tuple[str, Site]:
    """Start a tracker in a schema that has its tables; return the name of its schema too."""
    url = schemas.make_empty()
    if not empty:
        schemas.fill(url)
    clock = FakeClock()
    app = create_app(Settings(database_url=url, rate_limit=0), clock)
    return url.rpartition("%3D")[2], Site(app, clock, app.test_client())


def _rows(site: Site) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    names = site.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    return {name: site.rows(f"SELECT * FROM {name}") for (name,) in names}


def test_rows_of_one_test_are_gone_in_the_next(schemas: Schemas) -> None:
    """The same tables, as a first start leaves them, and numbers that begin anew."""
    _name, site = _open(schemas, empty=True)
    before = _rows(site)
    site.tracker.close()
    schemas.take_back()
    name, site = _open(schemas)
    table = "SELECT 'view'::regclass::oid::int"
    first = site.rows(table)
    site.view("/a/")
    numbers = site.rows("SELECT id FROM view")
    site.tracker.close()
    schemas.take_back()
    again, site = _open(schemas)

    assert (again, site.rows(table)) == (name, first)
    assert _rows(site) == before
    site.view("/a/")
    assert site.rows("SELECT id FROM view") == numbers
    site.tracker.close()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE more (id integer)",
        "DROP TABLE minute_count",
        "ALTER TABLE view ADD COLUMN more integer",
        "ALTER TABLE path ALTER COLUMN text DROP NOT NULL",
        "CREATE INDEX more ON view (at)",
        "CREATE FUNCTION more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        f"CREATE TRIGGER more BEFORE UPDATE ON view {DOES_LITTLE}",
    ],
)
def test_a_schema_that_was_changed_is_not_used_again(schemas: Schemas, change: str) -> None:
    """Whatever it was that changed."""
    name, site = _open(schemas)
    table = "SELECT 'view'::regclass::oid::int"
    first = site.rows(table)
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql(change)
    site.tracker.close()
    schemas.take_back()
    again, site = _open(schemas)

    assert again == name
    assert site.rows(table) != first
    site.tracker.close()


def test_an_empty_schema_is_empty(schemas: Schemas) -> None:
    """Also after there was another of its name."""
    _open(schemas)[1].tracker.close()
    schemas.take_back()
    url = schemas.make_empty().replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        name = Identifier(url.rpartition("%3D")[2])
        connection.execute(SQL("CREATE TABLE {}.view (id integer)").format(name))
