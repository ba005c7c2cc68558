"""Counters and badges for other pages."""

import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event
from werkzeug.test import TestResponse

from tests.server.conftest import CONTRACT, MakeSite, Site
from tests.server.content.manifests import deploy, page
from tracker_server import counters as counters_module
from tracker_server.badge import MAX_LABEL_CHARS, render_badge, shorten
from tracker_server.catalogue import REPORTS
from tracker_server.texts import Texts

SVG = "{http://www.w3.org/2000/svg}"


def _ask(site: Site, *paths: str, **headers: str) -> TestResponse:
    query = urlencode([("path", path) for path in paths])
    return site.client.get(f"/api/counters?{query}", headers=headers)


def _badge(site: Site, **parameters: str) -> TestResponse:
    return site.client.get(f"/badge.svg?{urlencode(parameters)}")


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_counters_are_in_the_order_of_the_question(site: Site) -> None:
    """Each path once; nothing for what was never viewed, whether the site has it or not."""
    for reader in range(3):
        site.view("/guide/install/", reader)
    site.view("/", 0)
    answer = _ask(site, "/nowhere/", "/", "/guide/install/", "/")

    assert answer.get_json() == {
        "counters": [
            {"path": "/nowhere/", "views": 0, "activeVisitors": 0},
            {"path": "/", "views": 1, "activeVisitors": 1},
            {"path": "/guide/install/", "views": 3, "activeVisitors": 2},
        ]
    }


def test_counters_take_paths_as_browsers_say_them(site: Site) -> None:
    """They are brought to the form of the manifest first."""
    site.view("/th\u00e9/")

    assert _ask(site, "/th%C3%A9/index.html?x=1").get_json()["counters"] == [
        {"path": "/th\u00e9/", "views": 1, "activeVisitors": 1}
    ]


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        pytest.param([], "path: is missing; it may be given up to 200 times", id="none"),
        pytest.param(["guide/"], "path: must start with /", id="relative"),
        pytest.param(["/x"] * 201, "path: must not be given more than 200 times", id="201"),
    ],
)
def test_counters_refuse_what_is_wrong(site: Site, paths: list[str], said: str) -> None:
    """400 and the reason; also for a script of the site, which could not read it otherwise."""
    answer = _ask(site, *paths, Origin="https://kettle.example")

    assert (answer.status_code, answer.get_json()) == (400, {"error": said})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://kettle.example"


def test_counters_of_200_paths_are_one_question(site: Site) -> None:
    """A page of cards costs the database no more than one card."""
    statements: list[str] = []

    @event.listens_for(site.tracker.engine, "before_cursor_execute")
    def _note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    site.stats()
    statements.clear()
    answer = _ask(site, *(f"/{number}/" for number in range(200)))
    again = _ask(site, *(f"/{number}/" for number in range(100, 300)))

    assert len(answer.get_json()["counters"]) == len(again.get_json()["counters"]) == 200
    # Views twice, and who reads what once for all; each time which paths have moved.
    assert len([s for s in statements if s.startswith("SELECT")]) == 6


def test_counters_are_read_once_in_ten_seconds(site: Site) -> None:
    """Within that time the database is not asked again; then a new view shows."""
    site.view("/")
    first = _ask(site, "/").get_json()["counters"][0]["views"]
    site.view("/", 1)
    site.clock.advance(counters_module.MAX_AGE_SECONDS - 1)
    kept, other = (row["views"] for row in _ask(site, "/", "/x/").get_json()["counters"])
    site.clock.advance(1)
    later = _ask(site, "/").get_json()["counters"][0]["views"]

    assert (first, kept, other, later) == (1, 1, 0, 2)


def test_counters_have_readers_of_all_paths(site: Site) -> None:
    """Also of those that no list of the most read would have, and as of two seconds ago."""
    for reader in range(60):
        site.view(f"/{reader}/", reader)
    first = _ask(site, "/59/").get_json()["counters"][0]["activeVisitors"]
    site.send("leave", "/59/", 59, l=f"{60:032x}")
    kept = _ask(site, "/59/").get_json()["counters"][0]["activeVisitors"]
    site.clock.advance(2)
    later = _ask(site, "/59/").get_json()["counters"][0]["activeVisitors"]

    assert (first, kept, later) == (1, 1, 0)


def test_counters_forget_what_nobody_asks_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many paths somebody makes up, memory stays bounded."""
    monkeypatch.setattr(counters_module, "MAX_REMEMBERED", 3)
    site.view("/0/")
    for number in range(9):
        _ask(site, f"/{number}/", "/0/")

    counted = _ask(site, *(f"/{number}/" for number in range(9))).get_json()["counters"]
    assert [row["views"] for row in counted] == [1, *[0] * 8]


def test_counters_unchanged_are_304(site: Site) -> None:
    """Who has them already gets them again only when they change."""
    first = _ask(site, "/")
    same = site.client.get("/api/counters?path=/", headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, same.status_code, same.data) == (200, 304, b"")
    assert first.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("origin", "allowed"), [("https://kettle.example", True), ("https://evil.example", False)]
)
def test_counters_are_readable_where_figures_are(
    make_site: MakeSite, origin: str, *, allowed: bool
) -> None:
    """By the site's own pages, and no others."""
    site = make_site(manifest=str(CONTRACT / "manifest.json"))
    answer = _ask(site, "/", Origin=origin)

    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)


@pytest.mark.parametrize(
    ("parameters", "texts"),
    [
        pytest.param({}, ["page views", "5"], id="site-views"),
        pytest.param({"metric": "visitors"}, ["visitors", "3"], id="site-visitors"),
        pytest.param({"metric": "readers"}, ["reading now", "2"], id="site-readers"),
        pytest.param({"path": "/a/"}, ["page views", "4"], id="page-views"),
        pytest.param({"path": "/a/", "metric": "visitors"}, ["visitors", "3"], id="page-visitors"),
        pytest.param({"path": "/a/", "metric": "readers"}, ["reading now", "1"], id="page-readers"),
        pytest.param({"path": "/b/", "label": "Aufrufe"}, ["Aufrufe", "1"], id="label"),
        pytest.param({"path": "/gone/"}, ["page views", "0"], id="never-viewed"),
        pytest.param(
            {"path": "/gone/", "metric": "visitors"}, ["visitors", "0"], id="never-visited"
        ),
    ],
)
def test_badge_shows_a_number(site: Site, parameters: dict[str, str], texts: list[str]) -> None:
    """Of the site or of a page: views and visitors of all time, readers of this moment."""
    site.view("/a/", 0)
    site.view("/a/", 1)
    site.clock.advance(86_400)  # Another day: the first two come again, and one more.
    site.tracker.recorder.clean_up()
    site.view("/a/", 0)
    site.clock.advance(600)
    site.view("/a/", 2)
    site.view("/b/", 1)
    site.tracker.live._snapshot = None
    answer = _badge(site, **parameters)

    assert answer.status_code == 200
    assert _texts(answer.text) == texts


def test_badge_counts_visitors_anew_after_a_minute(site: Site) -> None:
    """A union of many sets is not made for each who looks."""
    site.view("/")
    first = _texts(_badge(site, path="/", metric="visitors").text)
    site.view("/", 1)
    kept = _texts(_badge(site, path="/", metric="visitors").text)
    site.clock.advance(60)
    later = _texts(_badge(site, path="/", metric="visitors").text)

    assert [first[1], kept[1], later[1]] == ["1", "1", "2"]


def test_badge_may_be_kept_and_can_do_nothing(site: Site) -> None:
    """A picture for a minute; opened by itself, a document without any right."""
    answer = _badge(site)
    same = site.client.get("/badge.svg", headers={"If-None-Match": answer.headers["ETag"]})

    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert same.status_code == 304


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param(
            {"metric": "money"}, "metric: must be one of views, readers, visitors", id="m"
        ),
        pytest.param({"path": "a/"}, "path: must start with /", id="path"),
    ],
)
def test_badge_refuses_what_is_wrong(site: Site, parameters: dict[str, str], said: str) -> None:
    """400, and the reason as text."""
    answer = _badge(site, **parameters)

    assert (answer.status_code, answer.text) == (400, f"{said}\n")


@pytest.fixture
def old(make_site: MakeSite) -> Site:
    """A tracker of a site with three pages that are read and have not changed for long."""
    site = make_site()
    paths = ("/", "/guide/", "/faq/")
    deploy(site, *(page(path, updated="2024-01-01") for path in paths), page("/unread/"))
    for path in paths:
        site.view(path)
    site.send("event", "/gone/", n="not_found", l="f" * 32)
    return site


@pytest.mark.parametrize("name", [report.name for report in REPORTS])
def test_badge_of_a_report_has_the_number_of_its_rows(old: Site, name: str) -> None:
    """Of each that there is, by its name; over the days and options of its JSON."""
    rows = old.client.get(f"/api/content/{name}").get_json()["rowCount"]

    answer = _badge(old, report=name)

    assert answer.status_code == 200
    assert _texts(answer.text) == [Texts("en")(f"content.{name}"), str(rows)]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param("stale", "3", id="stale"),
        pytest.param("never-read", "1", id="never-read"),
        pytest.param("not-found", "1", id="not-found"),
        pytest.param("feedback", "0", id="none"),
    ],
)
def test_badge_of_a_report_counts_what_there_is(old: Site, name: str, number: str) -> None:
    """With any label, and none where there is none."""
    assert _texts(_badge(old, report=name, label="to do").text) == ["to do", number]


def test_badge_of_a_report_counts_rows_that_its_json_does_not_show(make_site: MakeSite) -> None:
    """All of them, where there are more than the first hundred."""
    site = make_site()
    deploy(site, *(page(f"/{number}/") for number in range(120)))

    assert _texts(_badge(site, report="never-read").text)[1] == "120"


@pytest.mark.parametrize(
    ("language", "label"),
    [
        pytest.param("de", "Veraltet, aber gefragt", id="german"),
        pytest.param("de-AT", "Veraltet, aber gefragt", id="region"),
        pytest.param("fr", "Stale but popular", id="without-texts"),
        pytest.param(None, "Stale but popular", id="unknown"),
    ],
)
def test_badge_of_a_report_is_called_as_the_site_speaks(
    make_site: MakeSite, language: str | None, label: str
) -> None:
    """The language of its front page, not that of the reader: caches have one for all."""
    site = make_site()
    said = {} if language is None else {"language": language}
    deploy(site, page("/", **said), page("/en/", language="en"))
    address = "/badge.svg?report=stale"

    for accepted in ("en", "de"):
        answer = site.client.get(address, headers={"Accept-Language": accepted})
        assert _texts(answer.text) == [label, "0"]
        assert answer.headers["Cache-Control"] == "public, max-age=60"


def test_badge_of_a_report_is_read_once_in_ten_seconds(old: Site) -> None:
    """Also where its JSON was asked for: until then the database is not, however many look."""
    statements: list[str] = []
    _badge(old, report="stale")
    old.client.get("/api/content/never-read")

    @event.listens_for(old.tracker.engine, "before_cursor_execute")
    def _note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    old.clock.advance(0.5)
    for name in ("stale", "never-read", "stale"):
        _badge(old, report=name)
    kept = statements.copy()
    deploy(old, page("/", updated="2025-12-31"))
    old.clock.advance(10)

    assert kept == []
    assert _texts(_badge(old, report="stale").text)[1] == "0"
    assert statements


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"report": "stale", "metric": "views"}, "metric", id="metric"),
        pytest.param({"report": "stale", "path": "/"}, "path", id="path"),
        pytest.param({"report": "stale", "period": "7d"}, "period", id="period"),
        pytest.param({"report": "stale", "min_days": "0"}, "min_days", id="option"),
        pytest.param({"report": "languages", "language": "de"}, "language", id="text"),
    ],
)
def test_badge_of_a_report_takes_a_label_alone(
    site: Site, parameters: dict[str, str], said: str
) -> None:
    """What it would leave out is refused: the number would be taken for another."""
    answer = _badge(site, **parameters)

    assert (answer.status_code, answer.text) == (400, f"{said}: does not go with report\n")


@pytest.mark.parametrize("name", ["", "money", "stale.csv", "STALE"])
def test_badge_of_an_unknown_report_says_which_there_are(site: Site, name: str) -> None:
    """And an empty name is no question about the site."""
    answer = _badge(site, report=name)

    known = ", ".join(report.name for report in REPORTS)
    assert (answer.status_code, answer.text) == (400, f"report: must be one of {known}\n")


@pytest.mark.parametrize(
    "label",
    [
        "<script>alert(1)</script>",
        "a & b \"c\" 'd'",
        "\u0000\u202e\ud7ff x\n\ty",
        "Besuche \u4eca",
        "W" * 500,
    ],
)
def test_badge_has_any_label_as_text(label: str) -> None:
    """It is well-formed, holds no other element, and is named for who cannot see it."""
    root = ET.fromstring(render_badge(label, 12))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    shown, value = _texts(render_badge(label, 12))
    title = root.findtext(f"{SVG}title")

    assert tags == {"svg", "title", "clipPath", "rect", "g", "text"}
    assert value == "12"
    assert len(shown) <= MAX_LABEL_CHARS
    assert title == root.get("aria-label") == f"{shown}: 12"
    assert root.get("role") == "img"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1,000"),
        (99_999, "99,999"),
        (100_000, "100k"),
        (999_999, "999k"),
        (1_000_000, "1.0M"),
        (1_299_999, "1.2M"),
        (12_345_678, "12M"),
        (9_876_543_210, "9.8G"),
        (9_876_543_210_000, "9876G"),
    ],
)
def test_badge_shortens_numbers(number: int, text: str) -> None:
    """Cut off, so that none is greater than what was counted."""
    assert shorten(number) == text
