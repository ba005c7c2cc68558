"""What readers wrote: told apart by rating, without what identifies, and inert wherever shown."""

import csv
import io

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.test_searches import DAY
from tracker_server import events
from tracker_server.terminal import Style
from tracker_server.terminal_table import render_table
from tracker_server.texts import Texts

FAQ, INSTALL = "/faq/", "/guide/install/"


def _comment(site: Site, text: str, rating: int, path: str = FAQ) -> None:
    assert site.send("event", path, n="feedback", k=text, c=rating).status_code == 204


def test_nobody_wrote(site: Site) -> None:
    """Ratings without a comment are none."""
    assert site.send("event", FAQ, n="feedback", c=1).status_code == 204
    found = ask(site, "comments")

    assert found["rows"] == []
    assert found["facts"] == {"comments": 0, "negative": 0}


def test_each_comment_with_its_rating_latest_first(site: Site) -> None:
    """The same text with both ratings is two rows, each since its own first day."""
    _comment(site, "short", 0)
    _comment(site, "clear", 1, INSTALL)
    site.clock.advance(DAY)
    _comment(site, "short", 1)
    _comment(site, "short", 0)
    _comment(site, "short", 0)
    _comment(site, "wrong", 0)

    title = ask(site, "comments")["rows"][0]["title"]
    assert rows(site, "comments") == [
        (FAQ, title, "negative", "wrong", 1, "2026-01-02"),
        (FAQ, title, "positive", "short", 1, "2026-01-02"),
        (FAQ, title, "negative", "short", 3, "2026-01-01"),
        (INSTALL, "Install", "positive", "clear", 1, "2026-01-01"),
    ]
    assert ask(site, "comments")["facts"] == {"comments": 6, "negative": 4}


def test_ratings_are_words_of_the_reader(site: Site) -> None:
    """On the page; programs read the same in each language."""
    _comment(site, "clear", 1)
    _comment(site, "wrong", 0)
    page = site.client.get("/stats/content/comments?lang=de").get_data(as_text=True)

    for rating in ("positive", "negative"):
        assert f">{rating}<" not in page
        assert f">{Texts('de')(f'term.{rating}')}<" in page
    assert [row[2] for row in rows(site, "comments", lang="de")] == ["negative", "positive"]


def test_only_the_days_and_the_page_that_are_asked_for(site: Site) -> None:
    """Of these days is the first day, too."""
    _comment(site, "long", 0)
    site.clock.advance(DAY)
    _comment(site, "long", 0)
    _comment(site, "long", 0, INSTALL)

    days = {"from_": "2026-01-02", "to": "2026-01-02"}
    assert [(row[0], *row[4:]) for row in rows(site, "comments", **days)] == [
        (FAQ, 1, "2026-01-02"),
        (INSTALL, 1, "2026-01-02"),
    ]
    assert [row[0] for row in rows(site, "comments", page=INSTALL)] == [INSTALL]
    assert rows(site, "comments", page="/never/") == []


@pytest.mark.parametrize(
    ("written", "private"),
    [
        ("write to me@example.org please", "example.org"),
        ("me@localhost", "localhost"),
        ("call +43 660 123 45 67", "660"),
        ("call 0660/1234567", "1234567"),
        ("(0660) 123-4567", "123"),
        ("my card 4111 1111 1111 1111 was", "1111"),
        ("4111-1111-1111-1111", "4111"),
        ("4111 - 1111 - 1111 - 1111", "1111"),
        ("customer 1234 / 5678 / 9012", "5678"),
        ("my key wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "K7MDENG"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIA"),
        ("account DE89370400440532013000", "3704"),
        ("key sk_live_4eC39HqLyjWDarjtT1zdp7dc here", "4eC39"),
        ("token ghp_16C7e42F292c6912E7710c838347Ae178B4a", "16C7e42F"),
        ("eyJhbGciOiJIUzI1NiJ9eyJzdWIiOiIxMjM0NTY3ODkwIn0", "eyJ"),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b"),
    ],
)
def test_nothing_that_identifies_is_left(site: Site, written: str, private: str) -> None:
    """Addresses, numbers of telephones, cards and accounts, keys: in no answer and no row."""
    _comment(site, written, 0)

    shown = ask(site, "comments")["rows"][0]["comment"]
    assert "***" in shown
    for where in (
        shown,
        site.client.get("/stats/content/comments").get_data(as_text=True),
        site.client.get("/api/content/comments.csv").get_data(as_text=True),
        str(site.rows("SELECT text FROM label")),
    ):
        assert private not in where


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "=HYPERLINK(A1)",
        "@SUM(A1)",
        "\x1b]0;owned\x07\x1b[2J",
        "\u202etxt.exe",
        "{{ 7 * 7 }}",
        "javascript:alert(1)",
    ],
)
def test_what_readers_write_is_text_wherever_it_is_shown(site: Site, hostile: str) -> None:
    """No markup in the page, no formula in a spreadsheet, nothing that a terminal obeys."""
    _comment(site, hostile, 0)
    page = site.client.get("/stats/content/comments").get_data(as_text=True)
    table = page[page.index("<tbody") : page.index("</tbody>")]
    lines = site.client.get("/api/content/comments.csv").get_data(as_text=True)
    cell = list(csv.reader(io.StringIO(lines, newline="")))[1][3]
    shown = render_table(ask(site, "comments"), Style(200), Texts("en"))

    assert "<script" not in table
    assert "<img" not in table
    assert 'href="javascript' not in table
    assert "49" not in table
    assert not cell.startswith(("=", "@", "+", "-"))
    assert "\x1b" not in shown + cell + table
    assert "\u202e" not in shown + cell + table


def test_comments_beyond_the_bound_share_an_entry(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each still counts, with its rating."""
    monkeypatch.setitem(events.MAX_ROWS, "comment", 0)
    for number in range(3):
        _comment(site, f"comment {number}", number % 2)

    assert [row[2:5] for row in rows(site, "comments")] == [
        ("negative", "(other)", 2),
        ("positive", "(other)", 1),
    ]
