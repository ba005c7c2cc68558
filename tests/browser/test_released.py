"""Every released script goes on working: in a real Chromium, against the tracker of today.

A site serves the script that was there when it was built, for years maybe, and the tracker may be
newer by then. The committed script is tested beside them: it is the next to be released.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.chrome import Chrome
from tests.e2e.conftest import ROOT, Library, Loop, eventually, fetch_json, tracking
from tests.e2e.servers import Collector, Hit, Site
from tests.processes import free_port

RELEASED = sorted((ROOT / "js" / "released").glob("tracker-*.js"))
SCRIPTS = [*RELEASED, ROOT / "mkdocs_stats_plugin" / "assets" / "tracker.js"]
SESSION_TIMEOUT_SECONDS = 8


@pytest.fixture(params=SCRIPTS, ids=lambda script: script.stem)
def script(request: pytest.FixtureRequest) -> Path:
    """A script that sites serve."""
    assert isinstance(request.param, Path)
    return request.param


@pytest.fixture
def site(library: Library, chrome: Chrome, script: Path) -> Site:
    """The book with that script in its tag, and with the second script of the same release."""
    site = library("mkdocs")
    folder = site.folder / "assets" / "mkdocs-stats"
    extras = script.with_name(script.name.replace("tracker", "extras"))
    for file in filter(Path.is_file, (script, extras)):
        shutil.copy(file, folder)

    def rewrite(html: str) -> str:
        html = html.replace("data-tracker=", 'data-heartbeat="1" data-tracker=')
        html = re.sub(r"\btracker\.[0-9a-f]{8}\.js", script.name, html)
        return re.sub(r"\bextras\.[0-9a-f]{8}\.js", extras.name, html)

    site.rewrites[chrome.reader] = rewrite
    return site


@pytest.fixture
def loop(
    site: Site,
    collector: Collector,
    chrome: Chrome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Loop]:
    """The site and a tracker of today, which forgets a reader after a few seconds."""
    monkeypatch.setenv("STATS_SESSION_TIMEOUT_SECONDS", str(SESSION_TIMEOUT_SECONDS))
    monkeypatch.setenv("STATS_HEARTBEAT_WINDOW_SECONDS", "1")
    options = ("--manifest", str(site.folder / "stats-manifest.json"))
    with tracking(tmp_path, free_port(), *options) as tracker:
        collector.trackers[chrome.reader] = tracker
        yield Loop(site.url, tracker)


def test_view_heartbeat_and_leave_are_stored_right(
    loop: Loop, collector: Collector, chrome: Chrome, script: Path
) -> None:
    """Two pages count, heartbeats keep the reader past the timeout, a closed tab is gone."""
    chrome.open()
    tab = chrome.open(f"{loop.site}/")
    assert tab.evaluate(f"!!document.querySelector('script[src$=\"/{script.name}\"]')")
    eventually(lambda: loop.active() == {"/": 1}, "the first page is active")
    first = collector.of(chrome.reader, "view")[0]
    eventually(lambda: lasts_longer(collector.of(chrome.reader, "beat"), first), "heartbeats")
    assert loop.active() == {"/": 1}

    tab.click("document.getElementById('to-second')")
    eventually(lambda: loop.active() == {"/second/": 1}, "the second page is active")
    tab.close()
    eventually(lambda: loop.active() == {}, "the reader is gone", SESSION_TIMEOUT_SECONDS - 2)

    assert loop.views() == {"/": 1, "/second/": 1}
    assert loop.stats()["uniqueVisitors"] == 1
    assert {hit.kind for hit in collector.of(chrome.reader)} == {"view", "beat", "leave"}
    reading = fetch_json(f"{loop.tracker}/api/report")["reading"]
    says = [hit for hit in collector.of(chrome.reader, "leave") if "v" in hit.message]
    assert reading["pageLoads"] == len(says)
    assert reading["visibleSeconds"] == pytest.approx(seconds_of(says), abs=1)


def lasts_longer(beats: list[Hit], view: Hit) -> bool:
    """Tell whether the reader would be forgotten by now but for heartbeats."""
    return bool(beats) and beats[-1].at > view.at + SESSION_TIMEOUT_SECONDS


def seconds_of(leaves: list[Hit]) -> float:
    """Return for how long the pages say that they were visible."""
    return float(sum(hit.message["v"] for hit in leaves)) / 1_000


def test_a_foreign_value_under_the_key_loses_no_reader(loop: Loop, chrome: Chrome) -> None:
    """Whatever else of the site has written to `localStorage['mkdocs-stats']`, views count."""
    tab = chrome.open()
    tab.add_script("if (location.host) localStorage['mkdocs-stats'] = '{\"theme\": \"dark\"}';")
    tab.goto(f"{loop.site}/")
    eventually(lambda: loop.views() == {"/": 1}, "the view counts")
    tab.goto(f"{loop.site}/second/")
    eventually(lambda: loop.views() == {"/": 1, "/second/": 1}, "the second counts")

    assert loop.active() == {"/second/": 1}
