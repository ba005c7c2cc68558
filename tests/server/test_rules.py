"""The rules of the system, one test or more for each, named after it; the clock is the test's.

The browser's side of the rules (heartbeat interval, debounce, one sender) is tested in
``js/tests``; what a real browser makes of both in ``tests/e2e``.
"""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.server.conftest import CONTRACT, NOON, MakeSite, Site, session_id
from tracker_server.model import (
    Received,
    View,
)

MINUTE = 60


@pytest.mark.parametrize(
    ("path", "page_type"),
    [
        pytest.param("/", "home", id="home"),
        pytest.param("/blog/2026/first-boil/", "blog", id="post"),
        pytest.param("/guide/install/", "page", id="page"),
        pytest.param("/statistics/", "stats", id="statistics"),
        pytest.param("/no/such/", "other", id="not-in-the-manifest"),
    ],
)
def test_page_view_is_one_record_with_path_type_session_and_time(
    site: Site, path: str, page_type: str
) -> None:
    """A view is one row: path, page type, session and the server's time."""
    site.view(path, reader=7)

    rows = site.rows(
        "SELECT path.text, visitor.session, view.at FROM view "
        "JOIN path ON path.id = path_id JOIN visitor ON visitor.id = visitor_id"
    )
    assert rows == [(path, UUID(session_id(7)).int, int(NOON))]
    assert [row["type"] for row in site.stats()["pageStats"]] == [page_type]


@pytest.mark.parametrize(
    ("seconds", "views"),
    [
        pytest.param(0, 1, id="at-once"),
        pytest.param(30 * MINUTE - 1, 1, id="29:59"),
        pytest.param(30 * MINUTE, 2, id="30:00"),
    ],
)
def test_view_deduplication_same_session_and_path_within_30_minutes(
    site: Site, seconds: int, views: int
) -> None:
    """Within 30 minutes of the counted view the same session and path are one view."""
    site.view("/guide/install/")
    site.clock.advance(seconds)
    site.view("/guide/install/")

    assert site.stats()["totalPageViews"] == views


def test_view_deduplication_window_starts_at_the_counted_view(site: Site) -> None:
    """A repetition inside the window does not extend it."""
    for _ in range(4):
        site.view("/")
        site.clock.advance(10 * MINUTE)

    assert site.stats()["totalPageViews"] == 2


def test_view_deduplication_is_by_session_and_by_path(site: Site) -> None:
    """Another session, or another path, is another view."""
    site.view("/", reader=1)
    site.view("/", reader=2)
    site.view("/guide/install/", reader=1)

    assert site.stats()["totalPageViews"] == 3


def test_view_deduplication_crosses_midnight(site: Site) -> None:
    """A view at 23:50 and one at 00:10 are one view."""
    site.clock.advance(11 * 3_600 + 50 * MINUTE)
    site.view("/")
    site.clock.advance(20 * MINUTE)
    site.view("/")

    assert site.stats()["totalPageViews"] == 1


def test_view_deduplication_survives_a_restart(make_site: MakeSite) -> None:
    """The window is in the database, not in the memory of a process."""
    before = make_site()
    before.view("/", l="0" * 32)
    before.tracker.close()
    after = make_site()
    after.clock.advance(29 * MINUTE)
    after.view("/", l="1" * 32)

    assert after.stats()["totalPageViews"] == 1


def test_view_of_a_page_load_counts_once_even_a_day_later(site: Site) -> None:
    """A retry carries the same page-load id and is never a second view."""
    site.view("/", l="ab" * 16)
    site.clock.advance(23 * 3_600)
    site.view("/", l="ab" * 16)

    assert site.stats()["totalPageViews"] == 1


def test_active_session_is_one_row_per_session(site: Site) -> None:
    """Whatever a session does, it is one row with the path it is on now."""
    for path in ("/", "/guide/install/", "/", "/blog/"):
        site.view(path)
        site.beat(path)

    rows = site.rows("SELECT text, last_seen FROM active_session JOIN path ON path.id = path_id")
    assert rows == [("/blog/", int(NOON))]


@pytest.mark.parametrize(
    ("seconds", "active"),
    [pytest.param(119, 1, id="1:59"), pytest.param(120, 0, id="2:00")],
)
def test_session_timeout_after_2_minutes_without_heartbeat(
    site: Site, seconds: int, active: int
) -> None:
    """A session that has not been heard of for 2 minutes is not active."""
    site.view("/")
    site.clock.advance(seconds)

    assert site.stats()["activeVisitors"] == active


def test_session_stays_active_as_long_as_it_beats(site: Site) -> None:
    """A page open for 20 minutes without a click is active all the time."""
    site.view("/guide/install/")
    for _ in range(40):
        site.clock.advance(30)
        site.beat("/guide/install/")

        assert site.stats()["activeVisitors"] == 1
    assert site.stats()["totalPageViews"] == 1


def test_heartbeat_dedup_same_session_and_path_within_10_seconds_writes_nothing(
    site: Site,
) -> None:
    """Beats within the window are idempotent; the first after it is written."""
    site.view("/")
    written = site.tracker.store.sessions_written
    site.clock.advance(9)
    site.beat("/")
    unwritten = site.tracker.store.sessions_written
    site.clock.advance(1)
    site.beat("/")

    assert unwritten == written
    assert site.tracker.store.sessions_written == written + 1


def test_heartbeat_dedup_holds_in_the_database_alone(site: Site) -> None:
    """The condition is in the upsert; the memory in front of it only saves the way."""
    site.tracker.recorder._beats = None
    site.view("/")
    written = site.tracker.store.sessions_written
    site.clock.advance(9)
    site.beat("/")

    assert site.tracker.store.sessions_written == written


def test_path_change_is_recorded_at_once(site: Site) -> None:
    """Another path is written within the window too, there and back again."""
    site.view("/")
    seen = []
    for path in ("/guide/install/", "/", "/guide/install/"):
        site.clock.advance(1)
        site.beat(path)
        seen.append([row["path"] for row in site.stats()["activeByPath"]])

    assert seen == [["/guide/install/"], ["/"], ["/guide/install/"]]


def test_leave_ends_the_session_of_its_page_load(site: Site) -> None:
    """A reader who closes the page is gone at once."""
    site.view("/", l="1" * 32)
    site.send("leave", "/", l="1" * 32)

    assert site.stats()["activeVisitors"] == 0


def test_leave_that_comes_late_ends_nothing(site: Site) -> None:
    """The leave of the page before, overtaken by the view of the next, changes nothing."""
    site.view("/", l="1" * 32)
    site.view("/guide/install/", l="2" * 32)
    site.send("leave", "/", l="1" * 32)

    assert [row["path"] for row in site.stats()["activeByPath"]] == ["/guide/install/"]


def test_leave_overtaken_by_a_reload_ends_nothing(site: Site) -> None:
    """A reload shows the same path under another page load; the old one's leave is not its own."""
    site.view("/", l="1" * 32)
    site.view("/", l="2" * 32)
    site.send("leave", "/", l="1" * 32)

    assert site.stats()["activeVisitors"] == 1


def test_beat_after_leave_is_written_within_the_window(site: Site) -> None:
    """A second tab that takes over is active at once, whatever the window."""
    site.view("/", l="1" * 32)
    site.send("leave", "/", l="1" * 32)
    site.beat("/", l="2" * 32)

    assert site.stats()["activeVisitors"] == 1


@pytest.mark.sqlite_only("it looks into the file; both write the same columns")
def test_session_id_is_a_number_and_nothing_else_is_stored(site: Site, tmp_path: Path) -> None:
    """No address, user agent or full referrer reaches the disk, and no cookie is set."""
    answer = site.client.post(
        "/api/collect",
        data=json.dumps(
            {
                "t": "view",
                "s": session_id(0),
                "l": "1" * 32,
                "p": "/?mail=me@home.example",
                "r": "https://search.example/find?q=secret-query",
                "q": "?utm_source=letter&token=secret-query&utm_campaign=to+me@home.example",
            }
        ),
        headers={"User-Agent": "Marked-Browser/1.0", "X-Forwarded-For": "203.0.113.77"},
        environ_overrides={"REMOTE_ADDR": "198.51.100.23"},
    )
    site.tracker.close()
    disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())

    assert "Set-Cookie" not in answer.headers
    assert b"search.example" in disk
    assert b"letter//to ***" in disk
    for secret in (
        b"Marked-Browser",
        b"198.51.100.23",
        b"203.0.113.77",
        b"secret-query",
        b"me@home",
    ):
        assert secret not in disk


def test_cleanup_every_5_minutes_deletes_sessions_older_than_2_minutes(site: Site) -> None:
    """Ended sessions are deleted, those that still read are kept."""
    site.view("/", reader=1)
    site.clock.advance(299)
    site.tracker.upkeep.tick()
    before = site.rows("SELECT count(*) FROM active_session")
    site.view("/", reader=2)
    site.clock.advance(1)
    site.tracker.upkeep.tick()

    assert before == [(1,)]
    assert site.rows("SELECT text FROM active_session JOIN path ON path.id = path_id") == [("/",)]
    assert site.stats()["activeVisitors"] == 1


def test_cleanup_that_never_runs_changes_no_figure(site: Site) -> None:
    """Reads filter by time: rows of ended sessions count nowhere."""
    for reader in range(20):
        site.view("/", reader=reader)
        site.clock.advance(10)
    figures = site.stats()

    assert site.rows("SELECT count(*) FROM active_session") == [(20,)]
    assert figures["activeVisitors"] == 11
    assert figures["activeByPath"][0]["visitors"] == 11


def test_cleanup_deletes_more_sessions_than_one_step_takes(site: Site) -> None:
    """Clean-up goes on in bounded steps until nothing is left to delete."""
    site.add_ended_sessions(2_500)
    site.tracker.recorder.clean_up()

    assert site.rows("SELECT count(*) FROM active_session") == [(0,)]


def test_stats_has_every_field(site: Site) -> None:
    """The figures of the stats page under exactly the documented names."""
    site.view("/guide/install/", reader=1)
    site.view("/guide/install/", reader=2)
    site.view("/", reader=2, z="Europe/Vienna")
    site.view("/gone/", reader=3)

    expected: dict[str, Any] = {
        "activeVisitors": 3,
        "activeByPath": [
            {"path": "/", "title": "Kettle", "type": "home", "visitors": 1},
            {"path": "/gone/", "title": None, "type": "other", "visitors": 1},
            {"path": "/guide/install/", "title": "Install", "type": "page", "visitors": 1},
        ],
        "totalPageViews": 4,
        "uniqueVisitors": 3,
        "publishedPosts": 1,
        "publishedPages": 4,
        "trackingSince": "2026-01-01T12:00:00Z",
        "pageStats": [
            {"path": "/guide/install/", "title": "Install", "type": "page", "views": 2},
            {"path": "/", "title": "Kettle", "type": "home", "views": 1},
            {"path": "/gone/", "title": None, "type": "other", "views": 1},
        ],
        "pageCount": 3,
        "series": {"from": "2025-10-04", "views": [0] * 89 + [4], "visitors": [0] * 89 + [3]},
        "minutes": [0] * 29 + [4],
        "recent": [
            {
                "at": "2026-01-01T12:00:00Z",
                "path": path,
                "title": title,
                "country": "AT" if path == "/" else "",
                "referrer": "",
            }
            for path, title in (
                ("/gone/", None),
                ("/", "Kettle"),
                ("/guide/install/", "Install"),
                ("/guide/install/", "Install"),
            )
        ],
        "siteUrl": "https://kettle.example/docs/",
        "demo": False,
    }
    assert site.stats() == expected


def test_stats_of_an_empty_tracker_is_all_zero(make_site: MakeSite) -> None:
    """Before the first visit and without a manifest nothing is invented."""
    assert make_site().stats() == {
        "activeVisitors": 0,
        "activeByPath": [],
        "totalPageViews": 0,
        "uniqueVisitors": 0,
        "publishedPosts": 0,
        "publishedPages": 0,
        "trackingSince": None,
        "pageStats": [],
        "pageCount": 0,
        "series": {"from": "2025-10-04", "views": [0] * 90, "visitors": [0] * 90},
        "minutes": [0] * 30,
        "recent": [],
        "siteUrl": None,
        "demo": False,
    }


def test_stats_counts_every_view_not_only_the_latest_thousand(site: Site) -> None:
    """A page that was popular long ago is still at the top."""
    for reader in range(30):
        site.view("/guide/install/", reader=reader)
    paths = {n: f"/p{n % 500}/" if n % 50 else "/" for n in range(100, 1_200)}
    site.tracker.store.write([Received(int(NOON), View(n, n, path)) for n, path in paths.items()])

    assert site.stats()["pageStats"][0] == {
        "path": "/guide/install/",
        "title": "Install",
        "type": "page",
        "views": 30,
    }


def test_title_join_gives_a_new_page_its_title_without_configuration(
    make_site: MakeSite, tmp_path: Path
) -> None:
    """A new page counts at once, is listed after its first visit, and has its manifest title."""
    manifest = json.loads((CONTRACT / "manifest.json").read_text())
    path = tmp_path / "stats-manifest.json"
    path.write_text(json.dumps(manifest))
    site = make_site(manifest=str(path))
    manifest["pages"].append(
        {"path": "/new/", "slug": "new", "title": "Brand new", "type": "page", "published": True}
    )
    path.write_text(json.dumps(manifest))
    site.tracker.upkeep.tick()
    counted = site.stats()
    site.view("/new/")

    assert counted["publishedPages"] == 5
    assert counted["pageStats"] == []
    assert site.stats()["pageStats"][0]["title"] == "Brand new"


def test_title_join_applies_to_views_from_before_the_manifest(make_site: MakeSite) -> None:
    """Views that came before the manifest get their titles when it comes."""
    site = make_site(manifest_token="a token of length")
    site.view("/guide/install/")
    before = site.stats()["pageStats"][0]
    site.client.put(
        "/api/manifest",
        data=(CONTRACT / "manifest.json").read_bytes(),
        headers={"Authorization": "Bearer a token of length"},
    )

    assert (before["title"], before["type"]) == (None, "other")
    assert site.stats()["pageStats"][0]["title"] == "Install"


@pytest.mark.parametrize("jump", [-25 * 3_600, 366 * 86_400], ids=["back-25-h", "forward-1-y"])
def test_clock_jump_neither_loses_nor_invents(site: Site, jump: int) -> None:
    """After a jump of the clock sessions from the other time are not active, new ones are."""
    site.view("/", reader=1)
    site.clock.advance(jump)
    stale = site.stats()["activeVisitors"]
    site.beat("/", reader=1)
    site.view("/guide/install/", reader=2)

    assert stale == 0
    assert site.stats()["activeVisitors"] == 2
    assert site.stats()["totalPageViews"] == 2


@pytest.mark.parametrize(
    ("setting", "value", "wait", "figure", "expected"),
    [
        pytest.param(
            "session_timeout_seconds", 300, 299, "activeVisitors", 1, id="session-timeout"
        ),
        pytest.param("view_window_seconds", 60, 60, "totalPageViews", 2, id="view-window"),
    ],
)
def test_every_number_is_an_option(  # noqa: PLR0913, PLR0917  # columns of the table
    make_site: MakeSite, setting: str, value: int, wait: int, figure: str, expected: int
) -> None:
    """The numbers of the rules are defaults."""
    site = make_site(**{setting: value})
    site.view("/")
    site.clock.advance(wait)
    if figure == "totalPageViews":
        site.view("/")

    assert site.stats()[figure] == expected


def test_not_found_is_never_a_view(site: Site) -> None:
    """The site's 404 page is counted apart, with path and referrer."""
    answer = site.send("event", "/no/such/", n="not_found", r="https://www.old.example/links?x=1")
    rows = site.rows(
        "SELECT path.text, referrer.text, count FROM not_found "
        "JOIN path ON path.id = path_id JOIN referrer ON referrer.id = referrer_id"
    )

    assert answer.status_code == 204
    assert rows == [("/no/such/", "old.example", 1)]
    assert site.stats()["totalPageViews"] == 0
    assert site.stats()["activeVisitors"] == 0


def test_unknown_paths_beyond_the_bound_share_one_row(make_site: MakeSite) -> None:
    """Invented paths count in the totals and cannot fill the database."""
    site = make_site(manifest=str(CONTRACT / "manifest.json"), max_unknown_paths=3)
    for number in range(10):
        site.view(f"/invented/{number}/", reader=number)
    site.view("/guide/install/")
    figures = site.stats()

    assert figures["totalPageViews"] == 11
    assert figures["pageStats"][0] == {
        "path": "(other)",
        "title": None,
        "type": "other",
        "views": 7,
    }
    assert figures["pageCount"] == 5
