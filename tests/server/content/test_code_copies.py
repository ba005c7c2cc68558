"""Which code blocks are copied: block and language, against reads, never the text."""

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.test_feedback import _read
from tests.server.content.test_searches import DAY
from tracker_server import events

FAQ, INSTALL = "/faq/", "/guide/install/"


def _copy(site: Site, path: str, block: int, language: str = "", times: int = 1) -> None:
    for _ in range(times):
        assert site.send("event", path, n="copy", c=block, k=language).status_code == 204


def test_nobody_copied(site: Site) -> None:
    """Reads alone are no copies."""
    _read(site, FAQ, 1)
    found = ask(site, "code-copies")

    assert found["rows"] == []
    assert found["facts"] == {"copies": 0, "pages": 0}


def test_each_block_with_its_language(site: Site) -> None:
    """The first is 1; blocks of one language are told apart, copies are to reads of the page."""
    _read(site, INSTALL, 8)
    _copy(site, INSTALL, 0, "sh", times=3)
    _copy(site, INSTALL, 2, "sh", times=2)
    _copy(site, INSTALL, 2, "c++")
    _copy(site, FAQ, 0, times=2)

    assert [(row[0], *row[2:]) for row in rows(site, "code-copies")] == [
        (INSTALL, 1, "sh", 3, 37.5),
        (FAQ, 1, None, 2, None),
        (INSTALL, 3, "sh", 2, 25.0),
        (INSTALL, 3, "c++", 1, 12.5),
    ]
    assert ask(site, "code-copies")["facts"] == {"copies": 8, "pages": 2}


def test_only_the_days_and_the_page_that_are_asked_for(site: Site) -> None:
    """Days are added up by block."""
    _copy(site, INSTALL, 1, "sh")
    site.clock.advance(DAY)
    _copy(site, INSTALL, 1, "sh", times=2)
    _copy(site, FAQ, 1, "sh")

    def copies(**asked: object) -> list[int]:
        return [row[4] for row in rows(site, "code-copies", **asked)]

    assert copies(period="7d") == [3, 1]
    assert copies(from_="2026-01-01", to="2026-01-01") == [1]
    assert copies(from_="2025-12-01", to="2025-12-31") == []
    assert copies(page=FAQ) == [1]


def test_the_text_is_nowhere(site: Site) -> None:
    """A message that brings it has it dropped."""
    site.send("event", FAQ, n="copy", c=0, k="python", text="import kettle", v="import kettle")

    kept = [site.rows(f"SELECT * FROM {table}") for table in ("label", "event_count")]
    assert "kettle" not in str(kept)


def test_other_events_have_no_block(site: Site) -> None:
    """Results and ratings are no blocks: they are added up as before."""
    for results in (1, 2, 3):
        site.send("event", FAQ, n="search", k="kettle", c=results)
    for rating in (0, 1):
        site.send("event", FAQ, n="feedback", c=rating)

    assert site.rows("SELECT event, number, count, total FROM event_count ORDER BY event") == [
        (1, 0, 3, 6),
        (2, 0, 2, 1),
    ]


def test_invented_blocks_cannot_fill_the_database(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the rows of a day they share one, and each still counts; blocks take no label."""
    monkeypatch.setitem(events.MAX_ROWS, "copy", 3)
    for block in (0, 1, 2, 3, 1_000_000, 10**12):
        _copy(site, FAQ, block, "sh")

    assert [row[2:5] for row in rows(site, "code-copies")] == [
        (1, "(other)", 3),
        (1, "sh", 1),
        (2, "sh", 1),
        (3, "sh", 1),
    ]
    assert site.rows("SELECT count(*) FROM label") == [(2,)]


def test_a_language_is_text(site: Site) -> None:
    """It is whatever somebody sent."""
    _copy(site, FAQ, 0, "<b>x</b>")
    page = site.client.get("/stats/content/code-copies").get_data(as_text=True)

    assert "<b>x" not in page
    assert "&lt;b&gt;x" in page
