"""How long a page was visible, how long it was used, and how far it was read: against a stopwatch.

Seconds are real unless a test says that the page's own time passes (`Tab.pass_time`).
"""

import time
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.chrome import Chrome, Tab
from tests.e2e.conftest import Library, eventually, fetch_json, tracking
from tests.e2e.servers import Collector, Hit, Site
from tests.processes import free_port


def last(collector: Collector, chrome: Chrome, kind: str) -> Hit:
    """Wait for a message of a kind and return the latest."""
    eventually(lambda: bool(collector.of(chrome.reader, kind)), kind)
    return collector.of(chrome.reader, kind)[-1]


def wait(tab: Tab, seconds: float) -> None:
    """Let real time pass."""
    tab.evaluate(f"new Promise(done => setTimeout(done, {seconds * 1_000}))")


@pytest.fixture
def site(library: Library) -> Site:
    """The book, served."""
    return library("mkdocs")


@pytest.mark.whole
def test_visible_and_active_time_are_those_of_the_stopwatch(
    site: Site, collector: Collector, chrome: Chrome
) -> None:
    """Visible counts while the tab is shown, active from the first input, hidden for neither."""
    blank = chrome.open()
    tab = chrome.open(f"{site.url}/")
    shown = last(collector, chrome, "view").at
    wait(tab, 2.5)
    tab.press("Shift")
    used = time.monotonic()
    wait(tab, 1.5)
    blank.activate()
    hidden = time.monotonic()
    wait(blank, 2.5)
    tab.activate()
    shown_again = time.monotonic()
    wait(tab, 1)
    tab.close()

    leave = last(collector, chrome, "leave")
    visible = (hidden - shown) + (leave.at - shown_again)
    active = (hidden - used) + (leave.at - shown_again)
    assert leave.message["v"] / 1_000 == pytest.approx(visible, abs=1)
    assert leave.message["a"] / 1_000 == pytest.approx(active, abs=1)
    assert active < visible - 2


@pytest.mark.parametrize("how", ["key", "pointer", "wheel"])
def test_active_time_ends_a_minute_after_the_last_input(
    library: Library, collector: Collector, chrome: Chrome, how: str
) -> None:
    """Of 150 seconds of the page's time, with an input at 30, 60 are active; any input will do."""
    site = library("mkdocs")
    chrome.open()
    tab = chrome.open(f"{site.url}/")
    last(collector, chrome, "view")
    tab.pass_time(30)
    if how == "key":
        tab.press("Shift")
    elif how == "pointer":
        tab.hover("document.querySelector('h1')")
    else:
        tab.wheel(300)
    tab.pass_time(120)
    tab.close()

    leave = last(collector, chrome, "leave")
    assert leave.message["v"] / 1_000 == pytest.approx(150, abs=2)
    assert leave.message["a"] / 1_000 == pytest.approx(60, abs=1)


def test_a_page_change_says_what_became_of_the_page_before(
    library: Library, collector: Collector, chrome: Chrome
) -> None:
    """Under instant navigation the next page's view has the times of the page before."""
    site = library("material")
    tab = chrome.open(f"{site.url}/")
    first = last(collector, chrome, "view")
    wait(tab, 2.5)
    tab.click("document.getElementById('to-second')")
    eventually(lambda: len(collector.of(chrome.reader, "view")) == 2, "the second page")
    second = last(collector, chrome, "view")
    tab.click("document.getElementById('to-third')")
    eventually(lambda: len(collector.of(chrome.reader, "view")) == 3, "the third page")
    third = last(collector, chrome, "view")

    old = second.message["o"]
    assert (old["l"], old["p"]) == (first.message["l"], "/")
    assert old["v"] / 1_000 == pytest.approx(second.at - first.at, abs=1)
    assert 0 < old["d"] < 100
    assert third.message["o"]["l"] == second.message["l"]
    assert third.message["o"]["v"] / 1_000 == pytest.approx(third.at - second.at, abs=1)
    assert "o" not in first.message
    assert collector.of(chrome.reader, "leave") == []


def test_depth_is_how_far_the_reader_came(site: Site, collector: Collector, chrome: Chrome) -> None:
    """Down to some place and up again: the depth stays that of the place."""
    chrome.open()
    tab = chrome.open(f"{site.url}/")
    last(collector, chrome, "view")
    wait(tab, 1.5)  # The script that measures comes when the page is idle.
    deepest = scroll_to(tab, 900)
    wait(tab, 1)
    scroll_to(tab, 0)
    wait(tab, 1)
    tab.close()

    assert last(collector, chrome, "leave").message["d"] == pytest.approx(deepest, abs=1)


def scroll_to(tab: Tab, pixels: int) -> float:
    """Scroll by the wheel until past a place, or to the top; return the depth in percent."""
    step = 150 if pixels else -400
    reached = f"scrollY >= {pixels}" if pixels else "scrollY <= 0"

    def is_there() -> bool:
        tab.wheel(step)
        return bool(tab.evaluate(reached))

    eventually(is_there, "the place is reached")
    wait(tab, 0.5)
    return float(
        tab.evaluate("(scrollY + innerHeight) / document.documentElement.scrollHeight * 100")
    )


def test_a_page_that_fits_is_seen_to_its_end(
    library: Library, collector: Collector, chrome: Chrome
) -> None:
    """Without anything to scroll the depth is 100."""
    site = library("mkdocs")
    site.rewrites[chrome.reader] = lambda html: html.replace(
        "</head>", "<style>p, ul, h2 { display: none }</style></head>"
    )
    chrome.open()
    tab = chrome.open(f"{site.url}/")
    assert tab.evaluate("document.documentElement.scrollHeight <= innerHeight")
    wait(tab, 2)
    tab.close()

    assert last(collector, chrome, "leave").message["d"] == 100


def test_each_heading_has_the_time_it_was_in_view(
    library: Library, collector: Collector, chrome: Chrome, tmp_path: Path
) -> None:
    """Two seconds at the top, then three at the end of the page: so says the tracker's report."""
    site = library("mkdocs")
    manifest = str(site.folder / "stats-manifest.json")
    with tracking(tmp_path, free_port(), "--manifest", manifest) as tracker:
        collector.trackers[chrome.reader] = tracker
        chrome.open()
        tab = chrome.open(f"{site.url}/")
        last(collector, chrome, "view")
        wait(tab, 1.5)
        tab.evaluate("scrollTo({top: 1e6, behavior: 'instant'})")
        wait(tab, 3)
        tab.close()
        times = last(collector, chrome, "leave").message["h"]
        asked = count(1)
        read: dict[str, dict[str, Any]] = {}

        def is_stored() -> bool:
            # An answer is kept for ten seconds, so each question is another one.
            report = fetch_json(f"{tracker}/api/report?page=/&limit={next(asked)}")
            read.update((row["id"], row) for row in report["sections"])
            return bool(read["part-three"]["pageLoads"])

        eventually(is_stored, "the sections are in the report")

    assert times["part-three"] / 1_000 == pytest.approx(3, abs=1)
    assert times.get("part-two", 0) <= times["part-three"]
    assert times["welcome"] / 1_000 < 2.5
    assert list(read) == ["welcome", "part-one", "part-two", "part-three"]
    for anchor, row in read.items():
        assert row["visibleSeconds"] == pytest.approx(times.get(anchor, 0) / 1_000, abs=1)
    assert read["part-three"]["visibleSeconds"] == pytest.approx(3, abs=1)
    assert [row["stops"] for row in read.values()] == [0, 0, 0, 1]
    assert read["welcome"]["share"] == 1
