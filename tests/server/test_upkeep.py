"""The chores: a new manifest is read, ended sessions go, and no failure ends the process."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tests.server.conftest import CONTRACT, MakeSite, Site
from tracker_server import store as store_module
from tracker_server import upkeep as upkeep_module
from tracker_server.figures import Question, Report
from tracker_server.grains import DEFAULT_PERIOD

DATA = (CONTRACT / "manifest.json").read_text()


def _write(path: Path, text: str) -> None:
    """Replace a file as a build does, so that its time of change is another one for sure."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    if path.stat().st_mtime_ns == before:
        os.utime(path, ns=(before + 1, before + 1))


def _manifest(name: str, *pages: str) -> str:
    rows = [
        {"path": path, "slug": path.strip("/"), "title": path, "type": "page", "published": True}
        for path in pages
    ]
    return json.dumps({"schema": 1, "site_name": name, "site_url": None, "pages": rows})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the manifest is going to be."""
    return tmp_path / "stats\nmanifest.json"


@pytest.fixture
def watching(make_site: MakeSite, path: Path) -> Site:
    """Return a tracker that waits for its manifest."""
    return make_site(manifest=str(path))


def _site_name(site: Site) -> Any:
    return site.rows("SELECT site_name FROM totals")[0][0]


def _published(site: Site) -> Any:
    return site.stats()["publishedPages"]


def test_a_manifest_that_appears_later_is_read(watching: Site, path: Path) -> None:
    """The tracker may be started before the first build of the site."""
    before = _published(watching)
    _write(path, DATA)
    watching.tracker.upkeep.tick()

    assert (before, _published(watching)) == (0, 4)
    assert _site_name(watching) == "Kettle"


def test_a_missing_manifest_is_logged_once_each_time_it_goes(
    watching: Site, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Waiting is not repeated in the log every second, and a manifest that goes stays in force."""
    watching.tracker.upkeep.tick()
    watching.tracker.upkeep.tick()
    waiting = len(caplog.records)
    _write(path, DATA)
    watching.tracker.upkeep.tick()
    path.unlink()
    caplog.clear()
    watching.tracker.upkeep.tick()
    watching.tracker.upkeep.tick()

    assert waiting <= 1
    assert [record.message for record in caplog.records] == [
        f"manifest {str(path)!r}: No such file or directory; waiting for it"
    ]
    assert _published(watching) == 4


def test_a_replaced_manifest_is_in_force_after_a_tick(watching: Site, path: Path) -> None:
    """A new build shows without restart; pages that are gone are no longer published."""
    _write(path, _manifest("One", "/a/", "/b/"))
    watching.tracker.upkeep.tick()
    first = (_site_name(watching), _published(watching))
    _write(path, _manifest("Two", "/b/", "/c/", "/d/"))
    watching.tracker.upkeep.tick()

    assert first == ("One", 2)
    assert (_site_name(watching), _published(watching)) == ("Two", 3)


def test_a_manifest_moved_into_place_is_seen_whatever_its_time(watching: Site, path: Path) -> None:
    """A file of the same size and time under the same name is another one by its inode."""
    _write(path, _manifest("One", "/a/"))
    watching.tracker.upkeep.tick()
    times = path.stat()
    other = path.with_name("other.json")
    other.write_text(_manifest("Two", "/b/"))
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    watching.tracker.upkeep.tick()

    assert _site_name(watching) == "Two"


def test_an_unchanged_manifest_is_not_read_again(
    watching: Site, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A tick without a change reads nothing and says nothing."""
    caplog.set_level(logging.INFO, "tracker_server")
    _write(path, DATA)
    watching.tracker.upkeep.tick()
    in_force = [record.message for record in caplog.records]
    caplog.clear()
    watching.tracker.upkeep.tick()

    assert in_force == [f"manifest {str(path)!r} in force: 8 pages"]
    assert caplog.records == []


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(DATA[:300], id="cut-off"),
        pytest.param("", id="empty"),
        pytest.param(DATA.replace('"schema": 1', '"schema": 2'), id="another-schema"),
        pytest.param(DATA.replace('"/guide/install/"', '"/a\\nb/"'), id="line-break"),
        pytest.param(DATA.replace('"/guide/install/"', '"/"'), id="path-twice"),
    ],
)
def test_a_broken_manifest_leaves_the_one_before_in_force(
    watching: Site, path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    """It is logged once, on one line, and the figures stay those of the last good one."""
    _write(path, DATA)
    watching.tracker.upkeep.tick()
    good = watching.stats()
    caplog.clear()
    _write(path, broken)
    watching.tracker.upkeep.tick()
    watching.tracker.upkeep.tick()

    assert watching.stats() == good
    assert len(caplog.records) == 1
    assert caplog.records[0].message.startswith(f"manifest {str(path)!r} refused")
    assert "\n" not in caplog.records[0].message


def test_a_manifest_that_is_being_written_is_read_when_it_is_complete(
    watching: Site, path: Path
) -> None:
    """Half a file is refused, the whole one is read at the next tick."""
    _write(path, DATA[:200])
    watching.tracker.upkeep.tick()
    half = _published(watching)
    _write(path, DATA)
    watching.tracker.upkeep.tick()

    assert (half, _published(watching)) == (0, 4)


def test_each_change_of_a_broken_manifest_is_logged_anew(
    watching: Site, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for each attempt to mend it."""
    for attempt in ("{", "[]", "{}"):
        _write(path, attempt)
        watching.tracker.upkeep.tick()
        watching.tracker.upkeep.tick()

    refused = [record for record in caplog.records if "refused" in record.message]
    assert len(refused) == 3


def test_a_folder_in_the_place_of_the_manifest_is_logged(
    watching: Site, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be read is refused like what cannot be understood."""
    path.mkdir()
    watching.tracker.upkeep.tick()

    assert "Is a directory" in caplog.records[-1].message


def test_more_paths_than_can_be_told_apart_are_refused(
    watching: Site, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths of manifests before count, too: their views are still there."""
    monkeypatch.setattr(store_module, "MAX_PATH_ID", 5)
    _write(path, _manifest("One", "/a/", "/b/", "/c/"))
    watching.tracker.upkeep.tick()
    _write(path, _manifest("Two", "/c/", "/d/", "/e/", "/f/"))
    watching.tracker.upkeep.tick()

    assert _site_name(watching) == "One"
    assert "pages: more than 5 paths in all" in caplog.records[-1].message


def test_a_storage_error_is_logged_and_the_manifest_tried_again(
    watching: Site, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """When the database is back, the manifest comes into force without another change."""
    with watching.tracker.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE page RENAME TO hidden")
    _write(path, DATA)
    watching.tracker.upkeep.tick()
    refused = caplog.records[-1].message
    with watching.tracker.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE hidden RENAME TO page")
    watching.tracker.upkeep.tick()

    assert refused.startswith("upkeep: the database refused: ")
    assert "\n" not in refused
    assert _published(watching) == 4


def test_clean_up_runs_only_when_it_is_due(make_site: MakeSite) -> None:
    """Ticks in between delete nothing."""
    site = make_site(cleanup_seconds=300, session_timeout_seconds=20)
    left = []
    site.view("/")
    for step in (299, 1, 0):
        site.clock.advance(step)
        site.tracker.upkeep.tick()
        left.append(site.rows("SELECT count(*) FROM active_session")[0][0])
    site.view("/", reader=1)
    for step in (299, 1):
        site.clock.advance(step)
        site.tracker.upkeep.tick()
        left.append(site.rows("SELECT count(*) FROM active_session")[0][0])

    assert left == [1, 0, 0, 1, 0]


def test_clean_up_runs_when_the_clock_was_set_back(make_site: MakeSite) -> None:
    """Sessions of a time that is far away go, be it past or future."""
    site = make_site()
    site.view("/")
    site.clock.advance(-3_600)
    site.tracker.upkeep.tick()

    assert site.rows("SELECT count(*) FROM active_session") == [(0,)]


def test_the_chores_run_in_the_background_until_they_are_stopped(
    watching: Site, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once started, a manifest comes into force by itself; once stopped, the thread ends."""
    monkeypatch.setattr(upkeep_module, "TICK_SECONDS", 0.01)
    watching.tracker.upkeep.start()
    _write(path, DATA)
    _wait_until(lambda: _site_name(watching) == "Kettle")
    watching.tracker.upkeep.stop()

    _wait_until(lambda: not _upkeep_threads())


def _upkeep_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "upkeep"]


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_tracker_that_has_started_is_ready_for_the_first_look(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the page asks for without parameters has been read, and the templates compiled."""
    monkeypatch.setattr(upkeep_module, "TICK_SECONDS", 0.01)
    read, reading = [], site.tracker.reports._read

    def note(question: Question) -> Report:
        read.append(question.period)
        return reading(question)

    site.tracker.reports._read = note
    site.view("/")
    site.tracker.upkeep.start()
    while not read:
        time.sleep(0.01)
    site.tracker.upkeep.stop()  # It finishes what it is at.

    assert read == [DEFAULT_PERIOD]
    compiled = site.app.jinja_env.cache
    assert compiled is not None
    assert len(compiled) == len(site.app.jinja_env.list_templates())


def test_the_first_view_after_a_start_is_seen_at_once(site: Site) -> None:
    """What was read to be ready is not what anybody is shown."""
    site.tracker.upkeep._warm_up()
    site.view("/guide/install/")

    assert "Install" in site.client.get("/stats").get_data(as_text=True)
    assert site.client.get("/api/report").get_json()["views"] == 1


def test_a_database_that_is_away_does_not_keep_the_chores_from_beginning(site: Site) -> None:
    """Readiness for the first look is no condition for anything."""

    def fail(_question: object) -> None:
        raise OperationalError("SELECT", None, Exception("gone"))

    site.tracker.reports._read = fail  # type: ignore[assignment]
    site.tracker.upkeep._warm_up()
