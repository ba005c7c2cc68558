"""The tracker's own page in a real browser, before some weeks of readers: what it shows and does.

With `KEEP_SCREENSHOTS=1` in the environment screenshots are kept in ``build/screenshots``.
"""

import gzip
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Response, expect

from tests.e2e.conftest import fetch_json, tracking
from tests.e2e.history import write_history
from tests.e2e.pages import Open, keep, live, send_view, violations
from tests.processes import free_port
from tracker_server.texts import Texts

PAGE_BYTES = 60 * 1_024
"""What JavaScript and CSS of the page may be, after gzip."""
VIEW = "/stats?period=30d"


@pytest.fixture(scope="module")
def history(example_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with some weeks of readers."""
    database = tmp_path_factory.mktemp("history") / "stats.sqlite3"
    write_history(database, example_site / "stats-manifest.json")
    return database


@pytest.fixture(scope="module")
def tracker(
    history: Path, example_site: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Run a tracker for the tests that change nothing."""
    folder = tmp_path_factory.mktemp("tracker")
    shutil.copy(history, folder / "stats.sqlite3")
    manifest = str(example_site / "stats-manifest.json")
    with tracking(folder, free_port(), "--manifest", manifest) as address:
        yield address


# Live


def test_a_view_is_there_by_the_stream(
    history: Path, example_site: Path, tmp_path: Path, open_stats: Open
) -> None:
    """Readers, minutes, the list and the feed move, and the page does not ask what is new.

    How soon they do is measured by ``python -m bench.browser``.
    """
    shutil.copy(history, tmp_path / "stats.sqlite3")
    manifest = str(example_site / "stats-manifest.json")
    with tracking(tmp_path, free_port(), "--manifest", manifest) as tracker:
        page = live(open_stats(f"{tracker}{VIEW}"))
        expect(page.locator("[data-stat=activeVisitors]")).to_have_text("0")
        expect(page.locator(".reading .empty")).to_be_visible()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        send_view(tracker, "/faq/", z="Europe/Vienna", r="https://news.example/")
        expect(page.locator('.reading tr[data-path="/faq/"]')).to_be_visible()

        assert [url for url in asked if "/api/" in url] == []
        expect(page.locator("[data-stat=activeVisitors]")).to_have_text("1")
        expect(page.locator("[data-readers]")).to_have_text("reader")
        row = page.locator("[data-feed] li").first
        expect(row).to_contain_text("FAQ")
        expect(row).to_contain_text("Austria · news.example")
        assert row.locator("a").get_attribute("href") == "/stats?period=30d&page=%2Ffaq%2F"
        heights = page.locator(".minutes rect").evaluate_all(
            "bars => bars.map((bar) => Number(bar.getAttribute('height')))"
        )
        assert heights[-1] > 1.5 or heights[-2] > 1.5
        keep(page, "live", whole=False)
        page.close()  # Before the tracker, whose end is not what this is about.


def test_the_report_follows_what_is_live(
    history: Path, example_site: Path, tmp_path: Path, open_stats: Open
) -> None:
    """A view that came after the page counts in its figures too, without a reload."""
    shutil.copy(history, tmp_path / "stats.sqlite3")
    manifest = str(example_site / "stats-manifest.json")
    with tracking(tmp_path, free_port(), "--manifest", manifest) as tracker:
        page = live(open_stats(f"{tracker}{VIEW}"))
        before = int(page.locator("[data-figure=views]").inner_text().replace(",", ""))
        send_view(tracker, "/faq/")

        expect(page.locator("[data-figure=views]")).to_have_text(f"{before + 1:,}", timeout=40_000)
        page.close()


def test_without_streams_the_tracker_is_asked(tracker: str, open_stats: Open) -> None:
    """A stream that is refused is no error: the figures are polled and called live."""
    page = open_stats("about:blank", tolerant=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/api/live", lambda route: route.fulfill(status=503))
    page.goto(f"{tracker}{VIEW}")
    live(page)
    page.wait_for_timeout(4_500)

    assert len([url for url in asked if url.endswith("/api/stats")]) in {2, 3}


def test_an_outage_is_said_and_gets_over_by_itself(
    history: Path, example_site: Path, tmp_path: Path, open_stats: Open
) -> None:
    """Figures of a tracker that is gone are marked as old, until it is back."""
    shutil.copy(history, tmp_path / "stats.sqlite3")
    manifest = str(example_site / "stats-manifest.json")
    port = free_port()
    with tracking(tmp_path, port, "--manifest", manifest) as tracker:
        page = live(open_stats(f"{tracker}{VIEW}", tolerant=True))
    state = page.locator("[data-live-state]")
    expect(state).to_have_text(re.compile("Tracker not reachable"), timeout=15_000)
    colours = page.locator(".count b, .scale").evaluate_all(
        "elements => elements.map((element) => getComputedStyle(element).color)"
    )
    assert colours[0] == colours[1]
    keep(page, "offline")
    assert violations(page) == []

    # A view that cannot be loaded says so, keeps what is there, and can be tried again.
    page.locator(".periods a", has_text="7 days").click()
    expect(page.locator("[data-failure]")).to_be_visible()
    expect(page.locator(".periods [aria-current]")).to_have_text("30 days")
    keep(page, "failure", whole=False)
    with tracking(tmp_path, port, "--manifest", manifest):
        expect(state).to_have_text("Live", timeout=40_000)
        page.locator("[data-again]").click()
        expect(page.locator(".periods [aria-current]")).to_have_text("7 days")
        expect(page.locator("[data-failure]")).to_be_hidden()


def test_before_the_first_view_the_page_waits_for_it(
    example_site: Path, tmp_path: Path, open_stats: Open
) -> None:
    """An empty tracker says what to do, and shows the first view when it comes."""
    manifest = str(example_site / "stats-manifest.json")
    with tracking(tmp_path, free_port(), "--manifest", manifest) as tracker:
        page = live(open_stats(f"{tracker}/stats"))
        expect(page.locator("h2")).to_have_text(
            ["Waiting for the first view", "Keyboard shortcuts"]
        )
        expect(page.locator("pre")).to_contain_text(f"tracker_url: {tracker}")
        keep(page, "empty")
        assert violations(page) == []
        send_view(tracker, "/faq/")

        expect(page.locator("[data-list=pages] tr[data-path='/faq/']")).to_be_visible()
        page.close()


# Views


def test_periods_change_without_a_load(tracker: str, open_stats: Open) -> None:
    """A switch asks the tracker once, changes the address, and Back undoes it.

    What it costs beside a load is measured by ``python -m bench.browser``.
    """
    page = live(open_stats(f"{tracker}{VIEW}"))
    page.evaluate("window.same = true")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.split("?")[0]))
    names = ["7 days", "90 days", "12 months", "All", "Today", "30 days"]
    for name in names * 2:
        page.locator(".periods a", has_text=name).click()
        expect(page.locator(".periods [aria-current]")).to_have_text(name)

    # Pictures that the new content has too are in the browser's memory.
    assert asked.count(f"{tracker}/stats") == len(names * 2)
    assert {Path(address).suffix for address in asked} == {"", ".svg"}
    assert page.evaluate("window.same")
    assert page.url == f"{tracker}/stats"
    page.go_back()
    expect(page.locator(".periods [aria-current]")).to_have_text("Today")
    assert page.url == f"{tracker}/stats?period=today"
    expect(page.locator("[data-series] tbody tr")).to_have_count(24)
    keep(page, "today")


def test_a_row_filters_everything_and_a_shared_link_shows_the_same(
    tracker: str, open_stats: Open
) -> None:
    """Filters add up, are chips to remove, live in the address, whose load gives the same page."""
    page = live(open_stats(f"{tracker}{VIEW}"))
    page.locator("[data-list=countries] tr[data-key=AT] a").click()
    expect(page.locator(".chips li")).to_have_text([re.compile("Country\\s+Austria")])
    page.locator("[data-list=devices] tr[data-key=small] a").click()
    expect(page.locator(".chips li")).to_have_count(3)
    page.locator(".figures a", has_text="Visitors").click()
    expect(page.locator(".figures .current")).to_contain_text("Visitors")
    assert page.url.endswith("/stats?country=AT&device=small&metric=visitors")
    keep(page, "filtered")
    shared = live(open_stats(page.url))
    parts = "[data-part]:not([data-part=still])"
    read = "parts => parts.map((part) => part.textContent)"
    assert page.locator(parts).evaluate_all(read) == shared.locator(parts).evaluate_all(read)
    report = fetch_json(f"{tracker}/api/report?period=30d&country=AT&device=small")
    expect(page.locator("[data-figure=visitors]")).to_have_text(f"{report['visitors']:,}")

    page.locator(".chips a", has_text="Austria").click()
    expect(page.locator(".chips li")).to_have_text([re.compile("Window\\s+Small")])
    page.go_back()
    expect(page.locator(".chips li")).to_have_count(3)


def test_campaigns_share_the_card_of_the_sources(tracker: str, open_stats: Open) -> None:
    """A tab lists them with their visits, a row filters, and the address says so."""
    page = live(open_stats(f"{tracker}{VIEW}"))
    page.locator(".tabs a", has_text="Campaigns").click()
    rows = page.locator("[data-list=campaigns] tbody tr")
    campaigns = fetch_json(f"{tracker}/api/report?period=30d")["campaigns"]
    expect(rows).to_have_count(len(campaigns))
    assert [row["campaign"] for row in campaigns] == rows.evaluate_all(
        "rows => rows.map((row) => row.dataset.key)"
    )
    assert campaigns[0]["visits"] > campaigns[1]["visits"] > 0

    page.locator("[data-list=campaigns] tr[data-key='letter/mail/Spring'] a").click()
    chip = re.compile("Campaign\\s+Spring · letter · mail")
    expect(page.locator(".chips li")).to_have_text([chip])
    assert "campaign=letter/mail/Spring" in page.url
    report = fetch_json(f"{tracker}/api/report?period=30d&campaign=letter/mail/Spring")
    expect(page.locator("[data-figure=visitors]")).to_have_text(f"{report['visitors']:,}")
    keep(page, "campaign")


def test_days_are_chosen_in_a_form_in_the_table_and_in_the_chart(
    tracker: str, open_stats: Open
) -> None:
    """A custom period comes from two dates, from a row of the table, or from dragging."""
    page = live(open_stats(f"{tracker}{VIEW}"))
    starts = page.locator("[data-series] tbody tr").evaluate_all(
        "rows => rows.map((row) => row.dataset.start)"
    )
    page.keyboard.press("d")
    page.locator("input[name=from]").fill(starts[10])
    page.locator("input[name=to]").fill(starts[16])
    keep(page, "days", whole=False)
    page.locator(".custom button").click()
    expect(page.locator("[data-series] tbody tr")).to_have_count(7)
    assert f"from={starts[10]}&to={starts[16]}" in page.url

    over = page.locator(".u-over").bounding_box()
    assert over
    step = over["width"] / 6
    page.mouse.move(over["x"] + step, over["y"] + 50)
    page.mouse.down()
    page.mouse.move(over["x"] + 3 * step, over["y"] + 50, steps=4)
    page.mouse.up()
    expect(page.locator("[data-series] tbody tr")).to_have_count(3)
    assert f"from={starts[11]}&to={starts[13]}" in page.url
    page.locator(".numbers summary").click()
    page.locator("[data-series] tbody a").first.click()
    expect(page.locator("[data-series] tbody tr")).to_have_count(24)
    assert f"from={starts[11]}&to={starts[11]}" in page.url


def test_the_chart_is_read_by_mouse_and_keys(tracker: str, open_stats: Open) -> None:
    """What is read out is what the table says; Enter shows one step alone."""
    page = live(open_stats(f"{tracker}{VIEW}&compare=1"))
    rows = page.locator("[data-series] tbody tr").evaluate_all(
        "rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent.trim()))"
    )
    chart = page.get_by_role("slider")
    box = page.locator(".u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    expect(page.locator(".tip")).to_be_visible()
    keep(page, "chart", whole=False)
    hovered = page.locator(".tip .when").inner_text()
    expected = next(row for row in rows if row[0].startswith(hovered))
    texts = page.locator(".tip p:not(.when) span:last-child").all_inner_texts()
    assert texts[: len(expected) - 1] == expected[1:]

    page.mouse.move(0, 0)
    chart.focus()
    for key, place in [("End", -1), ("ArrowLeft", -2), ("Home", 0), ("ArrowRight", 1)]:
        chart.press(key)
        label, *values = rows[place]
        said = chart.get_attribute("aria-valuetext") or ""
        assert said.startswith(label.split(" Deploy")[0])
        assert all(value in said for value in values)
        expect(page.locator(".tip")).to_be_visible()
    chart.press("Enter")
    expect(page.locator("[data-series] tbody tr")).to_have_count(24)


def test_deploys_are_marked(tracker: str, open_stats: Open) -> None:
    """A manifest that came into force stands in the table and in what is read out."""
    page = live(open_stats(f"{tracker}/stats?period=90d"))
    report = fetch_json(f"{tracker}/api/report?period=90d")

    assert report["deploys"]
    expect(page.locator("[data-series] .deploy").first).to_contain_text("Deploy")
    expect(page.locator(".key.deploy")).to_be_visible()


def test_tabs_and_whole_lists_are_views_too(tracker: str, open_stats: Open) -> None:
    """Entry, exit, languages, browsers and posts are a link away, whole lists as well."""
    page = live(open_stats(f"{tracker}{VIEW}"))
    for tab, name in [
        ("Posts", "posts"),
        ("Entry", "entry"),
        ("Exit", "exit"),
        ("Languages", "languages"),
        ("Browsers", "browsers"),
    ]:
        page.locator(".tabs nav a", has_text=tab).click()
        expect(page.locator(f"[data-list={name}] tbody tr").first).to_be_visible()
    page.locator(".tabs nav a", has_text="Pages").first.click()
    # Else the link below would still be that of the list before.
    expect(page.locator("[data-list=pages] tbody tr").first).to_be_visible()
    page.locator(".content .more").click()
    expect(page.locator("main")).to_have_attribute("data-layout", "list")
    expect(page.locator("[data-list=pages] tbody tr").nth(10)).to_be_visible()
    keep(page, "list")
    assert violations(page) == []


def test_one_page_has_a_view_of_its_own(tracker: str, open_stats: Open) -> None:
    """A link from the site leads to its history, sources, next pages, reading and feedback."""
    page = live(open_stats(f"{tracker}/stats?page=/getting-started/install/"))
    report = fetch_json(f"{tracker}/api/report?period=30d&page=/getting-started/install/")

    expect(page.locator(".page-title h2")).to_have_text("Install")
    expect(page.locator("[data-figure=views]")).to_have_text(str(report["views"]))
    for heading in ["Sections", "Read next", "Sources", "Reading", "Countries", "Feedback"]:
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    link = page.locator(".about a")
    assert (link.get_attribute("href") or "").endswith("/getting-started/install/")
    send_view(tracker, "/getting-started/install/")
    expect(page.locator("[data-readers-of] b")).not_to_have_text("0")
    keep(page, "page")


# Everyone


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("overview", "?period=30d"),
        ("compared", "?period=90d&compare=1&metric=engaged&lang=de"),
        ("page", "?page=/getting-started/install/"),
        ("list", "?list=countries"),
        ("refused", "?period=wrong"),
    ],
)
def test_axe_finds_nothing(
    tracker: str, open_stats: Open, scheme: str, name: str, query: str
) -> None:
    """No violation in either colour scheme, with everything open that opens."""
    page = open_stats(f"{tracker}/stats{query}", color_scheme=scheme, tolerant=name == "refused")
    live(page)
    assert violations(page) == []
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true; }")
    if page.locator("[role=slider]").count():
        page.locator("[role=slider]").press("ArrowLeft")
    assert violations(page) == []
    keep(page, f"{name}-{scheme}")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []
    if name == "overview":
        keep(page, f"shortcuts-{scheme}", whole=False)


def test_everything_can_be_done_by_keyboard(tracker: str, open_stats: Open) -> None:
    """A walk without a mouse: skip, shortcuts, list of them, filter, chart, back."""
    page = live(open_stats(f"{tracker}{VIEW}"))
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    for key, selector, text in [
        ("2", ".periods [aria-current]", "7 days"),
        ("3", ".periods [aria-current]", "30 days"),
        ("u", ".figures [aria-current]", "Visitors"),
        ("e", ".figures [aria-current]", "Engaged time"),
        ("v", ".figures [aria-current]", "Views"),
        ("c", ".toggle[aria-current]", "Compare"),
    ]:
        page.keyboard.press(key)
        expect(page.locator(selector)).to_have_text(text)

    # On with Tab, from the last link of the bar to the first row of the list of pages.
    page.locator(".toggle").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('[data-list=pages] .row')"):
            break
        shown = page.evaluate(
            "(({ x, y, width, height }) => width * height > 0 && x + width > 0)"
            "(document.activeElement.getBoundingClientRect())"
        )
        assert shown, page.evaluate("document.activeElement.outerHTML")
    path = page.evaluate("document.activeElement.closest('tr').dataset.path")
    page.keyboard.press("Enter")
    expect(page.locator(".page-title .path")).to_have_text(path)
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    expect(page.locator("[data-said]")).not_to_be_empty()
    page.keyboard.press("x")
    expect(page.locator("main")).to_have_attribute("data-layout", "overview")
    page.go_back()
    expect(page.locator(".page-title .path")).to_have_text(path)


@pytest.mark.parametrize("width", [360, 390, 768, 1_024, 1_440, 1_920, 3_840])
def test_it_fits_every_width(tracker: str, open_stats: Open, width: int) -> None:
    """Nothing is cut off or makes the page scroll sideways, in the language of longer words too."""
    for language in ("en", "de"):
        height = 900 if width < 3_000 else 2_160
        page = open_stats(
            f"{tracker}{VIEW}&compare=1&lang={language}",
            viewport={"width": width, "height": height},
        )
        live(page)
        page.wait_for_timeout(300)
        keep(page, f"{language}-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cut = page.locator(".figures b, .periods a, h2, th, .toggle").evaluate_all(
            """elements => elements.filter((one) => one.scrollWidth > one.clientWidth + 1
              && getComputedStyle(one).display !== 'inline'
              && !one.closest('details:not([open]), .unseen, dialog'))
              .map((one) => one.outerHTML)"""
        )
        assert cut == []


def test_reduced_motion_is_respected(tracker: str, open_stats: Open) -> None:
    """Nothing moves for who asked for that, also when figures change."""
    page = live(open_stats(f"{tracker}{VIEW}", reduced_motion="reduce"))
    send_view(tracker, "/faq/")
    expect(page.locator("[data-feed] li").first).to_contain_text("FAQ")

    assert page.evaluate("document.getAnimations().length") == 0


def test_it_works_without_javascript(tracker: str, open_stats: Open) -> None:
    """The same figures, links that filter, a form for days, and a chart with a table."""
    # Up to yesterday, so that other tests change nothing.
    last = datetime.now(UTC).date() - timedelta(days=1)
    days = f"from={last - timedelta(days=29)}&to={last}"
    page = open_stats(f"{tracker}/stats?{days}", java_script_enabled=False)
    report = fetch_json(f"{tracker}/api/report?{days}")
    expect(page.locator("[data-figure=views]")).to_have_text(f"{report['views']:,}")
    expect(page.locator(".still .line")).to_be_visible()
    keep(page, "no-script")
    page.locator(".numbers summary").click()
    expect(page.locator("[data-series] tbody tr")).to_have_count(30)
    page.locator("[data-list=countries] tr[data-key=AT] a").click()
    expect(page.locator(".chips li")).to_have_count(1)
    page.locator(".custom summary").click()
    page.locator("input[name=from]").fill(report["series"]["starts"][3])
    page.locator(".custom button").click()
    expect(page.locator(".chips li")).to_have_count(1)
    expect(page.locator("[data-series] tbody tr")).to_have_count(27)


@pytest.mark.parametrize(("language", "said"), [("de-AT", "Aufrufe"), ("fr", "Views")])
def test_the_browser_chooses_the_language(
    tracker: str, open_stats: Open, language: str, said: str
) -> None:
    """German readers get German, others English; the address may say otherwise."""
    page = live(open_stats(f"{tracker}{VIEW}", locale=language))
    expect(page.locator(".figures .label").first).to_have_text(said)
    page.locator(".languages a", has_text="en").click()
    expect(page.locator(".figures .label").first).to_have_text("Views")
    assert page.url.endswith("lang=en")


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_server_writes_as_intl_does(tracker: str, open_stats: Open, language: str) -> None:
    """Numbers, days and names are the same from both, so nothing changes when the script comes."""
    page = open_stats(f"{tracker}{VIEW}&lang={language}")
    texts = Texts(language)
    intl = page.evaluate(
        """(language) => {
          const days = [...Array(12)].map((_, month) => Date.UTC(2026, month, 5));
          const dates = (options) => days.map((day) =>
            new Intl.DateTimeFormat(language, { timeZone: 'UTC', ...options }).format(day));
          const number = (options, value) =>
            new Intl.NumberFormat(language, options).format(value);
          const compact = { notation: 'compact', maximumSignificantDigits: 3 };
          const percent = { style: 'percent', maximumFractionDigits: 1 };
          const places = new Intl.DisplayNames(language, { type: 'region' });
          const [day, month, year] = ['numeric', 'short', 'numeric'];
          return [dates({ month, day }), dates({ month, day, year }), dates({ month, year }),
            dates({ weekday: 'short', month, day }), number({}, 1234567), number(compact, 1234567),
            number(percent, 0.123), ['AT', 'US', 'GB', 'JP'].map((code) => places.of(code))];
        }""",
        language,
    )
    days = [date(2026, month, 5) for month in range(1, 13)]

    assert intl == [
        [texts.day(day) for day in days],
        [texts.full_day(day) for day in days],
        [texts.month(day) for day in days],
        [texts.weekday(day) for day in days],
        texts.number(1_234_567),
        texts.compact(1_234_567),
        texts.percent(0.123, 1),
        [texts.country(code) for code in ("AT", "US", "GB", "JP")],
    ]


def test_the_page_is_light_and_steady(tracker: str, open_stats: Open) -> None:
    """Few requests, few bytes, and nothing jumps when the script takes over."""
    page = open_stats("about:blank", tolerant=True)
    bodies: dict[str, bytes] = {}
    page.on("response", lambda answer: bodies.update({answer.url: _body(answer)}))
    page.goto(f"{tracker}{VIEW}")
    live(page)
    page.wait_for_timeout(500)
    code = [body for url, body in bodies.items() if url.endswith((".js", ".css"))]
    shift = page.evaluate(
        """() => new Promise((resolve) => {
          let shift = 0;
          new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) shift += entry.value;
          }).observe({ type: 'layout-shift', buffered: true });
          setTimeout(() => resolve(shift), 200);
        })"""
    )

    assert sum(len(gzip.compress(body)) for body in code) <= PAGE_BYTES
    assert len([url for url in bodies if url.startswith(tracker)]) <= 6
    assert all(url.startswith(tracker) for url in bodies)
    assert shift <= 0.05


def _body(answer: Response) -> bytes:
    # A stream has no end to wait for.
    return b"" if answer.url.endswith("/api/live") else answer.body()
