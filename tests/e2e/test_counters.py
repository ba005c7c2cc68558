"""Figures on pages of a really built site, in a real browser: of the build, and of this moment."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ROOT, Loop, build_site, serving, tracking
from tests.e2e.pages import send_view
from tests.processes import free_port

VIEWS = "[data-stats-views]"
OpenPage = Callable[[str], Page]


def _view(tracker: str, path: str, readers: int, site: str) -> None:
    """Let so many readers view a page."""
    for _ in range(readers):
        send_view(tracker, path, site)


def test_live_counter_is_filled_by_the_browser(loop: Loop, open_page: OpenPage) -> None:
    """On a page that is loaded; the build knew nothing."""
    _view(loop.tracker, "/faq/", 3, loop.site)
    page = open_page(f"{loop.site}/faq/")

    # The reader's own view may have come before the question.
    expect(page.locator(VIEWS)).to_have_text(re.compile("^[34]$"))


def test_live_counter_is_filled_under_instant_navigation(loop: Loop, open_page: OpenPage) -> None:
    """The theme brings the content, and with it the script; the document stays."""
    _view(loop.tracker, "/faq/", 4, loop.site)
    page = open_page(f"{loop.site}/")
    page.evaluate("window.stayed = true")
    page.locator(".md-tabs a, .md-nav a", has_text="FAQ").first.click()
    page.wait_for_url("**/faq/")

    expect(page.locator(VIEWS)).to_have_text(re.compile("^[45]$"))
    assert page.evaluate("window.stayed") is True


def test_live_counter_keeps_what_the_build_said_without_the_tracker(
    example_site: Path, ports: tuple[int, int], open_page: OpenPage
) -> None:
    """No error, and no number that nobody knows."""
    with serving(example_site, ports[0]) as site:
        page = open_page(f"{site}/faq/")
        with page.expect_event("requestfailed", lambda r: "/api/counters" in r.url):
            page.reload()

        assert page.locator(VIEWS).inner_text() == "\u2013"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, int]:
    """The example site with figures of the build, and the ports it was built for."""
    folder, site_port, port = tmp_path_factory.mktemp("built"), free_port(), free_port()
    environment = {
        "SITE_URL": f"http://127.0.0.1:{site_port}/",
        "TRACKER_URL": f"http://127.0.0.1:{port}",
    }
    config = ROOT / "example_site" / "mkdocs.yml"
    build_site(config, folder / "bare", **environment)
    manifest = str(folder / "bare" / "stats-manifest.json")
    with tracking(folder, port, "--manifest", manifest) as tracker:
        _view(tracker, "/guide/retries/", 4, environment["SITE_URL"])
        _view(tracker, "/faq/", 2, environment["SITE_URL"])
        _view(tracker, "/gone/", 1, environment["SITE_URL"])
        build_site(config, folder / "site", **environment, SNAPSHOT="true")
    return folder, site_port, port


def test_statistics_page_shows_the_build_without_the_tracker(
    built: tuple[Path, int, int], open_page: OpenPage
) -> None:
    """Figures, a chart and pages that are linked; then it says that nobody answers."""
    folder, site_port, _ = built
    with serving(folder / "site", site_port) as site:
        page = open_page(f"{site}/stats/")
        expect(page.locator("[data-stats-state]")).to_contain_text("As of")
        expect(page.locator("[data-stats-state]")).to_contain_text(
            "Tracker not reachable; figures as of", timeout=15_000
        )

        assert page.locator('[data-stat="totalPageViews"]').inner_text() == "7"
        assert page.locator('[data-stat="activeVisitors"]').inner_text() == "\u2013"
        label = page.locator(".mkdocs-stats-chart svg").get_attribute("aria-label") or ""
        assert label.startswith("7 views in 30 days, at most 7 on ")
        assert page.locator('[data-path="/gone/"] a').count() == 0
        page.locator('[data-path="/guide/retries/"] a').click()
        expect(page.locator("h1")).to_contain_text("Retries and timeouts")


def test_statistics_page_goes_on_from_the_build(
    built: tuple[Path, int, int], open_page: OpenPage, tmp_path: Path
) -> None:
    """With the tracker its rows are the same elements, and the figures those of now."""
    folder, site_port, port = built
    manifest = str(folder / "bare" / "stats-manifest.json")
    with (
        serving(folder / "site", site_port) as site,
        tracking(tmp_path, port, "--manifest", manifest) as tracker,
    ):
        _view(tracker, "/guide/retries/", 1, site)
        page = open_page(f"{site}/stats/")
        expect(page.locator("[data-stats-state]")).to_have_text("Live")
        row = page.locator('[data-stat-rows="pageStats"] [data-path="/guide/retries/"] .number')

        expect(row).to_have_text("1")
        expect(page.locator('[data-path="/gone/"]')).to_have_count(0)
