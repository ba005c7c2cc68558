"""The stats page without its script: every number, and no tag that a title could make."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.server.conftest import MakeDatabase, MakeSite, Site
from tracker_server.address import ROWS
from tracker_server.cards import page_link
from tracker_server.pages import make_pages
from tracker_server.reports import MAX_WAITING, Reports

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
        self._marked: dict[tuple[str, str | None], str] = {}
        self._marks: list[tuple[str, str | None]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and the names of its attributes."""
        self.skeleton.append((tag, *(name for name, _ in attrs)))
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._figure = dict(attrs).get("data-stat")
        self._marks = list(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note the end; it must be that of the tag that was opened last."""
        self.skeleton.append((f"/{tag}",))
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(" ".join(data.split()))
        self._marked |= dict.fromkeys(self._marks, data)
        self._marks = []
        if self._figure:
            self.figures[self._figure] = data
            self._figure = None

    def after(self, name: str, value: str) -> str:
        """Return the text of the element with an attribute."""
        return self._marked[name, value]

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
        "uniqueVisitors": "3",
        "publishedPosts": "1",
        "publishedPages": "4",
    }
    live = ["/guide/install/", "/", "/blog/2026/first-boil/", "/gone/"]
    assert {*live, "Home", "Post", "Page", "Not in the site"} <= {
        *html.values("data-path"),
        *html.texts,
    }
    assert 'First boil: "fast" & <quiet>' in html.texts
    assert {"Kettle", "Statistics · Kettle", "Views since Jan 1, 2026:"} <= set(html.texts)


def test_large_numbers_have_thousands_separators(site: Site) -> None:
    """A million is readable."""
    site.view("/")
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE totals SET views = 1234567, visitors = 45678")
    site.stats()
    english, german = _html(site), _html(site, "?lang=de")

    assert {"1,234,567", "45,678"} <= set(english.texts)
    assert {"1.234.567", "45.678"} <= set(german.texts)


def test_an_empty_tracker_says_so(make_site: MakeSite) -> None:
    """Before the first visit there is what to do, no empty tables."""
    html = _html(make_site())

    assert {"Waiting for the first view", "Statistics"} <= set(html.texts)
    assert "tracker_url: http://localhost" in " ".join(html.texts)
    assert html.values("data-path") == []


@pytest.mark.parametrize(
    ("header", "query", "language"),
    [
        pytest.param("de-AT,de;q=0.9,en;q=0.8", "", "de", id="german"),
        pytest.param("fr,de;q=0.5", "", "de", id="second-choice"),
        pytest.param("fr", "", "en", id="neither"),
        pytest.param("", "", "en", id="none"),
        pytest.param("de", "?lang=en", "en", id="asked-for"),
        pytest.param("de", "?lang=x", "de", id="nonsense"),
    ],
)
def test_the_language_is_the_readers(site: Site, header: str, query: str, language: str) -> None:
    """The address decides, else the browser, else it is English; caches are told."""
    site.view("/")
    answer = site.client.get("/stats" + query, headers={"Accept-Language": header})

    assert f'<html lang="{language}">' in answer.get_data(as_text=True)
    assert answer.headers["Content-Language"] == language
    assert answer.headers["Vary"] == "Accept-Language"


@pytest.mark.parametrize("query", ["?period=wrong", "?from=2026-13-01", "?limit=1", "?metric=x"])
def test_a_wrong_address_is_answered_in_words(site: Site, query: str) -> None:
    """What the report refuses is said on a page of its own; what only the page knows is ignored."""
    site.view("/")
    answer = site.client.get("/stats" + query)
    refused = query in {"?period=wrong", "?from=2026-13-01"}

    assert answer.status_code == (400 if refused else 200)
    said = "This address asks for something that is not there" in answer.get_data(as_text=True)
    assert said == refused


def test_too_many_questions_are_answered_in_words(site: Site) -> None:
    """While raw views are read for others, the page says to come again."""
    site.view("/")
    reports = Reports(lambda _: pytest.fail("nothing is to be read"), site.clock)
    app = Flask("tracker_server")
    app.register_blueprint(make_pages(site.tracker.live, reports))
    for _ in range(MAX_WAITING):
        assert reports._room.acquire(blocking=False)
    answer = app.test_client().get("/stats?country=AT")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "Too many questions at once" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "query", ["", "?period=7d&compare=1", "?page=/", "?country=", "?list=pages"]
)
def test_the_page_shows_what_the_report_says(site: Site, query: str) -> None:
    """Figures, series and lists are those of ``GET /api/report`` with the same parameters."""
    site.view("/", reader=1)
    site.clock.advance(-2 * 86_400)
    site.view("/guide/install/", reader=2)
    site.clock.advance(2 * 86_400)
    html = _html(site, query)
    report = site.client.get("/api/report" + query.replace("?list=pages", "")).get_json()

    assert (
        html.values("data-start") == [] or html.values("data-start") == report["series"]["starts"]
    )
    if "list" not in query:
        numbers = [value for value in html.values("data-value") if value]
        assert sum(map(int, numbers)) > 0
        assert html.after("data-figure", "views") == str(report["views"])
        assert html.after("data-figure", "visitors") == str(report["visitors"])
    if "page" not in query:
        shown = [path for path in html.values("data-path") if path]
        assert {page["path"] for page in report["pages"]} <= set(shown)


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
    assert "49" not in page.texts
    if key != "site_url":
        assert hostile in page.texts or f"Statistics · {hostile}" in page.texts


@pytest.mark.parametrize("known", [True, False], ids=["in-the-manifest", "unknown"])
def test_no_path_changes_the_structure(
    make_site: MakeSite, make_database: MakeDatabase, tmp_path: Path, *, known: bool
) -> None:
    """A hostile path is a text as well, whether the manifest has it or a browser made it up."""
    skeletons = []
    path = f"/{HOSTILE}/".replace("#", "")
    for some in ["/a/", path]:
        site = make_site(
            database_url=make_database(),
            manifest=str(tmp_path / "stats-manifest.json"),
            max_unknown_paths=10_000,
        )
        _load(site, tmp_path, **({"path": some} if known else {"path": "/other/"}))
        site.view(some)
        html = _html(site)
        skeletons.append(html.skeleton)

    assert skeletons[0] == skeletons[1]
    assert set(html.values("data-path")) - {""} == {path}
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
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
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
        pytest.param("https://kettle.example/docs/", 1, id="https"),
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

    hrefs = [value or "" for tag, name, value in html.attributes if (tag, name) == ("a", "href")]
    out = [link for link in hrefs if not link.startswith(("/stats", "#"))]
    assert out == ["https://kettle.example/docs/a/"] * links
    assert html.texts.count("A") == 3  # Being read, latest, most viewed.
    assert html.texts.count("/unknown/") == 3


@pytest.mark.parametrize(("pages", "rows"), [(ROWS, ROWS), (ROWS + 1, ROWS)])
def test_more_rows_are_a_link_away(make_site: MakeSite, pages: int, rows: int) -> None:
    """A card shows the first rows, and a link leads to all of them."""
    site = make_site()
    for number in range(pages):
        site.view(f"/{number}/", reader=number)
    html, whole = _html(site), _html(site, "?list=pages")

    assert html.texts.count("All pages") == (pages > rows)
    shares = [value for tag, name, value in html.attributes if (tag, name) == ("td", "class")]
    assert shares.count("number completion") == rows
    assert {f"/{number}/" for number in range(pages)} <= set(whole.values("data-path"))


def test_bars_are_shares_of_the_greatest_number(make_site: MakeSite) -> None:
    """The longest bar is that of the first row, the others are shorter by their numbers."""
    site = make_site()
    for reader in range(4):
        site.view("/a/", reader=reader, z="Europe/Vienna")
    site.view("/b/", z="x")
    html = _html(site)
    widths = [value for tag, name, value in html.attributes if (tag, name) == ("rect", "width")]

    assert widths.count("25.0%") == 2  # A page, a country.
    assert "100.0%" in widths


def test_countries_are_on_the_map(make_site: MakeSite) -> None:
    """A country has its shape in a shade by its views, which is a link; an unknown one has none."""
    site = make_site()
    for reader, zone in enumerate(["Europe/Vienna", "Europe/Vienna", "Asia/Tokyo", "x"]):
        site.view("/", reader=reader, z=zone)
    html = _html(site)
    shapes = [value for tag, name, value in html.attributes if (tag, name) == ("use", "href")]

    assert shapes == [f"/static/world.svg#{code}" for code in ("land", "AT", "JP")]
    assert {"Austria: 2", "Japan: 1"} <= set(html.texts)


def test_the_root_leads_to_the_page(site: Site) -> None:
    """Who types the tracker's address finds the figures."""
    answer = site.client.get("/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/stats")


@pytest.mark.parametrize(("language", "heading"), [("en", "Sections"), ("de", "Abschnitte")])
def test_a_page_shows_its_sections(site: Site, language: str, heading: str) -> None:
    """Each with its link to the site, without a script too."""
    site.view("/guide/install/", l="1" * 32)
    said = {"install": 4_000, "with-pip": 75_000}
    site.send("leave", "/guide/install/", l="1" * 32, v=90_000, a=1, d=9, h=said)
    html = _html(site, f"?page=/guide/install/&lang={language}")

    assert html.values("data-section") == ["install", "with-pip", "from-source", "build"]
    assert {heading, "With pip", "1 min 15 s"} <= set(html.texts)
    assert "https://kettle.example/docs/guide/install/#with-pip" in html.values("href")


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ["Left at once", "40%", "Searched from here", "20%"]),
        ("de", ["Gleich verlassen", "40 %", "Von hier aus gesucht", "20 %"]),
    ],
)
def test_a_page_shows_what_became_of_its_loads(site: Site, language: str, shown: list[str]) -> None:
    """Of five two left at once, one of three others searched."""
    for reader, active in enumerate((2_000, 2_000, 2_000, 40_000, 40_000)):
        site.view("/guide/install/", reader, l="1" * 32)
        site.send("leave", "/guide/install/", reader, l="1" * 32, v=active, a=active, d=10)
    site.send("event", "/guide/install/", 0, l="1" * 32, n="search", k="kettle")
    texts = _html(site, f"?page=/guide/install/&lang={language}").texts
    said = [text for text in texts if text]

    first = said.index(shown[2]) - 2
    assert said[first : first + 4] == shown


def test_a_page_that_nobody_has_read_yet_says_so_of_its_sections(site: Site) -> None:
    """And the view of the whole list is no error, with or without a page."""
    site.view("/guide/install/")

    assert (
        "No view has said yet which sections it had in view."
        in _html(site, "?page=/guide/install/").texts
    )
    for query in ("?list=sections", "?page=/guide/install/&list=sections"):
        assert "Sections" in _html(site, query).texts


def test_a_heading_is_text_whatever_it_says(watching: Site, tmp_path: Path) -> None:
    """Neither its title nor its id makes a tag."""
    rows = [{"id": HOSTILE, "title": HOSTILE, "level": 1, "words": 1}]
    _load(watching, tmp_path, headings=rows)
    watching.view("/a/", l="1" * 32)
    watching.send("leave", "/a/", l="1" * 32, v=9_000, a=1, d=9, h={HOSTILE: 5_000})
    html = _html(watching, "?page=/a/")

    assert html.values("data-section") == [HOSTILE]
    assert ("script",) not in html.skeleton
    assert "onerror" not in {name for _, name, _ in html.attributes}
