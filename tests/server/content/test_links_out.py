"""Where readers leave the site to: pages, targets and kinds, shown as text."""

import csv
import io

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.test_searches import DAY
from tracker_server.terminal import Style
from tracker_server.terminal_table import render_table
from tracker_server.texts import Texts

FAQ, INSTALL = "/faq/", "/guide/install/"


def _follow(site: Site, path: str, target: str, kind: str = "outbound", times: int = 1) -> None:
    for _ in range(times):
        assert site.send("event", path, n=kind, k=target).status_code == 204


def test_nobody_left(site: Site) -> None:
    """Copies and ratings are no links."""
    site.send("event", FAQ, n="copy", k="https://example.org/", c=0)
    found = ask(site, "links-out")

    assert found["rows"] == []
    assert found["facts"] == {"outbound": 0, "download": 0}


def test_each_link_of_each_page(site: Site) -> None:
    """Most followed first; one target from two pages is two rows, as is one of both kinds."""
    _follow(site, INSTALL, "https://flask.example/?v=2", times=2)
    _follow(site, FAQ, "https://flask.example/?v=2")
    _follow(site, INSTALL, "https://kettle.example/kettle.zip", "download", times=3)
    _follow(site, INSTALL, "https://kettle.example/kettle.zip")

    assert [(row[0], *row[2:]) for row in rows(site, "links-out")] == [
        (INSTALL, "https://kettle.example/kettle.zip", "download", 3),
        (INSTALL, "https://flask.example/?v=2", "outbound", 2),
        (FAQ, "https://flask.example/?v=2", "outbound", 1),
        (INSTALL, "https://kettle.example/kettle.zip", "outbound", 1),
    ]
    assert ask(site, "links-out")["facts"] == {"outbound": 4, "download": 3}


def test_kinds_are_words_of_the_reader(site: Site) -> None:
    """On the page; programs read the same in each language."""
    _follow(site, FAQ, "https://a.example/")
    _follow(site, FAQ, "https://a.example/a.zip", "download", times=2)
    page = site.client.get("/stats/content/links-out?lang=de").get_data(as_text=True)

    assert "andere Website<" in page
    assert "Download<" in page
    assert [row[3] for row in rows(site, "links-out", lang="de")] == ["download", "outbound"]


def test_only_the_days_and_the_page_that_are_asked_for(site: Site) -> None:
    """Days are added up by page and target."""
    _follow(site, FAQ, "https://a.example/")
    site.clock.advance(DAY)
    _follow(site, FAQ, "https://a.example/")
    _follow(site, INSTALL, "https://b.example/")

    def clicks(**asked: object) -> list[tuple[str, int]]:
        return [(row[2], row[4]) for row in rows(site, "links-out", **asked)]

    assert clicks(period="7d") == [("https://a.example/", 2), ("https://b.example/", 1)]
    assert clicks(from_="2026-01-01", to="2026-01-01") == [("https://a.example/", 1)]
    assert clicks(from_="2025-12-01", to="2025-12-31") == []
    assert clicks(page=INSTALL) == [("https://b.example/", 1)]


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("https://example.org/?mail=me@example.org", "https://example.org/***"),
        ("https://o.example/?email=bob%40corp.example&x=1", "https://o.example/***"),
        ("https://example.org/2026/11/30/8-tips/", "https://example.org/2026/11/30/8-tips/"),
        ("https://example.org/issues/1234567", "https://example.org/issues/***"),
        ("https://example.org/?t=ghp_16C7e42F292c6912E7710c8", "https://example.org/?t=***"),
        ("https://example.org/" + "a" * 300, "https://example.org/" + "a" * 180),
    ],
)
def test_what_identifies_is_blotted_out(site: Site, target: str, kept: str) -> None:
    """An address may have somebody's address, number or key in it, and has a bound."""
    _follow(site, FAQ, target)

    assert rows(site, "links-out")[0][2] == kept


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "javascript:alert(1)",
        'https://x.example/"onmouseover="alert(1)',
        "<a href=//evil.example>",
        "=HYPERLINK(A1)",
        "https://x.example/\x1b[31m",
    ],
)
def test_a_target_is_text_and_no_link(site: Site, target: str) -> None:
    """Whatever somebody sent, nobody gets there by a click, and nothing runs it."""
    _follow(site, FAQ, target)
    page = site.client.get("/stats/content/links-out").get_data(as_text=True)
    table = page[page.index("<tbody") : page.index("</tbody>")]
    lines = site.client.get("/api/content/links-out.csv").get_data(as_text=True)
    cell = list(csv.reader(io.StringIO(lines, newline="")))[1][2]
    shown = render_table(ask(site, "links-out"), Style(200), Texts("en"))

    links = [piece.partition('"')[0] for piece in table.split('href="')[1:]]
    assert links
    assert all(link.startswith(("/stats", "https://kettle.example/")) for link in links)
    assert 'onmouseover="' not in table
    assert not cell.startswith("=")
    assert "\x1b" not in table + cell + shown
