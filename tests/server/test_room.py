"""What is left of a disk is kept for what makes room."""

from pathlib import Path

import pytest

from tests.server.conftest import MakeSite
from tracker_server.room import Room

MORE_THAN_ANY_DISK_HAS = 1 << 40


@pytest.mark.sqlite_only("the disk of PostgreSQL is not ours to look at")
def test_messages_stop_where_the_reserve_begins_and_the_clean_up_goes_on(
    make_site: MakeSite,
) -> None:
    """503, red until there is room again, and counted as a full disk."""
    site = make_site(reserve_mib=MORE_THAN_ANY_DISK_HAS)
    refused = site.send("view")
    site.tracker.upkeep.tick()
    red = site.client.get("/readyz").status_code
    site.add_ended_sessions(10)
    site.tracker.recorder.clean_up()
    still_red = site.client.get("/readyz").status_code

    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    # That something was deleted does not mean that there is room for messages.
    assert (red, still_red) == (503, 503)
    assert site.tracker.store.meter.failures["full"] == 2
    assert site.rows("SELECT count(*) FROM active_session") == [(0,)]


@pytest.mark.postgresql_only("SQLite's is looked at")
def test_the_disk_of_a_server_is_not_looked_at(make_site: MakeSite) -> None:
    """It is another machine's."""
    make_site(reserve_mib=MORE_THAN_ANY_DISK_HAS).view()


def test_a_reserve_is_what_must_be_free(tmp_path: Path) -> None:
    """None is none, and a folder that is gone is for the database to complain of."""
    file = tmp_path / "stats.sqlite3"

    assert Room(file, MORE_THAN_ANY_DISK_HAS).is_short()
    assert not Room(file, 0).is_short()
    assert not Room(tmp_path / "gone" / "stats.sqlite3", MORE_THAN_ANY_DISK_HAS).is_short()
