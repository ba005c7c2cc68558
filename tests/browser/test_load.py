"""What a reader costs the tracker: how many requests, and how many when it is in trouble.

Minutes are the page's own, which Chromium lets pass without waiting (`Tab.pass_time`): each message
says by its clock `v` when it was sent.
"""

from itertools import pairwise

import pytest

from tests.e2e.chrome import Chrome
from tests.e2e.conftest import Library, eventually
from tests.e2e.servers import Collector, Hit, Site

# Three looks of the script, which looks at least twice a second.
SILENCE_SECONDS = 1.6
INTERVAL_SECONDS = 30
# Intervals are up to a fifth longer than that, and never shorter.
JITTER = 1.2


@pytest.fixture
def site(library: Library) -> Site:
    """The book, served."""
    return library("mkdocs")


def times_of(hits: list[Hit]) -> list[float]:
    """Return when messages were sent, in seconds of the page's visible time."""
    return [hit.message["v"] / 1_000 for hit in hits]


def wait_views(collector: Collector, chrome: Chrome, count: int) -> None:
    """Wait until so many views have come."""
    eventually(lambda: len(collector.of(chrome.reader, "view")) == count, f"{count} views")


def test_a_page_load_is_one_request(library: Library, collector: Collector, chrome: Chrome) -> None:
    """Under instant navigation five pages are five requests; the last page's leave is the sixth."""
    site = library("material")
    chrome.open()
    tab = chrome.open(f"{site.url}/")
    for number, page in enumerate(["second", "third", "fourth", "fifth"], 2):
        tab.click(f"document.getElementById('to-{page}')")
        wait_views(collector, chrome, number)
    tab.evaluate(f"new Promise(done => setTimeout(done, {SILENCE_SECONDS * 1_000}))")
    tab.close()
    eventually(lambda: bool(collector.of(chrome.reader, "leave")), "the leave")

    assert [hit.kind for hit in collector.of(chrome.reader)] == ["view"] * 5 + ["leave"]


def test_a_full_page_load_is_one_request_and_the_leave_of_the_page_before(
    site: Site, collector: Collector, chrome: Chrome
) -> None:
    """Where each page is a document of its own, the one that goes says so."""
    tab = chrome.open(f"{site.url}/")
    for number, page in enumerate(["second", "third"], 2):
        tab.click(f"document.getElementById('to-{page}')")
        tab.wait_page(f"/{page}/")
        wait_views(collector, chrome, number)
    tab.evaluate(f"new Promise(done => setTimeout(done, {SILENCE_SECONDS * 1_000}))")

    kinds = sorted(hit.kind for hit in collector.of(chrome.reader))
    assert kinds == ["leave", "leave", "view", "view", "view"]


def test_an_open_page_is_two_requests_in_any_minute(
    site: Site, collector: Collector, chrome: Chrome
) -> None:
    """In 20 minutes no 60 seconds have a third heartbeat, wherever they begin."""
    tab = chrome.open(f"{site.url}/")
    eventually(lambda: len(collector.of(chrome.reader)) == 1, "the view")
    tab.pass_time(20 * 60)

    times = [0, *times_of(collector.of(chrome.reader, "beat"))]
    assert len(times) > 20 * 60 / (INTERVAL_SECONDS * JITTER + 1)
    assert max(requests_in_a_minute(times)) == 2
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) >= INTERVAL_SECONDS


def requests_in_a_minute(times: list[float]) -> list[int]:
    """Return how many requests came in the 60 seconds that begin with each of them."""
    return [sum(start <= time < start + 60 for time in times) for start in times]


@pytest.mark.parametrize(
    ("body", "factor"), [(b"", 1), (b"x", 2), (b"xx", 4), (b"<html>" * 100, 4)]
)
def test_a_busy_tracker_lengthens_the_interval(
    site: Site, collector: Collector, chrome: Chrome, body: bytes, factor: int
) -> None:
    """Each character of the answer to a heartbeat doubles it, two at most."""
    collector.answers[chrome.reader] = lambda hit: (202, body) if hit.kind == "beat" else (204, b"")
    tab = chrome.open(f"{site.url}/")
    eventually(lambda: len(collector.of(chrome.reader)) == 1, "the view")
    tab.pass_time(15 * 60)

    times = times_of(collector.of(chrome.reader, "beat"))
    gaps = [after - before for before, after in pairwise(times)]
    interval = INTERVAL_SECONDS * factor
    assert len(gaps) >= 4
    assert all(interval <= gap <= interval * JITTER + 1 for gap in gaps), gaps


def test_the_next_answer_shortens_the_interval_again(
    site: Site, collector: Collector, chrome: Chrome
) -> None:
    """A tracker that is no longer busy says so by an empty answer."""
    bodies = iter([b"xx"])
    collector.answers[chrome.reader] = lambda hit: (
        (202, next(bodies, b"")) if hit.kind == "beat" else (204, b"")
    )
    tab = chrome.open(f"{site.url}/")
    eventually(lambda: len(collector.of(chrome.reader)) == 1, "the view")
    tab.pass_time(5 * 60)

    first, second, third, *_ = times_of(collector.of(chrome.reader, "beat"))
    assert second - first >= 4 * INTERVAL_SECONDS
    assert third - second <= INTERVAL_SECONDS * JITTER + 1


@pytest.mark.parametrize("trouble", ["breaks", "fails"])
def test_a_tracker_in_trouble_is_asked_once_an_interval_and_nothing_is_queued(
    site: Site, collector: Collector, chrome: Chrome, trouble: str
) -> None:
    """Ten minutes down: an attempt each interval. Up again: one heartbeat, nothing made up for."""
    down = True
    collector.answers[chrome.reader] = lambda _hit: (
        (0 if trouble == "breaks" else 503, b"") if down else (202, b"")
    )
    tab = chrome.open(f"{site.url}/")
    eventually(lambda: len(collector.of(chrome.reader)) >= 1, "the first attempt")
    tab.pass_time(10 * 60)
    attempts = collector.of(chrome.reader)
    down = False
    tab.pass_time(2 * 60)

    gaps = [after - before for before, after in pairwise(times_of(attempts[1:]))]
    assert min(gaps) >= INTERVAL_SECONDS
    assert len(attempts) <= 2 * 10 + 1
    later = collector.of(chrome.reader)[len(attempts) :]
    assert 2 <= len(later) <= 5
    assert {hit.kind for hit in later} == {"beat"}


def test_no_request_needs_a_preflight(
    library: Library, collector: Collector, chrome: Chrome
) -> None:
    """A reader's whole visit, with heartbeats, an event and a leave, is plain posts of text."""
    site = library("material")
    site.rewrites[chrome.reader] = lambda html: html.replace(
        "data-tracker=", 'data-heartbeat="1" data-tracker='
    )
    chrome.open()
    tab = chrome.open(f"{site.url}/")
    tab.click("document.getElementById('to-second')")
    eventually(lambda: bool(collector.of(chrome.reader, "beat")), "a heartbeat")
    tab.goto(f"{site.url}/missing/")
    eventually(lambda: bool(collector.of(chrome.reader, "event")), "an event")
    tab.close()
    eventually(lambda: bool(collector.of(chrome.reader, "leave")), "a leave")

    hits = collector.of(chrome.reader)
    assert {hit.kind for hit in hits} == {"view", "beat", "event", "leave"}
    assert {hit.method for hit in hits} == {"POST"}
    assert {hit.headers["Content-Type"] for hit in hits} == {"text/plain;charset=UTF-8"}
    assert not any("Cookie" in hit.headers for hit in hits)
