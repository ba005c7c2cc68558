"""Readers who do not want to be counted, and what is left in the browsers of those who are."""

import pytest

from tests.e2e.chrome import Chrome, Tab
from tests.e2e.conftest import Library, eventually
from tests.e2e.servers import Collector, Site

# Three looks of the script, which looks at least twice a second.
SILENCE_SECONDS = 1.6
OFF = "mkdocs-stats-off"
OPT_OUT = "document.querySelector('[data-stats-opt-out]')"
SIGNALS = {
    "privacy control": "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl',"
    " {get: () => true});",
    "do not track": "Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'});",
    # A page about nothing has no storage.
    "opt-out": f"if (location.host) localStorage['{OFF}'] = 'please';",
}
STORED = """(async () => ({
    cookie: document.cookie,
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).map(found => found.name),
    caches: await caches.keys(),
}))()"""
NOTHING = {"cookie": "", "local": [], "session": [], "databases": [], "caches": []}


def silence(tab: Tab, seconds: float = SILENCE_SECONDS) -> None:
    """Give the script the time in which it would have sent anything."""
    tab.evaluate(f"new Promise(done => setTimeout(done, {seconds * 1_000}))")


def read(tab: Tab, path: str) -> None:
    """Wait for a page and both scripts, then for a look of theirs: two a second at least."""
    tab.wait(f"location.pathname === '{path}' && document.readyState === 'complete'")
    tab.wait("!!document['mkdocs-stats']?.x")
    silence(tab, 0.7)


def visit(site: Site, chrome: Chrome, signal: str = "") -> Tab:
    """Do all that is counted: pages, input, a missing page, a hidden tab that is shown again."""
    aside = chrome.open()
    tab = chrome.open()
    if signal:
        tab.add_script(signal)
    tab.goto(f"{site.url}/")
    tab.press("Shift")
    tab.click("document.getElementById('to-second')")
    read(tab, "/second/")
    tab.goto(f"{site.url}/missing/")
    read(tab, "/missing/")
    tab.goto(f"{site.url}/third/")
    aside.activate()
    tab.activate()
    read(tab, "/third/")
    return tab


@pytest.mark.parametrize(
    ("signal", "theme"), [*((signal, "mkdocs") for signal in SIGNALS), ("opt-out", "material")]
)
def test_who_does_not_want_to_be_counted_sends_nothing(
    library: Library, collector: Collector, chrome: Chrome, signal: str, theme: str
) -> None:
    """Not a view, not a heartbeat, not an event, not a leave."""
    site = library(theme)
    chrome.open()
    visit(site, chrome, SIGNALS[signal]).close()
    control = chrome.open()
    silence(control)

    assert collector.of(chrome.reader) == []


def test_the_same_visit_of_others_is_counted(
    library: Library, collector: Collector, chrome: Chrome
) -> None:
    """What sends nothing above sends views, an event and leaves without the signal."""
    chrome.open()
    visit(library("mkdocs"), chrome).close()
    eventually(lambda: len(collector.of(chrome.reader, "leave")) == 3, "three pages are left")

    assert len(collector.of(chrome.reader, "view")) == 3
    assert len(collector.of(chrome.reader, "event")) == 1


@pytest.mark.parametrize(
    ("signal", "views"), [("privacy control", 0), ("opt-out", 0), ("do not track", 1)]
)
def test_a_site_may_ignore_do_not_track_but_nothing_else(
    library: Library, collector: Collector, chrome: Chrome, signal: str, views: int
) -> None:
    """With `respect_dnt: false` that signal is none; privacy control and opt-out still are."""
    tab = chrome.open()
    tab.add_script(SIGNALS[signal])
    tab.goto(f"{library('mkdocs', respect_dnt=False).url}/")
    silence(tab)

    assert len(collector.of(chrome.reader)) == views


@pytest.mark.parametrize("theme", ["material", "mkdocs", "readthedocs"])
def test_the_button_stops_the_counting_and_starts_it_again(
    library: Library, collector: Collector, chrome: Chrome, theme: str
) -> None:
    """In each theme: it says what it does, does it from the next message on, and remembers."""
    tab = chrome.open(f"{library(theme).url}/")
    eventually(lambda: len(collector.of(chrome.reader, "view")) == 1, "the view")
    tab.wait("!!document['mkdocs-stats'].x")  # The script that makes the button work is there.
    assert says(tab) == ["Do not count my visits", "false"]

    tab.click(OPT_OUT)
    tab.wait(f"{OPT_OUT}.ariaPressed === 'true'")
    assert says(tab) == ["Count my visits again", "true"]
    before = collector.of(chrome.reader)
    tab.click("document.getElementById('to-second')")
    tab.wait("location.pathname === '/second/' && document.readyState === 'complete'")
    tab.wait(f"{OPT_OUT}?.ariaPressed === 'true'")
    silence(tab)
    assert collector.of(chrome.reader) == before
    assert says(tab) == ["Count my visits again", "true"]

    tab.click(OPT_OUT)
    tab.wait(f"{OPT_OUT}.ariaPressed === 'false'")
    tab.goto(f"{library(theme).url}/third/")
    eventually(lambda: len(collector.of(chrome.reader, "view")) == 2, "the third page is counted")
    assert collector.of(chrome.reader, "view")[-1].message["p"] == "/third/"


def says(tab: Tab) -> list[str]:
    """Return the text of the button, and whether it is pressed."""
    found = tab.evaluate(f"[{OPT_OUT}.textContent, {OPT_OUT}.ariaPressed]")
    assert isinstance(found, list)
    return found


def test_daily_visitors_leave_nothing_in_their_browser(
    library: Library, collector: Collector, chrome: Chrome
) -> None:
    """After a whole visit every store is empty, and no message has an id of the visitor."""
    chrome.open()
    tab = visit(library("mkdocs", visitor_id="daily"), chrome)
    stored = tab.evaluate(STORED)
    tab.close()
    eventually(lambda: len(collector.of(chrome.reader, "leave")) == 3, "three pages are left")

    assert stored == NOTHING
    assert {hit.kind for hit in collector.of(chrome.reader)} >= {"view", "event", "leave"}
    assert not any("s" in hit.message for hit in collector.of(chrome.reader))


def test_an_opt_out_that_is_taken_back_leaves_nothing(library: Library, chrome: Chrome) -> None:
    """With daily visitors the browser is as empty as before."""
    tab = chrome.open(f"{library('mkdocs', visitor_id='daily').url}/")
    tab.wait("!!document['mkdocs-stats']?.x")
    tab.click(OPT_OUT)
    kept = tab.evaluate(STORED)
    tab.click(OPT_OUT)

    assert kept == {**NOTHING, "local": [OFF]}
    assert tab.evaluate(STORED) == NOTHING


def test_persistent_visitors_keep_one_id_and_nothing_else(
    library: Library, collector: Collector, chrome: Chrome
) -> None:
    """One key in `localStorage`, the same in all messages."""
    tab = visit(library("mkdocs"), chrome)
    stored = tab.evaluate(STORED)
    kept = tab.evaluate("localStorage['mkdocs-stats']")

    assert stored == {**NOTHING, "local": ["mkdocs-stats"]}
    assert {hit.message["s"] for hit in collector.of(chrome.reader)} == {kept}


def test_nothing_of_a_query_is_sent_but_where_a_campaign_is_in_it(
    library: Library, collector: Collector, chrome: Chrome
) -> None:
    """Here on a site without the second script, whose absence no page complains about."""
    site = library("mkdocs", extras=False)
    tab = chrome.open(f"{site.url}/?token=secret")
    eventually(lambda: len(collector.of(chrome.reader, "view")) == 1, "the view")
    tab.goto(f"{site.url}/second/?utm_source=letter&utm_campaign=spring")
    eventually(lambda: len(collector.of(chrome.reader, "view")) == 2, "the second view")

    bare, landing = [hit.message for hit in collector.of(chrome.reader, "view")]
    assert "secret" not in str(bare)
    assert landing["q"] == "?utm_source=letter&utm_campaign=spring"
    assert landing["p"] == "/second/"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_author_at_home_is_not_counted_unless_asked(
    library: Library, collector: Collector, chrome: Chrome, host: str
) -> None:
    """A site on this machine sends nothing without `track_local`, and does with it."""
    quiet, counted = library("mkdocs", track_local=False), library("mkdocs")
    tab = chrome.open(f"http://{host}:{quiet.port}/")
    silence(tab)
    assert collector.of(chrome.reader) == []

    tab.goto(f"http://{host}:{counted.port}/")
    eventually(lambda: len(collector.of(chrome.reader, "view")) == 1, "the view")
