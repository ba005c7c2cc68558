"""Who is there: visible tabs, one voice for each browser, and a quick good-bye.

Twenty minutes are the page's own, which Chromium lets pass without waiting (`Tab.pass_time`); all
other times are real.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.chrome import Chrome, Tab
from tests.e2e.conftest import Library, Loop, eventually, tracking
from tests.e2e.servers import Collector, Hit, Site
from tests.processes import free_port

SESSION_TIMEOUT_SECONDS = 120
# The script looks at least twice a second, so this is three looks, and longer than its heartbeat
# where the site says `BEAT`.
SILENCE_SECONDS = 1.6
# The next heartbeat is due 5 seconds after the last message when a tab is shown, 30 otherwise.
BEFORE_A_BEAT = 20
BEAT = 'data-heartbeat="1" data-tracker='


@pytest.fixture
def site(library: Library) -> Site:
    """The book, served."""
    return library("mkdocs")


def beat_fast(site: Site, chrome: Chrome) -> None:
    """Have this reader's pages send a heartbeat each second."""
    site.rewrites[chrome.reader] = lambda html: html.replace("data-tracker=", BEAT)


def wait_for(collector: Collector, chrome: Chrome, count: int, *kinds: str) -> list[Hit]:
    """Wait until so many messages of some kinds have come, and return them."""
    hits = collector.of
    said = " or ".join(kinds)
    eventually(lambda: len(hits(chrome.reader, *kinds)) >= count, f"{count} times {said}")
    return hits(chrome.reader, *kinds)


def stays_silent(collector: Collector, chrome: Chrome, tab: Tab, seconds: float) -> None:
    """Let a time pass in a visible tab and check that nothing has come meanwhile."""
    before = collector.of(chrome.reader)
    tab.evaluate(f"new Promise(done => setTimeout(done, {seconds * 1_000}))")
    assert collector.of(chrome.reader) == before


@contextmanager
def tracked(site: Site, collector: Collector, chrome: Chrome, folder: Path) -> Iterator[Loop]:
    """Run a tracker behind the collector for this reader."""
    options = ("--manifest", str(site.folder / "stats-manifest.json"))
    with tracking(folder, free_port(), *options) as tracker:
        collector.trackers[chrome.reader] = tracker
        yield Loop(site.url, tracker)


def test_a_visible_tab_stays_for_20_minutes_without_a_click(
    site: Site, collector: Collector, chrome: Chrome
) -> None:
    """No gap between two heartbeats comes near the time after which a reader is taken for gone."""
    tab = chrome.open(f"{site.url}/")
    wait_for(collector, chrome, 1, "view")

    tab.pass_time(20 * 60)

    seen = [hit.message["v"] / 1_000 for hit in wait_for(collector, chrome, 32, "beat")]
    times = [0, *seen, 20 * 60]
    assert max(after - before for before, after in pairwise(times)) < SESSION_TIMEOUT_SECONDS / 3
    assert {hit.message["p"] for hit in collector.of(chrome.reader, "beat")} == {"/"}


@pytest.mark.whole
def test_a_hidden_tab_is_silent_and_drops(
    site: Site,
    collector: Collector,
    chrome: Chrome,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Visible it outlasts the session's timeout, here 5 seconds; hidden it is silent and drops."""
    monkeypatch.setenv("STATS_SESSION_TIMEOUT_SECONDS", "5")
    monkeypatch.setenv("STATS_HEARTBEAT_WINDOW_SECONDS", "1")
    beat_fast(site, chrome)
    with tracked(site, collector, chrome, tmp_path) as loop:
        chrome.open(f"{site.url}/")
        wait_for(collector, chrome, 6, "beat")
        assert loop.active() == {"/": 1}

        other = chrome.open()
        stays_silent(collector, chrome, other, 2.5)
        eventually(lambda: loop.active() == {}, "the reader is gone")

        assert collector.of(chrome.reader, "leave") == []


@pytest.mark.alone
def test_a_closed_tab_is_gone_within_a_second(
    site: Site, collector: Collector, chrome: Chrome, tmp_path: Path
) -> None:
    """The leave is there in less than a second; the tracker's next answer has no reader."""
    with tracked(site, collector, chrome, tmp_path) as loop:
        chrome.open()  # Else the browser closes with its last tab.
        tab = chrome.open(f"{site.url}/")
        eventually(lambda: loop.active() == {"/": 1}, "the reader is there")

        closed = time.monotonic()
        tab.close()
        (leave,) = wait_for(collector, chrome, 1, "leave")
        # What the tracker says is up to a second old.
        eventually(lambda: loop.active() == {}, "the reader is gone", 2)

    assert leave.at - closed < 1
    assert leave.message["l"] == collector.of(chrome.reader, "view")[0].message["l"]


@pytest.mark.whole
def test_the_visible_tab_of_a_browser_is_the_one_that_is_reported(
    site: Site, collector: Collector, chrome: Chrome, tmp_path: Path
) -> None:
    """Flipping through tabs, the reader is where the visible one is, and one reader throughout."""
    with tracked(site, collector, chrome, tmp_path) as loop:
        first = chrome.open(f"{site.url}/")
        eventually(lambda: loop.active() == {"/": 1}, "the first tab is reported")
        second = chrome.open(f"{site.url}/second/")
        eventually(lambda: loop.active() == {"/second/": 1}, "the second tab is reported")
        first.activate()
        eventually(
            lambda: loop.active() == {"/": 1}, "the first tab is reported again", BEFORE_A_BEAT
        )
        second.activate()
        eventually(lambda: loop.active() == {"/second/": 1}, "and the second", BEFORE_A_BEAT)

        assert loop.stats()["activeVisitors"] == 1
        assert loop.views() == {"/": 1, "/second/": 1}


@pytest.mark.alone
def test_two_visible_windows_have_one_voice(
    site: Site, collector: Collector, chrome: Chrome
) -> None:
    """Of two windows side by side one sends, the one used last, no more often than a single one."""
    beat_fast(site, chrome)
    first = chrome.open(f"{site.url}/")
    second = chrome.open(f"{site.url}/second/", window=True)
    assert not first.evaluate("document.hidden")
    wait_for(collector, chrome, 2, "view")
    second.press("Shift")
    stays_silent_of("/", collector, chrome, second)

    first.press("Shift")
    stays_silent_of("/second/", collector, chrome, first)


def stays_silent_of(path: str, collector: Collector, chrome: Chrome, tab: Tab) -> None:
    """Check that after a moment only the other window beats, about once a second."""
    # The one that spoke before may have a message on its way, and hears within its next looks.
    tab.evaluate("new Promise(done => setTimeout(done, 1_500))")
    before = len(collector.of(chrome.reader, "beat"))
    tab.evaluate("new Promise(done => setTimeout(done, 3_500))")
    beats = collector.of(chrome.reader, "beat")[before:]
    assert path not in {hit.message["p"] for hit in beats}
    assert 2 <= len(beats) <= 4


@pytest.mark.alone
@pytest.mark.parametrize("end", ["close", "freeze", "crash"])
def test_another_window_takes_over_within_two_seconds(
    site: Site, collector: Collector, chrome: Chrome, end: str
) -> None:
    """At the default interval of 30 seconds, when the sender closes, is frozen or crashes."""
    chrome.open(f"{site.url}/")
    sender = chrome.open(f"{site.url}/second/", window=True)
    sender.press("Shift")
    wait_for(collector, chrome, 2, "view")

    ended = time.monotonic()
    if end == "close":
        sender.close()
    elif end == "freeze":
        sender.set_state("frozen")
    else:
        sender.crash()
    eventually(lambda: bool(collector.of(chrome.reader, "beat")), "the other window speaks", 3)

    beat = collector.of(chrome.reader, "beat")[0]
    assert beat.message["p"] == "/"
    assert beat.at - ended < 2


def test_a_sleep_adds_no_more_than_an_interval(
    site: Site, collector: Collector, chrome: Chrome
) -> None:
    """A page that does not run for 9 seconds, as on a laptop that sleeps, was not seen for them."""
    tab = chrome.open(f"{site.url}/")
    (view,) = wait_for(collector, chrome, 1, "view")
    stopped = time.monotonic()
    with tab.sleeping():
        eventually(lambda: time.monotonic() - stopped > 9, "9 seconds have passed")
    woken = time.monotonic()
    tab.evaluate("new Promise(done => setTimeout(done, 1_000))")
    chrome.open()
    tab.close()

    (leave,) = wait_for(collector, chrome, 1, "leave")
    awake = (stopped - view.at) + (leave.at - woken)
    # Of the 9 seconds the script takes 5 for visible, and no more.
    assert awake - 1 < leave.message["v"] / 1_000 < awake + 6
