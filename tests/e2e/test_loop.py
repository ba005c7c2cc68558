"""The whole loop: a built site, a real browser, a real tracker, and the page that shows it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import Loop, eventually, serving

OpenPage = Callable[[str], Page]


def test_clicking_through_the_site_counts_each_page_once_with_its_title(
    loop: Loop, open_page: OpenPage
) -> None:
    """Instant navigation by clicks: right counts, right paths, titles from the manifest."""
    page = open_page(f"{loop.site}/")
    page.get_by_role("link", name="Getting started").first.click()
    page.wait_for_url("**/getting-started/install/")
    expect(page.locator("h1")).to_contain_text("Install")
    page.get_by_role("link", name="Your first job").first.click()
    page.wait_for_url("**/getting-started/first-job/")
    expect(page.locator("h1")).to_contain_text("first job")
    expected = {"/": 1, "/getting-started/install/": 1, "/getting-started/first-job/": 1}
    eventually(lambda: loop.views() == expected, f"views {expected}, are {loop.views()}")

    figures = loop.stats()
    titles = {row["path"]: (row["title"], row["type"]) for row in figures["pageStats"]}
    assert titles["/getting-started/first-job/"] == ("Your first job", "page")
    assert titles["/"][1] == "home"
    assert figures["totalPageViews"] == 3
    assert figures["uniqueVisitors"] == 1
    assert figures["publishedPosts"] == 4
    assert loop.active() == {"/getting-started/first-job/": 1}


def test_a_post_is_counted_as_one(loop: Loop, open_page: OpenPage) -> None:
    """A blog post opened from the blog's index has its own row, title and type."""
    page = open_page(f"{loop.site}/blog/")
    link = page.locator(".md-post h2 a").first
    title = link.inner_text()
    link.click()
    page.wait_for_url(re.compile(r"/blog/\d{4}/"))
    eventually(lambda: len(loop.views()) == 2, "the post is counted")

    posts = [row for row in loop.stats()["pageStats"] if row["type"] == "blog"]
    assert [(row["title"], row["views"]) for row in posts] == [(title, 1)]


def test_closing_the_tab_drops_the_reader(loop: Loop, open_page: OpenPage) -> None:
    """A closed tab is not active any more, long before the timeout."""
    page = open_page(f"{loop.site}/faq/")
    eventually(lambda: loop.active() == {"/faq/": 1}, "the reader is active")
    page.close(run_before_unload=True)
    eventually(lambda: loop.active() == {}, "the reader is gone")

    assert loop.views() == {"/faq/": 1}


def test_a_second_tab_of_the_same_browser_doubles_nothing(loop: Loop, open_page: OpenPage) -> None:
    """Two tabs are one reader and one visitor; the active page is that of the visible tab."""
    open_page(f"{loop.site}/faq/")
    eventually(lambda: loop.active() == {"/faq/": 1}, "the first tab is active")
    second = open_page(f"{loop.site}/guide/schedules/")
    eventually(lambda: loop.active() == {"/guide/schedules/": 1}, "the second tab is reported")
    figures = loop.stats()
    second.close(run_before_unload=True)

    assert (figures["activeVisitors"], figures["uniqueVisitors"]) == (1, 1)
    assert loop.views() == {"/faq/": 1, "/guide/schedules/": 1}


def test_two_browsers_are_two_readers(loop: Loop, chromium: Browser, open_page: OpenPage) -> None:
    """Sessions are by browser."""
    open_page(f"{loop.site}/faq/")
    with chromium.new_context() as other:
        other.new_page().goto(f"{loop.site}/faq/")
        eventually(lambda: loop.active() == {"/faq/": 2}, "both are active")

        assert loop.stats()["uniqueVisitors"] == 2
        assert loop.views() == {"/faq/": 2}


def test_a_reload_is_not_a_second_view(loop: Loop, open_page: OpenPage) -> None:
    """Reloading within 30 minutes counts nothing, and the reader stays active."""
    page = open_page(f"{loop.site}/faq/")
    eventually(lambda: loop.views() == {"/faq/": 1}, "the first view is counted")
    with page.expect_response(lambda answer: answer.url.endswith("/api/collect")) as collected:
        page.reload()

    assert collected.value.status in {202, 204}
    eventually(lambda: loop.active() == {"/faq/": 1}, "the reader is active after the reload")
    assert loop.views() == {"/faq/": 1}


def test_one_request_per_page_load(loop: Loop, open_page: OpenPage) -> None:
    """A page load is one request to the tracker, without preflight, and carries the heartbeat."""
    page = open_page("about:blank")
    methods: list[str] = []
    page.on(
        "request",
        lambda request: methods.append(request.method) if "/api/" in request.url else None,
    )
    page.goto(f"{loop.site}/guide/retries/")
    eventually(lambda: loop.active() == {"/guide/retries/": 1}, "the view is the first heartbeat")
    page.wait_for_timeout(1_500)

    assert methods == ["POST"]


def test_a_missing_page_is_not_a_view(loop: Loop, open_page: OpenPage) -> None:
    """The 404 page reports itself as not found and is counted nowhere as a view."""
    page = open_page("about:blank")
    with page.expect_response(lambda answer: answer.url.endswith("/api/collect")) as collected:
        page.goto(f"{loop.site}/no/such/page/")

    request = json.loads(collected.value.request.post_data or "")
    assert collected.value.status == 204
    assert (request["t"], request["n"], request["p"]) == ("event", "not_found", "/no/such/page/")
    assert loop.stats()["totalPageViews"] == 0


def test_stats_page_moves_by_itself(loop: Loop, chromium: Browser, open_page: OpenPage) -> None:
    """The tracker's page shows a new reader without a reload, and obeys its own content policy."""
    with chromium.new_context() as owner:
        violations: list[str] = []
        stats = owner.new_page()
        stats.on("console", lambda message: violations.append(message.text))
        stats.goto(f"{loop.tracker}/stats")
        expect(stats.locator("main")).to_have_attribute("data-layout", "empty")
        page = open_page(f"{loop.site}/faq/")

        now = stats.locator("[data-stat-rows=activeByPath] tr[data-path='/faq/']")
        expect(now).to_be_visible(timeout=10_000)
        expect(stats.locator("[data-stat=activeVisitors]")).to_have_text("1")
        expect(stats.locator("[data-stat=totalPageViews]")).to_have_text("1")
        row = stats.locator("[data-list=pages] tr[data-path='/faq/']")
        expect(row.locator("a.out")).to_have_attribute("href", f"{loop.site}/faq/")
        page.close(run_before_unload=True)
        expect(stats.locator("[data-stat=activeVisitors]")).to_have_text("0", timeout=10_000)
        assert violations == []


def test_stats_page_works_without_javascript(
    loop: Loop, chromium: Browser, open_page: OpenPage
) -> None:
    """Without scripts the page shows the numbers of the moment it was loaded."""
    open_page(f"{loop.site}/faq/")
    eventually(lambda: loop.active() == {"/faq/": 1}, "the reader is active")
    with chromium.new_context(java_script_enabled=False) as owner:
        stats = owner.new_page()
        stats.goto(f"{loop.tracker}/stats")

        expect(stats.locator("[data-stat=totalPageViews]")).to_have_text("1")
        expect(stats.locator("tr[data-path='/faq/']")).to_have_count(2)


def test_stats_page_inside_the_site_is_live(
    loop: Loop, reader: BrowserContext, open_page: OpenPage
) -> None:
    """The generated page shows the figures in the site's theme, reached by instant navigation."""
    page = open_page(f"{loop.site}/faq/")
    page.get_by_role("link", name="Statistics").first.click()
    page.wait_for_url("**/stats/")

    expect(page.locator("[data-stat=activeVisitors]")).to_have_text("1", timeout=10_000)
    expect(page.locator("[data-stat=totalPageViews]")).to_have_text("2", timeout=10_000)
    expect(page.locator("[data-stat-rows=pageStats] tr[data-path='/faq/']")).to_be_visible()
    assert len(reader.pages) == 1


@pytest.mark.parametrize("answer", ["down", "rubbish", "error", "slow"])
def test_a_tracker_in_trouble_is_not_noticed_by_the_reader(
    example_site: Path,
    ports: tuple[int, int],
    chromium: Browser,
    answer: str,
) -> None:
    """Down, slow or answering rubbish: no page error, no delay, navigation works."""
    with serving(example_site, ports[0]) as site, chromium.new_context() as context:
        errors: list[str] = []
        context.on("weberror", lambda error: errors.append(str(error.error)))
        page = context.new_page()
        if answer == "rubbish":
            page.route("**/api/collect", lambda r: r.fulfill(status=200, body="<html>{[}"))
        elif answer == "error":
            page.route("**/api/collect", lambda r: r.fulfill(status=500, body="x"))
        elif answer == "slow":
            page.route("**/api/collect", lambda _route: None)
        page.goto(f"{site}/faq/", wait_until="load", timeout=5_000)
        page.get_by_role("link", name="Getting started").first.click()
        page.wait_for_url("**/getting-started/install/", timeout=5_000)
        expect(page.locator("h1")).to_contain_text("Install")

        assert errors == []
