"""The tables: all of a batch or nothing, whatever is cleaned up, and whoever wrote before."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.server.conftest import NOON, MakeSite, Site, accept_writes, refuse_writes
from tracker_server import store as store_module
from tracker_server import tally as tally_module
from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.errors import ConfigurationError, InvalidManifestError, StorageError
from tracker_server.model import (
    Beat,
    Leave,
    Manifest,
    Message,
    NotFound,
    Page,
    Received,
    View,
)
from tracker_server.packing import MAX_VISITOR_ID

AT = int(NOON)
A, B = 97, -98


def _write(site: Site, *messages: Message, at: int = AT) -> None:
    site.tracker.store.write([Received(at, message) for message in messages])


def _count(site: Site, table: str) -> int:
    return int(site.rows(f"SELECT count(*) FROM {table}")[0][0])


def _manifest(*paths: str, url: str | None = None) -> Manifest:
    return Manifest(
        site_name="Kettle",
        site_url=url,
        pages=tuple(
            Page(path, "", path.upper(), "page", published=True, date="2026-03-01", generated=False)
            for path in paths
        ),
    )


@pytest.fixture
def bare(make_site: MakeSite) -> Site:
    """Return a tracker without manifest."""
    return make_site()


def test_a_batch_is_stored_whole(bare: Site) -> None:
    """Views, heartbeats, leaves and events of one batch end up in their tables."""
    _write(
        bare,
        View(A, 1, "/", "x.example", "DE", "de", "small"),
        NotFound(A, 2, "/no/"),
        Beat(B, 3, "/a/"),
        Leave(A, 1, "/"),
    )

    tables = ("view", "load", "visitor", "visit", "not_found", "active_session", "hour_count")
    assert [_count(bare, table) for table in tables] == [1, 2, 1, 1, 1, 1, 1]
    assert bare.rows("SELECT views, visitors, tracking_since FROM totals") == [(1, 1, AT)]
    assert bare.rows("SELECT dimension, count FROM total_count") == [(1, 1), (2, 1), (3, 1)]


def test_a_view_without_a_campaign_pays_for_none(bare: Site) -> None:
    """No statement looks for one, and no row stands for its absence."""
    statements: list[str] = []
    event.listen(
        bare.tracker.engine, "before_cursor_execute", lambda *seen: statements.append(seen[2])
    )
    _write(bare, View(A, 1, "/"), NotFound(B, 2, "/no/"))
    assert [text for text in statements if "referrer" in text]
    assert not [text for text in statements if "campaign" in text]
    assert bare.rows("SELECT campaign_id FROM view") == [(0,)]
    assert [_count(bare, name) for name in ("campaign", "day_count", "total_count")] == [0, 3, 3]

    _write(bare, View(B, 3, "/", campaign="news//"))
    assert [text for text in statements if "campaign" in text]
    assert [_count(bare, name) for name in ("day_count", "total_count")] == [4, 4]


@pytest.mark.parametrize(
    "table", ["load", "visit", "view", "day_count", "totals", "active_session"]
)
def test_a_failure_anywhere_in_a_batch_leaves_nothing(bare: Site, table: str) -> None:
    """Whichever statement fails, no table has changed, and the next batch is stored."""
    _write(bare, View(A, 1, "/"))
    before = {name: _count(bare, name) for name in ("load", "view", "visitor", "path", "referrer")}
    refuse_writes(bare.tracker.engine, table)
    with pytest.raises(StorageError, match="refused"):
        _write(bare, View(B, 2, "/new/", "new.example"))
    after = {name: _count(bare, name) for name in before}
    accept_writes(bare.tracker.engine, table)
    _write(bare, View(B, 2, "/new/", "new.example"))

    assert after == before
    assert bare.stats()["totalPageViews"] == 2
    assert bare.stats()["pageStats"][0]["path"] == "/"


def test_a_failed_batch_forgets_the_ids_it_made_up(bare: Site) -> None:
    """Paths and referrers of a batch that was rolled back get other rows, not dangling ids."""
    # The driver of SQLite refuses the number, PostgreSQL itself does.
    with pytest.raises((OverflowError, StorageError)):
        _write(bare, View(A, 1 << 64, "/lost/", "lost.example"))
    _write(bare, View(A, 1, "/kept/", "kept.example"))
    _write(bare, View(B, 2, "/lost/", "lost.example"))

    rows = bare.rows(
        "SELECT path.text, referrer.text FROM view JOIN path ON path.id = path_id "
        "JOIN referrer ON referrer.id = referrer_id"
    )
    assert rows == [("/kept/", "kept.example"), ("/lost/", "lost.example")]


def test_a_repeated_page_load_still_follows_the_session(bare: Site) -> None:
    """A retry is no view and no visitor, yet it shows where the reader is."""
    _write(bare, View(A, 1, "/"))
    _write(bare, View(A, 1, "/a/"), at=AT + 1)

    assert _count(bare, "view") == 1
    assert bare.rows("SELECT text FROM active_session JOIN path ON path.id = path_id") == [("/a/",)]


def test_a_page_load_belongs_to_its_session(bare: Site) -> None:
    """The same id of another browser is another page load, which nobody can take away."""
    _write(bare, View(A, 1, "/"))
    _write(bare, View(B, 1, "/"))

    assert _count(bare, "view") == 2


def test_a_missing_page_is_counted_once_a_page_load(bare: Site) -> None:
    """Again in the same batch, later, or after the session got its number: still once."""
    _write(bare, NotFound(A, 1, "/gone/"), NotFound(A, 1, "/gone/"))
    _write(bare, View(A, 2, "/"))
    _write(bare, NotFound(A, 1, "/gone/"))

    assert bare.rows("SELECT count FROM not_found") == [(1,)]


def test_pairs_of_missing_pages_and_referrers_are_bounded(
    bare: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound of a day they share one row; those that have one go on counting in it."""
    monkeypatch.setattr(tally_module, "MAX_NOT_FOUND", 3)
    for load in range(20):
        _write(bare, NotFound(A, load, f"/{load % 5}/", f"{load % 2}.example"))
    _write(bare, *(NotFound(A, 100 + n, f"/{n}/", "new.example") for n in range(9)))
    _write(bare, NotFound(A, 200, "/0/"), at=AT + 86_400)
    rows = bare.rows(
        "SELECT path.text, referrer.text, count FROM not_found "
        "JOIN path ON path.id = path_id JOIN referrer ON referrer.id = referrer_id ORDER BY day, 1"
    )

    assert rows == [
        ("(other)", "(other)", 23),
        ("/0/", "0.example", 2),
        ("/1/", "1.example", 2),
        ("/2/", "0.example", 2),
        ("/0/", "", 1),
    ]


def test_heartbeats_and_leaves_of_unknown_sessions_count_nothing(bare: Site) -> None:
    """Neither makes a view or a visitor; a leave does not even make a path."""
    _write(bare, Leave(A, 1, "/left/"), Beat(B, 1, "/read/"))

    assert sorted(bare.rows("SELECT text FROM path")) == [("(other)",), ("/read/",)]
    assert (_count(bare, "view"), _count(bare, "visitor"), _count(bare, "load")) == (0, 0, 0)


def test_sessions_written_counts_rows_that_changed(bare: Site) -> None:
    """Repetitions are not counted, ends are."""
    store = bare.tracker.store
    _write(bare, View(A, 1, "/"), Beat(A, 1, "/"), Beat(A, 1, "/a/"), Leave(A, 9, "/"))
    changed = store.meter.sessions_written
    _write(bare, Leave(A, 1, "/"))

    assert (changed, store.meter.sessions_written) == (2, 3)


def test_not_found_is_counted_by_day_path_and_referrer(bare: Site) -> None:
    """The same broken link on the same day is one row that counts."""
    _write(bare, NotFound(A, 1, "/no/", "x.example"), NotFound(A, 2, "/no/", "x.example"))
    _write(bare, NotFound(B, 3, "/no/", "x.example"), NotFound(B, 4, "/no/"))
    _write(bare, NotFound(B, 5, "/no/", "x.example"), at=AT + 86_400)

    assert bare.rows("SELECT day, count FROM not_found ORDER BY day, count") == [
        (20_454, 1),
        (20_454, 3),
        (20_455, 1),
    ]


def test_a_window_of_several_days_looks_at_all_of_them(make_site: MakeSite) -> None:
    """The window is an option; the days between its ends are no gaps."""
    site = make_site(view_window_seconds=5 * 86_400)
    _write(site, View(A, 1, "/"))
    for day in (1, 2, 3, 4, 5):
        _write(site, View(A, 1 + day, "/"), at=AT + day * 86_400)

    assert site.rows("SELECT at FROM view") == [(AT,), (AT + 5 * 86_400,)]


def test_more_visitors_than_can_be_told_apart_are_refused(bare: Site) -> None:
    """The bound of the packed key is an error, not a wrong count."""
    _write(bare, View(A, 1, "/"))
    with bare.tracker.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE totals SET visitors = {MAX_VISITOR_ID - 1}")
    _write(bare, View(B, 2, "/"))
    with pytest.raises(StorageError, match="134,217,727 visitors"):
        _write(bare, View(99, 3, "/"))
    _write(bare, View(A, 4, "/a/"))

    assert bare.rows("SELECT max(id) FROM visitor") == [(MAX_VISITOR_ID,)]
    assert _count(bare, "view") == 3


@pytest.mark.parametrize(
    ("bound", "table"),
    [
        ("MAX_REFERRERS", "referrer"),
        ("MAX_AUDIENCES", "audience"),
        ("MAX_CAMPAIGNS", "campaign"),
    ],
)
def test_what_readers_invent_shares_one_row(
    bare: Site, monkeypatch: pytest.MonkeyPatch, bound: str, table: str
) -> None:
    """What readers choose cannot fill the database, and every view still counts."""
    monkeypatch.setattr(tally_module, bound, 3)
    for number in range(10):
        country = f"{chr(65 + number)}X"
        campaign = f"{number}//"
        _write(bare, View(number, number, "/", f"{number}.example", country, campaign=campaign))

    # The other two have an entry for all others beside those that fit.
    assert _count(bare, table) == 3
    assert _count(bare, "view") == 10
    assert bare.rows("SELECT sum(count) FROM total_count WHERE dimension = 2") == [(10,)]
    assert bare.rows(
        f"SELECT count(*) FROM view JOIN {table} ON {table}.id = {table}_id WHERE text = '(other)'"
    ) == [(8,)]


def test_paths_of_the_manifest_are_outside_the_bound(make_site: MakeSite) -> None:
    """A site of many pages leaves all the room there is to unknown paths."""
    site = make_site(max_unknown_paths=1)
    site.tracker.store.replace_pages(_manifest("/a/", "/b/", "/c/"), "1", AT)
    _write(site, *(View(A, n, path) for n, path in enumerate(["/a/", "/b/", "/x/", "/y/", "/c/"])))

    assert [(row["path"], row["title"]) for row in site.stats()["pageStats"]] == [
        ("(other)", None),
        ("/a/", "/A/"),
        ("/b/", "/B/"),
        ("/c/", "/C/"),
        ("/x/", None),
    ]


def _listed(site: Site) -> set[str]:
    return {row["path"] for row in site.stats()["pageStats"]}


def test_former_pages_are_outside_the_bound(make_site: MakeSite) -> None:
    """What was a page is not invented, whether a manifest says where it is now or not."""
    site = make_site(max_unknown_paths=2)
    pages = [f"/old/{number}/" for number in range(5)]
    site.tracker.store.replace_pages(_manifest(*pages), "1", AT)
    site.tracker.store.replace_pages(_manifest("/new/"), "2", AT)
    _write(site, *(View(A, n, path) for n, path in enumerate([*pages, "/x/", "/y/", "/z/"])))

    assert _listed(site) == {*pages, "/x/", "/y/", "(other)"}


def test_former_paths_of_pages_are_outside_the_bound(make_site: MakeSite) -> None:
    """Also those that were never asked for, and when the manifest does not name them any more."""
    site = make_site(max_unknown_paths=2)
    former = ("/first/", "/second/", "/third/")
    moved = Page("/new/", "", "New", "page", published=True, formerly=former)
    site.tracker.store.replace_pages(Manifest("", None, (moved,)), "1", AT)
    _write(site, *(View(A, n, path) for n, path in enumerate(former)))
    site.tracker.store.replace_pages(_manifest("/new/"), "2", AT)
    before = _listed(site)
    site.tracker.store.replace_pages(Manifest("", None, (moved,)), "3", AT)
    site.tracker.store.replace_pages(_manifest("/new/"), "4", AT)
    _write(site, *(View(A, n, path) for n, path in enumerate(["/x/", "/y/", "/z/"], 10)))

    assert before == {*former}
    assert _listed(site) == {*former, "/x/", "/y/", "(other)"}


def test_what_was_asked_for_before_it_was_a_page_is_outside_the_bound(
    make_site: MakeSite,
) -> None:
    """From the manifest on that names it, and when it is gone again."""
    site = make_site(max_unknown_paths=1)
    site.tracker.store.replace_pages(_manifest("/a/"), "1", AT)
    _write(site, View(A, 1, "/early/"))
    site.tracker.store.replace_pages(_manifest("/a/", "/early/"), "2", AT)
    site.tracker.store.replace_pages(_manifest("/a/"), "3", AT)
    _write(site, View(A, 2, "/x/"), View(A, 3, "/y/"))

    assert _listed(site) == {"/early/", "/x/", "(other)"}


@pytest.mark.parametrize("restarts", [False, True], ids=["same-process", "another-process"])
def test_invented_paths_give_their_room_back(make_site: MakeSite, *, restarts: bool) -> None:
    """After some days a path that nobody had asked for has a row of its own again."""
    site = make_site(max_unknown_paths=2)
    store = site.tracker.store
    store.replace_pages(_manifest("/a/"), "1", AT)
    for day, paths in (
        (0, ["/1/", "/2/", "/3/"]),
        (store_module.UNKNOWN_PATH_DAYS - 1, ["/4/"]),
        (store_module.UNKNOWN_PATH_DAYS, ["/5/", "/6/", "/7/"]),
    ):
        if restarts:
            store.close()
            store._start_anew()
        views = [View(A, 10 * day + n, path) for n, path in enumerate(paths)]
        _write(site, *views, at=AT + day * 86_400)

    assert _listed(site) == {"/1/", "/2/", "/5/", "/6/", "(other)"}
    assert site.stats()["totalPageViews"] == 7


def test_paths_that_are_kept_for_manifests_are_not_given_to_others(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With so many paths in all, only a manifest adds some."""
    monkeypatch.setattr(store_module, "_MOST_WITH_UNKNOWN", 4)
    site = make_site()
    site.tracker.store.replace_pages(_manifest("/a/", "/b/"), "1", AT)
    _write(site, View(A, 1, "/1/"))
    _write(site, View(A, 2, "/2/"))
    site.tracker.store.replace_pages(_manifest("/a/", "/b/", "/c/"), "2", AT)
    _write(site, View(A, 3, "/c/"))

    assert _listed(site) == {"/1/", "/c/", "(other)"}


def test_a_page_of_a_new_manifest_gets_a_row_of_its_own_in_a_full_table(
    make_site: MakeSite,
) -> None:
    """A path that was invented until now is a page from the new manifest on."""
    site = make_site(max_unknown_paths=0)
    site.tracker.store.replace_pages(_manifest("/a/"), "1", AT)
    _write(site, View(A, 1, "/new/"))
    site.tracker.store.replace_pages(_manifest("/a/", "/new/"), "2", AT)
    _write(site, View(B, 2, "/new/"))

    assert [(row["path"], row["views"]) for row in site.stats()["pageStats"]] == [
        ("(other)", 1),
        ("/new/", 1),
    ]


def test_replace_pages_keeps_the_views_of_pages_that_are_gone(bare: Site) -> None:
    """A page that left the site keeps its views and loses its title."""
    store = bare.tracker.store
    store.replace_pages(_manifest("/a/", "/b/"), "1", AT)
    _write(bare, View(A, 1, "/a/"))
    store.replace_pages(_manifest("/b/", url="https://kettle.example/"), "2", AT)

    assert bare.stats()["pageStats"] == [
        {"path": "/a/", "title": None, "type": "other", "views": 1}
    ]
    assert bare.stats()["siteUrl"] == "https://kettle.example/"
    assert bare.rows(
        "SELECT text, CAST(date AS VARCHAR) FROM page JOIN path ON path.id = path_id"
    ) == [("/b/", "2026-03-01")]


def test_replace_pages_by_the_same_manifest_writes_nothing(bare: Site) -> None:
    """The digest says that it is in force already."""
    bare.tracker.store.replace_pages(_manifest("/a/"), "1", AT)
    statements: list[Any] = []
    event.listen(
        bare.tracker.engine, "before_cursor_execute", lambda *seen: statements.append(seen[2])
    )
    bare.tracker.store.replace_pages(_manifest("/b/"), "1", AT)

    assert not [text for text in statements if not text.startswith(("BEGIN", "SELECT set_config"))]
    assert bare.rows("SELECT text FROM page JOIN path ON path.id = path_id") == [("/a/",)]


def test_replace_pages_is_all_or_nothing(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that cannot be stored leaves the one before, its paths and its name."""
    bare.tracker.store.replace_pages(_manifest("/a/"), "1", AT)
    monkeypatch.setattr(store_module, "MAX_PATH_ID", 2)
    with pytest.raises(InvalidManifestError, match="more than 2 paths"):
        bare.tracker.store.replace_pages(_manifest("/b/", "/c/"), "2", AT)

    assert bare.rows("SELECT text FROM path") == [("/a/",)]
    assert bare.rows("SELECT manifest_digest FROM totals") == [("1",)]


def test_an_empty_manifest_is_in_force_too(bare: Site) -> None:
    """A site without pages has none published."""
    bare.tracker.store.replace_pages(_manifest("/a/"), "1", AT)
    bare.tracker.store.replace_pages(_manifest(), "2", AT)

    assert bare.stats()["publishedPages"] == 0


def test_a_new_database_begins_at_zero_and_an_old_one_goes_on(make_site: MakeSite) -> None:
    """Starting twice on one file neither doubles nor resets the totals."""
    first = make_site()
    first.view("/")
    first.tracker.close()
    site = make_site()

    assert site.rows("SELECT id, views, visitors FROM totals") == [(1, 1, 1)]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("sqlite:////no/such/folder/a.db", "there is no folder", id="no-folder"),
        pytest.param("nonsense", "Could not parse", id="no-url"),
        pytest.param("oracle+nothing://x", "load plugin", id="no-dialect"),
        pytest.param("mysql+pymysql://x/y", "No module named", id="no-driver"),
    ],
)
def test_a_database_that_cannot_be_used_stops_the_start(url: str, reason: str) -> None:
    """The message names the setting and says why, on one line."""
    with pytest.raises(ConfigurationError, match=r"^database_url: ") as error:
        create_app(Settings(database_url=url))

    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.sqlite_only("it moves the file; test_postgresql.py restarts the server")
def test_a_database_that_is_gone_is_a_storage_error_until_it_is_back(
    bare: Site, tmp_path: Path
) -> None:
    """A connection that cannot be opened is tried anew with the next batch."""
    bare.tracker.close()
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    files = list(tmp_path.glob("stats.sqlite3*"))
    for file in files:
        file.rename(folder / file.name)
    (tmp_path / "stats.sqlite3").mkdir()
    with pytest.raises(StorageError, match="was replaced while it was open"):
        _write(bare, View(A, 1, "/"))
    (tmp_path / "stats.sqlite3").rmdir()
    for file in files:
        (folder / file.name).rename(file)
    _write(bare, View(A, 1, "/"))

    assert _count(bare, "view") == 1


@pytest.mark.sqlite_only("a server database is no file")
def test_a_file_that_is_no_database_stops_the_start(tmp_path: Path) -> None:
    """A file of something else is left alone."""
    file = tmp_path / "notes.txt"
    file.write_text("no database " * 100)
    with pytest.raises(ConfigurationError, match="file is not a database"):
        create_app(Settings(database_url=f"sqlite:///{file}"))

    assert file.read_text() == "no database " * 100


def test_a_database_of_another_make_stops_the_start(make_site: MakeSite, database_url: str) -> None:
    """Tables that are there under our names with other columns are not written to."""
    site = make_site()
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE totals")
        connection.exec_driver_sql("CREATE TABLE totals (id INTEGER PRIMARY KEY)")
    site.tracker.close()
    with pytest.raises(ConfigurationError, match=r"^database_url: .*(?:totals|views)"):
        create_app(Settings(database_url=database_url))
