"""The stats page without its script: every number, and no tag that a title could make."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import MakeSite, Site
from tracker_server.pages import page_link

pytestmark = pytest.mark.sqlite_only("it is about HTML; the figures are compared elsewhere")

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&amp;{{7*7}}"
VOID = {"meta", "link", "img", "br", "input"}


class _Html(HTMLParser):
    """What a browser would make of a page: its tags, its texts, its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.skeleton: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.open: list[str] = []
        self.figures: dict[str, str] = {}
        self._figure: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and the names of its attributes."""
        self.skeleton.append((tag, *(name for name, _ in attrs)))
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._figure = dict(attrs).get("data-stat")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note the end; it must be that of the tag that was opened last."""
        self.skeleton.append((f"/{tag}",))
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(" ".join(data.split()))
        if self._figure:
            self.figures[self._figure] = data
            self._figure = None

    def values(self, name: str) -> list[str | None]:
        """Return what an attribute says wherever it stands."""
        return [value for _, attribute, value in self.attributes if attribute == name]


def _html(site: Site, query: str = "") -> _Html:
    answer = site.client.get("/stats" + query)
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    html = _Html(answer.get_data(as_text=True))
    assert html.open == []
    return html


def _load(site: Site, tmp_path: Path, **page: Any) -> None:
    """Put a manifest of one page in force, with the site's name and address if given."""
    manifest = {
        "schema": 1,
        "site_name": page.pop("site_name", "Kettle"),
        "site_url": page.pop("site_url", "https://kettle.example/docs/"),
        "pages": [
            {"path": "/a/", "slug": "a", "title": "A", "type": "page", "published": True, **page}
        ],
    }
    path = tmp_path / "stats-manifest.json"
    path.write_text(json.dumps(manifest))
    site.tracker.upkeep.tick()


@pytest.fixture
def watching(make_site: MakeSite, tmp_path: Path) -> Site:
    """Return a tracker that watches the manifest that `_load` writes."""
    return make_site(manifest=str(tmp_path / "stats-manifest.json"), max_unknown_paths=10_000)


def test_the_page_shows_every_number_without_its_script(site: Site) -> None:
    """What the script keeps moving is there from the start."""
    site.view("/guide/install/", reader=1)
    site.view("/guide/install/", reader=2)
    site.view("/", reader=2)
    site.view("/blog/2026/first-boil/", reader=3)
    site.view("/gone/", reader=3)
    html = _html(site)

    assert html.figures == {
        "activeVisitors": "3",
        "totalPageViews": "5",
        "trackingSince": "1 January 2026",
        "uniqueVisitors": "3",
        "publishedPosts": "1",
        "publishedPages": "4",
    }
    assert html.values("datetime") == ["2026-01-01T12:00:00Z"]
    assert html.values("data-path") == [
        "/",
        "/gone/",
        "/guide/install/",
        "/guide/install/",
        "/",
        "/blog/2026/first-boil/",
        "/gone/",
    ]
    assert {"Home", "Post", "Page", "Not in the site"} <= set(html.texts)
    assert 'First boil: "fast" & <quiet>' in html.texts
    assert {"Kettle", "Statistics · Kettle"} <= set(html.texts)


def test_large_numbers_have_thousands_separators(site: Site) -> None:
    """A million is readable."""
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE totals SET views = 1234567, visitors = 45678")
    html = _html(site)

    assert {"1,234,567", "45,678"} <= set(html.texts)


def test_an_empty_tracker_says_so(make_site: MakeSite) -> None:
    """Before the first visit there are sentences, not empty tables."""
    html = _html(make_site())

    assert {
        "Nobody is reading right now.",
        "No page has been viewed yet.",
        "the first visit",
        "Statistics",
    } <= set(html.texts)
    assert html.values("datetime") == []
    assert html.values("data-path") == []


@pytest.mark.parametrize(
    ("key", "hostile"),
    [
        pytest.param("title", HOSTILE, id="title"),
        pytest.param("site_name", HOSTILE, id="site-name"),
        pytest.param("site_url", f"https://kettle.example/{HOSTILE}/", id="site-url"),
    ],
)
def test_no_text_of_the_manifest_changes_the_structure(
    watching: Site, tmp_path: Path, key: str, hostile: str
) -> None:
    """A hostile text is a text: tags and attributes are those of a harmless one."""
    _load(watching, tmp_path)
    watching.view("/a/")
    watching.stats()
    harmless = _html(watching)
    _load(watching, tmp_path, **{key: hostile})
    watching.stats()
    page = _html(watching)

    assert page.skeleton == harmless.skeleton
    assert "49" not in str(page.texts)
    if key != "site_url":
        assert hostile in page.texts or f"Statistics · {hostile}" in page.texts


@pytest.mark.parametrize("known", [True, False], ids=["in-the-manifest", "unknown"])
def test_no_path_changes_the_structure(watching: Site, tmp_path: Path, *, known: bool) -> None:
    """A hostile path is a text as well, whether the manifest has it or a browser made it up."""
    skeletons = []
    path = f"/{HOSTILE}/".replace("#", "")
    for reader, some in enumerate(["/a/", path]):
        _load(watching, tmp_path, **({"path": some} if known else {"path": "/other/"}))
        with watching.tracker.engine.begin() as connection:
            for table in ("active_session", "total_count", "visit"):
                connection.exec_driver_sql(f"DELETE FROM {table}")
        watching.view(some, reader=reader)
        watching.stats()
        html = _html(watching)
        skeletons.append(html.skeleton)

    assert skeletons[0] == skeletons[1]
    assert html.values("data-path") == [path, path]
    assert path in html.texts


def test_there_is_no_inline_script_style_or_handler(site: Site) -> None:
    """All code and all style come from files, so that the policy can forbid the rest."""
    site.view("/")
    html = _html(site)
    names = {name for _, name, _ in html.attributes}
    sources = [
        value or "" for tag, name, value in html.attributes if (tag, name) == ("script", "src")
    ]

    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    assert ("style",) not in html.skeleton
    assert len(sources) == sum(tags[0] == "script" for tags in html.skeleton) == 1
    assert sources[0].startswith("/static/")


def test_the_files_of_the_page_are_served(site: Site) -> None:
    """What the page links to on its own server is there."""
    html = _html(site)
    links = [
        value or ""
        for tag, name, value in html.attributes
        if name in {"src", "href"} and tag != "a"
    ]
    types = {}
    for link in links:
        with site.client.get(link) as answer:
            types[link.rpartition("/")[2]] = (answer.status_code, answer.mimetype)

    assert types == {
        "icon.svg": (200, "image/svg+xml"),
        "stats.css": (200, "text/css"),
        "stats.js": (200, "text/javascript"),
    }


def test_the_policy_allows_the_own_files_only(site: Site) -> None:
    """Headers forbid inline code, framing, other servers, and telling others where one was."""
    headers = site.client.get("/stats").headers
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    ("site_url", "path", "link"),
    [
        pytest.param("https://a.example/docs/", "/b/", "https://a.example/docs/b/", id="https"),
        pytest.param("http://a.example", "/", "http://a.example/", id="http"),
        pytest.param(
            "https://a.example/",
            "/\u00fc b?c#d/",
            "https://a.example/%C3%BC%20b%3Fc%23d/",
            id="odd",
        ),
        pytest.param("https://a.example/", "//evil/", "https://a.example//evil/", id="slashes"),
        pytest.param("javascript:alert(1)//", "/b/", None, id="javascript"),
        pytest.param("data:text/html,x", "/b/", None, id="data"),
        pytest.param("//a.example/", "/b/", None, id="no-scheme"),
        pytest.param("/docs/", "/b/", None, id="path"),
        pytest.param("", "/b/", None, id="empty"),
        pytest.param(None, "/b/", None, id="unknown"),
    ],
)
def test_page_link_is_a_web_address_or_none(
    site_url: str | None, path: str, link: str | None
) -> None:
    """Only http and https are linked, and the path stays a path."""
    assert page_link(site_url, path) == link


@pytest.mark.parametrize(
    ("site_url", "links"),
    [
        pytest.param("https://kettle.example/docs/", 2, id="https"),
        pytest.param("javascript:alert(1)//", 0, id="javascript"),
        pytest.param(None, 0, id="unknown"),
    ],
)
def test_pages_of_the_manifest_are_linked(
    watching: Site, tmp_path: Path, site_url: str | None, links: int
) -> None:
    """Known pages link to the site, unknown paths to nowhere."""
    _load(watching, tmp_path, site_url=site_url)
    watching.view("/a/", reader=1)
    watching.view("/unknown/", reader=2)
    watching.stats()
    html = _html(watching)

    hrefs = [value for tag, name, value in html.attributes if (tag, name) == ("a", "href")]
    assert hrefs == ["https://kettle.example/docs/a/"] * links
    assert html.texts.count("A") == 2
    assert html.texts.count("/unknown/") == 2


def _fill(site: Site, pages: int) -> None:
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL "
            f"SELECT i + 1 FROM n WHERE i < {pages + 99}) "
            "INSERT INTO path SELECT i, '/' || i FROM n"
        )
        connection.exec_driver_sql(
            "INSERT INTO total_count SELECT 1, id, id FROM path WHERE id >= 100"
        )


@pytest.mark.parametrize(
    ("pages", "query", "rows", "text"),
    [
        pytest.param(50, "", 50, None, id="all-fit"),
        pytest.param(51, "", 50, "Show all 51 pages", id="one-more"),
        pytest.param(51, "?limit=1000", 51, None, id="all-shown"),
        pytest.param(1_000, "", 50, "Show all 1,000 pages", id="thousand"),
        pytest.param(1_001, "", 50, "Show the first 1,000 of 1,001 pages", id="too-many"),
        pytest.param(60, "?limit=0", 0, "Show all 60 pages", id="none"),
        pytest.param(60, "?limit=-5", 0, "Show all 60 pages", id="negative"),
        pytest.param(60, "?limit=x", 50, "Show all 60 pages", id="no-number"),
    ],
)
def test_more_pages_are_a_link_away(
    make_site: MakeSite, pages: int, query: str, rows: int, text: str | None
) -> None:
    """The first 50 are shown, and a link shows all, or the first thousand."""
    site = make_site()
    _fill(site, pages)
    html = _html(site, query)

    links = [value for tag, name, value in html.attributes if (tag, name) == ("a", "href")]
    assert len(html.values("data-path")) == rows
    assert [shown for shown in html.texts if shown.startswith("Show ")] == ([text] if text else [])
    assert links == (["/stats?limit=1000"] if text else [])


def test_bars_are_shares_of_the_most_viewed_page(make_site: MakeSite) -> None:
    """The longest bar is that of the first row; a share is one of 21 steps."""
    site = make_site()
    for reader in range(4):
        site.view("/a/", reader=reader)
    site.view("/b/")
    html = _html(site)

    assert html.values("data-share") == ["20", "5"]


def test_the_root_leads_to_the_page(site: Site) -> None:
    """Who types the tracker's address finds the figures."""
    answer = site.client.get("/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/stats")
