"""A filter is a value: readers' connections do nothing but read, whatever an address asks for."""

import sqlite3
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import SQLAlchemyError

from tests.reliability.hostile import TEXTS
from tests.server.conftest import Site
from tracker_server.database import _is_writer, open_reader
from tracker_server.fields import _UNWRITABLE
from tracker_server.figures import FILTERS

pytestmark = pytest.mark.sqlite_only("PostgreSQL has no authorizer; both get the same statements")

HOSTILE = [text for text in TEXTS if text.strip() and not _UNWRITABLE.search(text)]
ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
    sqlite3.SQLITE_TRANSACTION,  # The reading itself, begun and ended.
}


@pytest.fixture
def denied(site: Site) -> Iterator[list[tuple[Any, ...]]]:
    """Let connections that read do nothing else; return what they were denied."""
    asked: list[tuple[Any, ...]] = []

    def decide(action: int, *about: str | None) -> int:
        if action in ALLOWED:
            return sqlite3.SQLITE_OK
        asked.append((action, *about))
        return sqlite3.SQLITE_DENY

    def guard(connection: Connection) -> None:
        if not _is_writer(connection):
            driver: Any = connection.connection.dbapi_connection
            driver.set_authorizer(decide)

    def release(driver: Any, _record: object) -> None:
        driver.set_authorizer(None)

    engine = site.tracker.engine
    event.listen(engine, "begin", guard)
    event.listen(engine, "checkin", release, insert=True)
    yield asked
    event.remove(engine, "begin", guard)
    event.remove(engine, "checkin", release)


@pytest.mark.parametrize("name", FILTERS)
def test_a_hostile_filter_finds_nothing(site: Site, denied: list[Any], name: str) -> None:
    """It is compared as a text: nothing is done but reading, and no rows come back."""
    site.view("/", reader=1)
    for text in HOSTILE:
        query = urlencode({name: "/x" + text if name == "page" else text})
        answer = site.client.get(f"/api/report?{query}")
        assert answer.status_code == 400 or answer.get_json()["views"] == 0, text

    assert denied == []
    assert site.stats()["totalPageViews"] == 1


@pytest.mark.parametrize("route", ["/api/counters", "/badge.svg"])
def test_a_hostile_path_has_no_views(site: Site, denied: list[Any], route: str) -> None:
    """What pages embed asks for paths, which are compared as texts too."""
    site.view("/", reader=1)
    for text in HOSTILE:
        answer = site.client.get(f"{route}?{urlencode({'path': '/x' + text})}")
        said = answer.get_data(as_text=True)
        assert answer.status_code == 400 or '"views":0' in said or ">0</text>" in said, text

    assert denied == []


def test_who_writes_where_only_reading_is_allowed_is_denied(site: Site, denied: list[Any]) -> None:
    """So the tests above can fail."""
    with open_reader(site.tracker.engine) as connection, pytest.raises(SQLAlchemyError):
        connection.exec_driver_sql("DELETE FROM view")

    assert denied[0][:2] == (sqlite3.SQLITE_DELETE, "view")
