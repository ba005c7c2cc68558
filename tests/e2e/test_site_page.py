"""The statistics page inside a really built site, in each theme, scheme and state."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from mkdocs_stats_plugin.texts import Texts
from tests.e2e.conftest import build_site, serving, tracking
from tests.e2e.pages import keep, send_view, violations
from tests.processes import free_port

PALETTE = [
    {"media": f"(prefers-color-scheme: {scheme})", "scheme": name}
    for scheme, name in (("light", "default"), ("dark", "slate"))
]
THEMES = {
    "material": {"name": "material", "language": "de", "font": False, "palette": PALETTE},
    "mkdocs": {"name": "mkdocs", "locale": "en", "color_mode": "auto"},
    "readthedocs": {"name": "readthedocs", "locale": "de"},
}
OpenPage = Callable[..., Page]


class Book:
    """A small site in one theme, built without figures and with them."""

    def __init__(self, folder: Path, theme: str) -> None:
        """Build into `folder`."""
        self.theme = theme
        self.texts = Texts("en" if theme == "mkdocs" else "de")
        self.folder = folder
        self.site_port, self.port = free_port(), free_port()
        (folder / "docs").mkdir()
        (folder / "docs" / "index.md").write_text("# Kettle\n")
        (folder / "docs" / "guide.md").write_text("# Guide\n")
        self.build("bare", snapshot=False)

    @property
    def manifest(self) -> str:
        """The path of the manifest of the site without figures."""
        return str(self.folder / "bare" / "stats-manifest.json")

    def build(self, name: str, *, snapshot: bool) -> None:
        """Build the site; with figures the tracker must be there."""
        stats = {
            "tracker_url": f"http://127.0.0.1:{self.port}",
            "track_local": True,
            "stats_page": True,
            "snapshot": snapshot,
        }
        settings = {
            "site_name": "Kettle",
            "site_url": f"http://127.0.0.1:{self.site_port}/",
            "theme": THEMES[self.theme],
            "plugins": [{"stats": stats}],
        }
        config = self.folder / "mkdocs.yml"
        config.write_text(json.dumps(settings))
        build_site(config, self.folder / name)


@pytest.fixture(scope="module", params=THEMES)
def book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A site in each theme, with what a tracker said of four views."""
    book = Book(tmp_path_factory.mktemp(request.param), request.param)
    with tracking(book.folder, book.port, "--manifest", book.manifest) as tracker:
        for path, zone, referrer in (
            ("/", "Europe/Vienna", "https://www.google.at/"),
            ("/guide/", "Europe/Vienna", "https://m.kettle.co.uk/"),
            ("/guide/", "Asia/Tokyo", ""),
            ("/gone/", "UTC", ""),
        ):
            send_view(tracker, path, f"http://127.0.0.1:{book.site_port}", z=zone, r=referrer)
        book.build("site", snapshot=True)
    return book


@pytest.fixture(params=["light", "dark"])
def open_scheme(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[OpenPage]:
    """Open pages in one of both colour schemes."""
    context = chromium.new_context(color_scheme=request.param, reduced_motion="reduce")

    def open_(url: str) -> Page:
        page = context.new_page()
        page.goto(url)
        return page

    yield open_
    context.close()


def _keep(page: Page, book: Book, state: str) -> None:
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    keep(page, f"site-{book.theme}-{state}-{'dark' if dark else 'light'}")


def test_axe_finds_nothing_without_the_tracker(book: Book, open_scheme: OpenPage) -> None:
    """The figures of the build, before anybody has answered and when nobody does."""
    with serving(book.folder / "site", book.site_port) as site:
        page = open_scheme(f"{site}/stats/")
        expect(page.locator(".mkdocs-stats-chart")).to_be_visible()
        assert violations(page, ".mkdocs-stats") == []
        said = book.texts("offline")
        expect(page.locator("[data-stats-state]")).to_contain_text(said, timeout=15_000)
        _keep(page, book, "offline")
        assert violations(page, ".mkdocs-stats") == []


def test_axe_finds_nothing_where_nothing_is_known(
    book: Book, open_scheme: OpenPage, tmp_path: Path
) -> None:
    """Neither the build nor the tracker has figures: it is away, or has counted nobody."""
    with serving(book.folder / "bare", book.site_port) as site:
        page = open_scheme(f"{site}/stats/")
        expect(page.locator(".empty").first).to_have_text(book.texts("not_known"))
        expect(page.locator(".empty")).to_have_count(2)
        assert violations(page, ".mkdocs-stats") == []
        with tracking(tmp_path, book.port, "--manifest", book.manifest):
            page.reload()
            expect(page.locator("[data-stats-state]")).to_have_text(book.texts("live"))
            _keep(page, book, "live")
            assert violations(page, ".mkdocs-stats") == []


def test_everything_is_said_in_the_language_of_the_theme(book: Book, open_scheme: OpenPage) -> None:
    """No text of the other language is left, and countries and numbers are those of this one."""
    with serving(book.folder / "site", book.site_port) as site:
        page = open_scheme(f"{site}/stats/")
        country = page.locator("[data-country=AT]")
        expect(country).to_have_text({"de": "Österreich", "en": "Austria"}[book.texts.language])
        text = page.locator(".mkdocs-stats").inner_text()
        other = Texts({"de": "en", "en": "de"}[book.texts.language])
        words = {re.split(r" ?{", text)[0] for text in other.all.values()}
        own = {re.split(r" ?{", text)[0] for text in book.texts.all.values()}

        foreign = [word for word in words - own if re.search(rf"\b{re.escape(word)}\b", text)]
        assert foreign == []
        assert [source in text for source in ("Google", "kettle.co.uk")] == [True, True]


def test_the_page_fits_a_phone(book: Book, chromium: Browser) -> None:
    """Nothing of it is wider than 360 px."""
    context = chromium.new_context(viewport={"width": 360, "height": 740})
    with serving(book.folder / "site", book.site_port) as site:
        page = context.new_page()
        page.goto(f"{site}/stats/")
        width = page.locator(".mkdocs-stats").evaluate("e => [e.scrollWidth, e.clientWidth]")
        context.close()

    assert width[0] <= width[1] <= 360
