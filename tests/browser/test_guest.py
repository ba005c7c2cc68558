"""The scripts are guests: a page may forbid them much, and neither breaks nor feels them."""

from collections.abc import Callable

import pytest

from tests.e2e.books import THEMES
from tests.e2e.chrome import Chrome
from tests.e2e.conftest import Library, eventually
from tests.e2e.servers import Collector, Hit, Site
from tests.e2e.traces import EXTRAS, TRACKER, trace, without_scripts
from tests.processes import free_port

RECORD_VIOLATIONS = """
    window.violations = [];
    addEventListener('securitypolicyviolation', event => violations.push(
        [event.effectiveDirective, event.blockedURI, event.sourceFile].join(' ')), true);
"""

CHANGE_AT_EACH_KEY = """
    addEventListener('keydown', () => document.body.style.paddingTop = Math.random() + 'em', true);
"""


@pytest.fixture
def site(library: Library) -> Site:
    """The book, served."""
    return library("mkdocs")


def policy(collector: Collector) -> dict[str, str]:
    """Return the strictest headers under which the scripts are to work."""
    rules = [
        "default-src 'none'",
        "script-src 'self'",
        f"connect-src {collector.url}",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
    return {
        "Content-Security-Policy": "; ".join(rules),
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def test_a_strict_policy_is_not_violated(site: Site, collector: Collector, chrome: Chrome) -> None:
    """Under CSP, Trusted Types and COEP both scripts work; what is violated, the theme violates."""
    site.policies[chrome.reader] = policy(collector)
    chrome.open()
    tab = chrome.open()
    tab.add_script(RECORD_VIOLATIONS)
    tab.goto(f"{site.url}/")
    assert tab.evaluate("crossOriginIsolated")
    tab.wait("!!document['mkdocs-stats'].x")
    tab.press("Shift")
    tab.evaluate("new Promise(done => setTimeout(done, 1_600))")
    found = tab.evaluate("violations")
    site.rewrites[chrome.reader] = without_scripts
    tab.goto(f"{site.url}/")
    tab.evaluate("new Promise(done => setTimeout(done, 1_600))")
    themes_own = tab.evaluate("violations")
    eventually(lambda: bool(collector.of(chrome.reader, "leave")), "the leave")

    assert sorted(found) == sorted(themes_own)
    assert themes_own, "the theme has inline scripts, so the policy is in force"
    assert collector.of(chrome.reader, "leave")[0].message["d"] > 0  # By the second script.
    # The theme's own scripts miss what its forbidden inline scripts define.
    assert not [said for said in chrome.complaints() if "mkdocs-stats" in said]
    chrome.forgive()


def test_the_page_has_no_global_more(site: Site, chrome: Chrome) -> None:
    """The window is as it would be without the scripts; the document has one name."""
    names = "Object.getOwnPropertyNames(window).sort()"
    tab = chrome.open(f"{site.url}/")
    tab.wait("!!document['mkdocs-stats'].x")
    found, own = tab.evaluate(names), tab.evaluate("Object.keys(document)")
    site.rewrites[chrome.reader] = without_scripts
    tab.goto(f"{site.url}/")

    # The theme's own scripts make some of theirs a moment after the load.
    eventually(lambda: bool(tab.evaluate(names) == found), "the same names without the scripts")
    before = tab.evaluate("Object.keys(document)")
    assert [name for name in own if name not in before] == ["mkdocs-stats"]


def test_a_page_with_a_global_more_would_be_noticed(site: Site, chrome: Chrome) -> None:
    """The comparison above sees a name that a script adds."""
    names = "Object.getOwnPropertyNames(window).sort()"
    tab = chrome.open(f"{site.url}/")
    before = tab.evaluate(names)
    tab.evaluate("window.statistics = 1")

    assert set(tab.evaluate(names)) - set(before) == {"statistics"}


ANSWERS: dict[str, Callable[[Hit], tuple[int, bytes]]] = {
    "breaks": lambda _hit: (0, b""),
    "fails": lambda _hit: (500, b"oh no"),
    "refuses": lambda _hit: (403, b""),
    "talks": lambda _hit: (200, b"<html>{[" * 1_000),
}


@pytest.mark.parametrize(
    ("answer", "theme"),
    [
        *((answer, "mkdocs") for answer in [*ANSWERS, "down", "hangs", "blocked"]),
        ("fails", "material"),
        ("hangs", "material"),
    ],
)
def test_a_tracker_in_trouble_is_not_noticed(
    library: Library, collector: Collector, chrome: Chrome, answer: str, theme: str
) -> None:
    """Whatever it answers, or does not: no error, no rejection, no word in the console."""
    site = library(theme)
    other = f"http://127.0.0.1:{free_port()}"

    def rewrite(html: str) -> str:
        html = html.replace("data-tracker=", 'data-heartbeat="1" data-tracker=')
        return html.replace(f'"{collector.url}"', f'"{other}"') if answer == "down" else html

    site.rewrites[chrome.reader] = rewrite
    if answer in ANSWERS:
        collector.answers[chrome.reader] = ANSWERS[answer]
    elif answer == "hangs":
        collector.hangs.add(chrome.reader)
    chrome.open()
    tab = chrome.open()
    if answer == "blocked":
        chrome.call("Network.enable", tab.page)
        chrome.call("Network.setBlockedURLs", tab.page, urls=["*/api/collect"])
    tab.goto(f"{site.url}/")
    tab.press("Shift")
    tab.click("document.getElementById('to-second')")
    tab.wait("location.pathname === '/second/' && document.readyState === 'complete'")
    tab.evaluate("new Promise(done => setTimeout(done, 2_200))")  # Two heartbeats fail.
    tab.goto(f"{site.url}/missing/")
    tab.close()
    if answer not in {"down", "blocked"}:
        assert len(collector.of(chrome.reader)) >= 3

    # The fixture fails for what pages have complained about.
    assert chrome.complaints() == []


def test_complaints_are_noticed(chrome: Chrome, site: Site) -> None:
    """An exception, a rejection and an error in the console are complaints."""
    tab = chrome.open(f"{site.url}/")
    tab.evaluate(
        "setTimeout(() => { throw new Error('one') }), Promise.reject(new Error('two')).x,"
        "console.error('three')"
    )
    eventually(lambda: len(chrome.complaints()) == 3, f"three, are {chrome.complaints()}")
    chrome.forgive()


@pytest.mark.parametrize("theme", THEMES)
def test_no_paint_waits_for_the_scripts(library: Library, chrome: Chrome, theme: str) -> None:
    """Chromium says of each file whether it held the page up; the theme's styles did."""
    tab = chrome.open(f"{library(theme).url}/")
    tab.wait("!!document['mkdocs-stats'].x")
    found = tab.evaluate(
        "performance.getEntriesByType('resource').map(e => [e.name, e.renderBlockingStatus])"
    )
    ours = {status for name, status in found if TRACKER in name or EXTRAS in name}
    styles = {status for name, status in found if name.endswith(".css")}

    assert len([name for name, _ in found if TRACKER in name or EXTRAS in name]) == 2
    assert ours == {"non-blocking"}
    assert "blocking" in styles


@pytest.mark.parametrize("theme", THEMES)
def test_a_look_lays_the_page_out_once_at_most(
    library: Library, chrome: Chrome, theme: str
) -> None:
    """Of a page that has changed under it, which the next frame would have laid out anyway.

    How long the scripts take is measured by ``python -m bench.browser``.
    """
    site, tab = library(theme), chrome.open()
    tab.add_script(CHANGE_AT_EACH_KEY)

    def press() -> None:
        tab.wait("!!document['mkdocs-stats'].x")
        for _ in range(3):
            tab.press("Shift")

    tab.goto(f"{site.url}/")  # Chromium tells no file of a module that it has just compiled.
    found = trace(tab, f"{site.url}/", press)

    assert found.first_run_ms(TRACKER) > 0
    assert found.first_run_ms(EXTRAS) > 0
    # More than three where the theme changed the page just before a look, too.
    assert len(found.forced_layouts()) >= 3
    assert set(found.forced_layouts()) == {1}
