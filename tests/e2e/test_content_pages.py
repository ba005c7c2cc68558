"""The pages of the content reports in a real browser, over the made-up history of the demo."""

import csv
import io
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.e2e.conftest import fetch_json, tracking
from tests.e2e.pages import Open, keep, live, violations
from tests.processes import free_port
from tracker_server.catalogue import REPORTS
from tracker_server.config import Settings
from tracker_server.demo_data import fill

NAMES = [report.name for report in REPORTS]
PERIOD = "period=90d"
SCHEMES = ("light", "dark")
LOOKS = [
    *((name, scheme) for name in ("", NAMES[0]) for scheme in SCHEMES),
    *((name, SCHEMES[number % 2]) for number, name in enumerate(NAMES[1:])),
]
"""Which page is looked at in which scheme: all are made by one template."""


@pytest.fixture(scope="module")
def tracker(example_site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a tracker over the history of the demo."""
    folder = tmp_path_factory.mktemp("content")
    manifest = example_site / "stats-manifest.json"
    url = f"sqlite:///{folder / 'stats.sqlite3'}"
    fill(Settings(database_url=url, manifest=str(manifest)), manifest, time.time(), seed=1)
    with tracking(folder, free_port(), "--manifest", str(manifest)) as address:
        yield address


@pytest.mark.parametrize("name", NAMES)
def test_the_demo_has_something_to_say_in_each(tracker: str, name: str) -> None:
    """No report is empty, and what it says of itself fits its rows."""
    report = fetch_json(f"{tracker}/api/content/{name}?{PERIOD}")

    assert report["rows"]
    assert report["rowCount"] >= len(report["rows"])


def test_the_demo_has_headings_that_were_renamed(tracker: str) -> None:
    """And lost ones of which that is not known."""
    found = fetch_json(f"{tracker}/api/content/broken-anchors?{PERIOD}")

    assert 0 < found["facts"]["renamedHeadings"] < found["rowCount"]


@pytest.mark.parametrize(("name", "scheme"), LOOKS)
def test_axe_finds_nothing(tracker: str, open_stats: Open, name: str, scheme: str) -> None:
    """By turns in either language and scheme, and no page error; the first two in both."""
    language = "de" if scheme == "dark" else "en"
    address = f"{tracker}/stats/content/{name}".rstrip("/")
    page = live(open_stats(f"{address}?{PERIOD}&lang={language}", color_scheme=scheme))

    assert violations(page) == []
    keep(page, f"content-{name or 'list'}-{scheme}")


def test_no_page_is_wider_than_the_window(tracker: str, open_stats: Open) -> None:
    """From a phone to a wall; a table that has no room scrolls by itself, reached by keys too."""
    page = open_stats(f"{tracker}/stats/content?{PERIOD}")
    for name in NAMES:
        page.goto(f"{tracker}/stats/content/{name}?{PERIOD}")
        live(page)
        for width in (360, 3_840):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name


PHONE: ViewportSize = {"width": 390, "height": 800}
LAPTOP: ViewportSize = {"width": 1_280, "height": 800}


def _roles(page: Page) -> Counter[str]:
    """Return how many elements of a table the browser tells readers of screens of."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    roles = Counter(node["role"]["value"] for node in nodes if not node["ignored"])
    return Counter({role: roles[role] for role in ("table", "columnheader", "row", "cell")})


@pytest.mark.parametrize("language", ["en", "de"])
def test_reasons_stand_below_their_page_on_a_phone(
    tracker: str, open_stats: Open, language: str
) -> None:
    """In sight without scrolling; for who does not see it, the table is the same."""
    address = f"{tracker}/stats/content/health?{PERIOD}&lang={language}"
    page = live(open_stats(address, viewport=LAPTOP))
    wide = _roles(page)
    page.set_viewport_size(PHONE)

    for row in page.locator("tbody tr").all():
        about = row.locator("td:is(.page, .text):not(.none)").bounding_box()
        points = row.locator("td.number").bounding_box()
        reasons = row.locator("td.reasons").bounding_box()
        assert about
        assert points
        assert reasons
        assert reasons["y"] >= about["y"] + about["height"] - 1
        for box in (about, points, reasons):
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= PHONE["width"]
    assert wide["row"] == page.locator("tbody tr").count() + 1
    assert _roles(page) == wide
    assert violations(page) == []
    keep(page, f"content-health-phone-{language}")


@pytest.mark.parametrize("language", ["en", "de"])
def test_all_columns_of_deploys_are_seen_on_a_laptop(
    tracker: str, open_stats: Open, language: str
) -> None:
    """On a phone the page stays in sight when the others are scrolled to."""
    address = f"{tracker}/stats/content/deploys?{PERIOD}&lang={language}"
    page = live(open_stats(address, viewport=LAPTOP))
    table = page.locator(".wide")
    hidden = "(table) => table.scrollWidth - table.clientWidth"
    assert table.evaluate(hidden) == 0

    page.set_viewport_size(PHONE)
    assert table.evaluate(hidden) > 0
    table.evaluate("(table) => table.scrollTo(table.scrollWidth, 0)")
    room, about = (one.bounding_box() for one in (table, table.locator("td.page").first))
    assert room
    assert about
    assert abs(about["x"] - room["x"]) <= 1
    keep(page, f"content-deploys-phone-{language}")


def test_from_the_figures_to_a_file_by_keyboard(tracker: str, open_stats: Open) -> None:
    """Overview, list, report, another period, a page, and back; the file has what is shown."""
    page = live(open_stats(f"{tracker}/stats?period=90d"))
    page.locator("a.contents").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text("What to improve")
    page.get_by_role("link", name="Searches").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_have_text("Searches")
    assert "period=90d" in page.url
    page.get_by_role("link", name="7 days").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")
    page.go_back()
    expect(page.get_by_role("link", name="90 days")).to_have_attribute("aria-current", "true")
    shown = page.locator("table tbody tr").count()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = download.value.path().read_bytes().decode()
    rows = [*csv.reader(io.StringIO(text, newline=""))]
    first = page.locator("table tbody tr").first.locator("td").first

    assert download.value.suggested_filename == "searches.csv"
    assert len(rows) - 1 == shown
    assert rows[1][0] == first.inner_text()


def test_pages_lead_to_their_statistics(tracker: str, open_stats: Open) -> None:
    """The days stay the same."""
    page = live(open_stats(f"{tracker}/stats/content/searches?{PERIOD}"))
    title = page.locator("table a.row").first.inner_text()
    page.locator("table a.row").first.click()
    expect(page.locator("[data-part=title] h2")).to_have_text(title)

    assert "period=90d" in page.url


def test_without_javascript(tracker: str, open_stats: Open) -> None:
    """Everything is there, and every link works."""
    page = open_stats(f"{tracker}/stats/content?{PERIOD}", java_script_enabled=False)
    for name in NAMES:
        page.locator(f'a[href^="/stats/content/{name}?"]').first.click()
        expect(page.locator("table tbody tr").first).to_be_visible()
        page.go_back()


def test_csv_is_the_same_as_json(tracker: str) -> None:
    """For each report: as many rows, the same names, the same numbers."""
    for name in NAMES:
        report = fetch_json(f"{tracker}/api/content/{name}?{PERIOD}&limit=1000")
        with urllib.request.urlopen(
            f"{tracker}/api/content/{name}.csv?{PERIOD}&limit=1000", timeout=10
        ) as answer:
            text = answer.read().decode()
        rows = [*csv.DictReader(io.StringIO(text, newline=""))]

        assert len(rows) == len(report["rows"]), name
        for row, expected in zip(rows, report["rows"], strict=True):
            assert list(row) == list(expected), name
            for key, value in expected.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    assert float(row[key]) == value, (name, key)
