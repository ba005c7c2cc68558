"""What readers do besides reading: counted by day, bounded, and without what identifies."""

from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import NOON, Site
from tracker_server import events as events_module
from tracker_server.enrich import label_of
from tracker_server.model import EVENTS, Event, Received

DAY = 86_400
ROWS = (
    "SELECT event, path.text, label.text, coalesce(target.text, ''), count, total, zeros "
    "FROM event_count JOIN path ON path.id = path_id JOIN label ON label.id = label_id "
    "LEFT JOIN path AS target ON target.id = target_id ORDER BY day, event, 2, 3, 4"
)

KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
CAMEL = "src/MyProject2/ViewModels/MainWindowModel"


def _send(site: Site, name: str, path: str = "/faq/", **keys: Any) -> None:
    assert site.send("event", path, n=name, **keys).status_code == 204


def _flood(site: Site, at: float, events: list[Event]) -> None:
    site.tracker.store.write([Received(int(at), event) for event in events])


def _invented(kind: str, count: int, path: str = "/faq/") -> list[Event]:
    """Return as many events of a kind, no two of which share a row."""
    if kind == "feedback":
        return [Event(0, n, f"{path}{n}/", kind) for n in range(count)]
    name = "feedback" if kind == "comment" else kind
    return [
        Event(0, n, path, name, "" if kind == "copy" else f"made up {n}", n) for n in range(count)
    ]


def test_searches_are_counted_with_their_results_and_clicks(site: Site) -> None:
    """How often, how often without a result, and where it led."""
    _send(site, "search", k="flask", c=3, u="/guide/install/")
    _send(site, "search", k="flask", c=3)
    _send(site, "search", k="flsk", c=0)
    _send(site, "search", k="flsk", c=0)

    assert site.rows(ROWS) == [
        (1, "/faq/", "flask", "", 1, 3, 0),
        (1, "/faq/", "flask", "/guide/install/", 1, 3, 0),
        (1, "/faq/", "flsk", "", 2, 0, 2),
    ]


def test_feedback_is_counted_by_page(site: Site) -> None:
    """Votes, and the positive ones among them."""
    for vote in (1, 0, 1):
        _send(site, "feedback", c=vote)
    _send(site, "feedback", "/", c=0)

    assert site.rows(ROWS) == [(2, "/", "", "", 1, 0, 1), (2, "/faq/", "", "", 3, 2, 1)]


def test_events_are_neither_views_nor_heartbeats(site: Site) -> None:
    """They change no figure of the stats page."""
    before = site.stats()
    _send(site, "copy", k="python", c=2)
    _send(site, "outbound", k="https://example.org/")

    assert site.stats() == before


def test_another_day_is_another_row(site: Site) -> None:
    """Counts are by day."""
    _send(site, "copy", k="sh")
    site.clock.advance(86_400)
    _send(site, "copy", k="sh")

    assert site.rows("SELECT count FROM event_count") == [(1,), (1,)]


def test_invented_events_cannot_fill_the_database(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the rows of a day they share one, and each still counts; only rows have texts."""
    monkeypatch.setitem(events_module.MAX_ROWS, "search", 3)
    for number in range(20):
        _send(site, "search", f"/{number % 2}/", k=f"query {number}", c=1)

    assert site.rows("SELECT count(*) FROM event_count") == [(4,)]
    assert site.rows("SELECT count(*) FROM label") == [(4,)]
    assert site.rows("SELECT sum(count) FROM event_count") == [(20,)]


def test_invented_queries_leave_the_texts_of_all_else_alone(site: Site) -> None:
    """However many there are, on the same day comments and links have texts of their own."""
    _flood(site, NOON, _invented("search", 10_400))
    _send(site, "feedback", k="which kettle?", c=0)
    _send(site, "outbound", k="https://example.org/")
    _send(site, "anchor", k="gone")

    assert [row[:3] for row in site.rows(ROWS) if row[0] != EVENTS["search"]] == [
        (2, "/faq/", "which kettle?"),
        (4, "/faq/", "https://example.org/"),
        (7, "/faq/", "gone"),
    ]
    assert site.rows("SELECT count(*) FROM label") == [(events_module.MAX_ROWS["search"] + 4,)]
    assert site.rows("SELECT sum(count) FROM event_count WHERE event = 1") == [(10_400,)]


def test_the_day_after_a_flood_is_as_any_other(site: Site) -> None:
    """Texts that were invented take no room of those that come later."""
    queries = _invented("search", 14_000)
    for day in range(4):
        _flood(site, NOON + day * DAY, queries[day * 3_500 : (day + 1) * 3_500])
    site.clock.advance(4 * DAY)
    _send(site, "search", k="descale", c=1)

    assert site.rows(ROWS)[-1] == (1, "/faq/", "descale", "", 1, 1, 0)


def test_invented_blocks_leave_the_rows_of_all_else_alone(site: Site) -> None:
    """However many there are, on the same day ratings and searches count for their page."""
    _flood(site, NOON, _invented("copy", 5_200, "/"))
    for vote in (1, 1, 1, 0, 1):
        _send(site, "feedback", c=vote)
    _send(site, "search", k="kettle", c=3)

    assert [row for row in site.rows(ROWS) if row[0] != EVENTS["copy"]] == [
        (1, "/faq/", "kettle", "", 1, 3, 0),
        (2, "/faq/", "", "", 5, 4, 1),
    ]
    assert site.rows("SELECT sum(count) FROM event_count WHERE event = 3") == [(5_200,)]


@pytest.mark.parametrize("kind", events_module.MAX_ROWS)
def test_no_kind_takes_room_of_another(
    site: Site, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Whichever is full, one more of each of the others has a row of its own."""
    for name in events_module.MAX_ROWS:
        monkeypatch.setitem(events_module.MAX_ROWS, name, 2)
    _flood(site, NOON, _invented(kind, 5))
    full = site.rows("SELECT count(*) FROM event_count")
    _flood(site, NOON, [_invented(name, 1, "/")[0] for name in events_module.MAX_ROWS])

    assert full == [(3,)]
    assert site.rows("SELECT count(*) FROM event_count") == [(3 + len(events_module.MAX_ROWS) - 1,)]


@pytest.mark.sqlite_only("it is about a page of the documentation")
@pytest.mark.parametrize(
    "said",
    [
        "| searches | {search:,} a day,",
        "| ratings | {feedback:,} a day,",
        "| comments | {comment:,} a day,",
        "| copied code | {copy:,} a day,",
        "| outbound links, anchors | {outbound:,} a day each,",
        "| outbound links, anchors | {anchor:,} a day each,",
        "| downloads, content tabs | {download:,} a day each |",
        "| downloads, content tabs | {tab:,} a day each |",
        "grow by {all:,} rows a day",
    ],
)
def test_the_page_on_the_tracker_tells_the_bounds(said: str) -> None:
    """As many rows as a day has of each kind, and in all."""
    bounds = events_module.MAX_ROWS
    page = Path(__file__).parents[2] / "docs" / "tracker.md"

    assert said.format(**bounds, all=sum(bounds.values())) in page.read_text(encoding="utf-8")


def test_ratings_beyond_the_rows_of_a_day_are_no_comments(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had no text has none where it counts together with others."""
    monkeypatch.setitem(events_module.MAX_ROWS, "feedback", 1)
    for path in ("/", "/faq/", "/blog/"):
        _send(site, "feedback", path, c=1)

    assert site.rows(ROWS) == [(2, "(other)", "", "", 2, 2, 0), (2, "/", "", "", 1, 1, 0)]


def test_a_row_that_is_there_takes_more_on_a_full_day(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after others had to share one."""
    monkeypatch.setitem(events_module.MAX_ROWS, "tab", 1)
    for label in ("pip", "conda", "pip", "uv", "pip"):
        _send(site, "tab", k=label)

    assert [(row[2], row[4]) for row in site.rows(ROWS)] == [("(other)", 2), ("pip", 3)]


def test_a_click_on_what_is_no_known_path_adds_none(site: Site) -> None:
    """Results are pages of the site; what else a sender names is one entry, and counts."""
    site.view("/faq/")
    before = site.rows("SELECT text FROM path ORDER BY text")
    for number in range(3):
        _send(site, "search", k="kettle", c=1, u=f"/made/up/{number}/")
    _send(site, "search", k="kettle", c=1, u="/guide/install/")

    assert site.rows("SELECT text FROM path ORDER BY text") == before
    assert [row[3:5] for row in site.rows(ROWS)] == [("(other)", 3), ("/guide/install/", 1)]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        pytest.param("flask", "flask", id="word"),
        pytest.param("  two\nlines\t here ", "two lines here", id="one-line"),
        pytest.param("mail me@example.org now", "mail *** now", id="address"),
        pytest.param("call +43 660 123 45 67", "call ***", id="telephone"),
        pytest.param("port 8080", "port 8080", id="short-number"),
        pytest.param("version 3.11.7", "version 3.11.7", id="version"),
        pytest.param("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "***", id="secret"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", "***", id="short-secret"),
        pytest.param("DE89370400440532013000", "***", id="account"),
        pytest.param("pay DE89 3704 0044 0532 0130 00", "pay DE***", id="account-in-groups"),
        pytest.param(
            "https://o.example/?email=bob%40corp.example&x=1", "https://o.example/***", id="escaped"
        ),
        pytest.param("x?to=bob%2540corp.example now", "*** now", id="escaped-twice"),
        pytest.param(f"my key {KEY} it is", "my key *** it is", id="key-with-slashes"),
        pytest.param(f"SECRET_KEY={KEY}==", "SECRET_KEY=***", id="key-with-name"),
        pytest.param("Bearer q8Zt+3vLx/Kd0PwRm5Yb", "Bearer q8Zt+3vLx/Kd0PwRm5Yb", id="short-key"),
        pytest.param("Bearer q8Zt+3vLxKd0PwRm5YbN1c", "Bearer ***", id="key-with-a-plus"),
        pytest.param("docs/guide/install and/or", "docs/guide/install and/or", id="path"),
        pytest.param(CAMEL, CAMEL, id="path-in-camel-case"),
        pytest.param(f"https://o.example/{KEY}", f"https://o.example/{KEY}", id="path-of-a-link"),
        pytest.param("4111 - 1111 - 1111 - 1111", "***", id="card"),
        pytest.param("1234 / 5678 / 9012", "***", id="slashes"),
        pytest.param("0660/1234567", "***", id="telephone-with-a-slash"),
        pytest.param("1234 \u2013 5678", "***", id="dash"),
        pytest.param("1234 / 567", "1234 / 567", id="seven-digits-far-apart"),
        pytest.param("123 456", "***", id="six-digits"),
        pytest.param("12345", "12345", id="five-digits"),
        pytest.param("ports 8000-8999", "ports ***", id="range-of-ports"),
        pytest.param("ports 80-443", "ports 80-443", id="range-of-short-ports"),
        pytest.param("127.0.0.1:8080", "***:8080", id="machine"),
        pytest.param("since 2026-11-30", "since 2026-11-30", id="date"),
        pytest.param("30.11.2026, 2024/1/5", "30.11.2026, 2024/1/5", id="dates"),
        pytest.param("in 2026-11 or 2026/11", "in 2026-11 or 2026/11", id="month"),
        pytest.param("born 20.03.1985", "born ***", id="date-of-another-century"),
        pytest.param("20260115", "***", id="date-in-one"),
        pytest.param("030 2026-11-30", "***", id="number-before-a-date"),
        pytest.param("2026-11 30 40 50", "***", id="no-month"),
        pytest.param("v1.10.100", "v1.10.100", id="version-of-six-digits"),
        pytest.param("1.10.100.7", "***", id="four-parts"),
        pytest.param("utf16 x86_64 python311", "utf16 x86_64 python311", id="names-with-digits"),
        pytest.param("x" * 500, "x" * 200, id="long"),
        pytest.param("x " + "y" * 700, "x ***", id="too-long-a-word"),
        pytest.param("a1" * 200 + " x" * 200, "***" + " x" * 98 + " ", id="longer"),
        pytest.param("\ud800half", "half", id="surrogate"),
        pytest.param("\u202ereversed", "reversed", id="bidi"),
        pytest.param(None, "", id="none"),
        pytest.param(7, "", id="number"),
    ],
)
def test_labels_are_one_line_without_what_identifies(text: object, label: str) -> None:
    """What a reader typed is cut and blotted before it is stored."""
    assert label_of(text) == label
