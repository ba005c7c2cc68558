"""What readers do besides reading: counted by day, bounded, and without what identifies."""

from typing import Any

import pytest

from tests.server.conftest import Site
from tracker_server import events as events_module
from tracker_server.enrich import label_of

ROWS = (
    "SELECT event, path.text, label.text, coalesce(target.text, ''), count, total, zeros "
    "FROM event_count JOIN path ON path.id = path_id JOIN label ON label.id = label_id "
    "LEFT JOIN path AS target ON target.id = target_id ORDER BY day, event, 2, 3, 4"
)


def _send(site: Site, name: str, path: str = "/faq/", **keys: Any) -> None:
    assert site.send("event", path, n=name, **keys).status_code == 204


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
    """Beyond the bounds they share a row, and each still counts."""
    monkeypatch.setattr(events_module, "MAX_LABELS", 4)
    monkeypatch.setattr(events_module, "MAX_ROWS", 3)
    for number in range(20):
        _send(site, "search", f"/{number % 2}/", k=f"query {number}", c=1)

    assert site.rows("SELECT count(*) FROM event_count")[0][0] <= 4
    assert site.rows("SELECT count(*) FROM label") == [(4,)]
    assert site.rows("SELECT sum(count) FROM event_count") == [(20,)]


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
        pytest.param("utf16 x86_64 python311", "utf16 x86_64 python311", id="names-with-digits"),
        pytest.param("x" * 500, "x" * 200, id="long"),
        pytest.param("\ud800half", "half", id="surrogate"),
        pytest.param("\u202ereversed", "reversed", id="bidi"),
        pytest.param(None, "", id="none"),
        pytest.param(7, "", id="number"),
    ],
)
def test_labels_are_one_line_without_what_identifies(text: object, label: str) -> None:
    """What a reader typed is cut and blotted before it is stored."""
    assert label_of(text) == label
