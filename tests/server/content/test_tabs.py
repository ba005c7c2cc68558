"""Which content tabs are chosen: by page, set and label, each a share of its set."""

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.test_searches import DAY
from tracker_server import events

FAQ, INSTALL = "/faq/", "/guide/install/"


def _choose(site: Site, path: str, number: int, label: object, times: int = 1) -> None:
    for _ in range(times):
        assert site.send("event", path, n="tab", c=number, k=label).status_code == 204


def test_nobody_chose(site: Site) -> None:
    """A site may have no tabs at all."""
    found = ask(site, "tabs")

    assert found["rows"] == []
    assert found["facts"] == {"choices": 0, "sets": 0, "pages": 0}


def test_each_tab_with_its_share_of_the_set(site: Site) -> None:
    """The first set is 1; sets of one page and one label in two sets are told apart."""
    _choose(site, INSTALL, 0, "Linux", times=3)
    _choose(site, INSTALL, 0, "Windows")
    _choose(site, INSTALL, 1, "Linux", times=2)
    _choose(site, FAQ, 0, "Linux", times=2)
    _choose(site, FAQ, 0, "macOS", times=4)

    assert [(row[0], *row[2:]) for row in rows(site, "tabs")] == [
        (FAQ, 1, "macOS", 4, 0.6667),
        (FAQ, 1, "Linux", 2, 0.3333),
        (INSTALL, 1, "Linux", 3, 0.75),
        (INSTALL, 1, "Windows", 1, 0.25),
        (INSTALL, 2, "Linux", 2, 1.0),
    ]
    assert ask(site, "tabs")["facts"] == {"choices": 12, "sets": 3, "pages": 2}


def test_only_the_days_and_the_page_that_are_asked_for(site: Site) -> None:
    """Days are added up by tab."""
    _choose(site, INSTALL, 0, "Linux")
    site.clock.advance(DAY)
    _choose(site, INSTALL, 0, "Linux", times=2)
    _choose(site, FAQ, 0, "Linux")

    def choices(**asked: object) -> list[int]:
        return [row[4] for row in rows(site, "tabs", **asked)]

    assert choices(period="7d") == [3, 1]
    assert choices(from_="2026-01-01", to="2026-01-01") == [1]
    assert choices(page=FAQ) == [1]


@pytest.mark.parametrize(
    ("label", "kept"),
    [
        pytest.param("  Mac\n OS ", "Mac OS", id="one-line"),
        pytest.param("x" * 300, "x" * 200, id="long"),
        pytest.param(None, None, id="none"),
        pytest.param("<b>x</b>", "<b>x</b>", id="markup"),
    ],
)
def test_a_label_is_text(site: Site, label: object, kept: str | None) -> None:
    """It is whatever somebody sent, on one line."""
    _choose(site, FAQ, 0, label)
    page = site.client.get("/stats/content/tabs").get_data(as_text=True)

    assert rows(site, "tabs")[0][3] == kept
    assert "<b>x" not in page


def test_invented_tabs_cannot_fill_the_database(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the rows of a day they share one, and each still counts."""
    monkeypatch.setitem(events.MAX_ROWS, "tab", 2)
    for number in (0, 1, 2, 1_000_000, 10**12, -1):
        _choose(site, FAQ, number, "sh")

    assert [row[2:5] for row in rows(site, "tabs")] == [
        (1, "(other)", 3),
        (1, "sh", 2),
        (2, "sh", 1),
    ]
