"""What readers searched for: every search once, spellings together, failures first."""

from typing import Any

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows

DAY = 86_400


def _search(site: Site, query: str, results: int, clicked: str = "", times: int = 1) -> None:
    keys: dict[str, Any] = {"k": query, "c": results, **({"u": clicked} if clicked else {})}
    for _ in range(times):
        assert site.send("event", "/", n="search", **keys).status_code == 204


def test_nobody_searched(site: Site) -> None:
    """The report is empty and says of nothing how much."""
    found = ask(site, "searches")

    assert found["rows"] == []
    assert found["facts"] == {"searches": 0, "withoutResult": 0, "withoutClick": 0}


def test_each_query_with_what_came_of_it(site: Site) -> None:
    """Results, clicks and their absence; what led to nothing most often is first."""
    _search(site, "flask", 3, "/guide/install/", times=2)
    _search(site, "flask", 3, "/faq/")
    _search(site, "flask", 4)
    _search(site, "kettle on fire", 0, times=3)
    _search(site, "install", 7, "/guide/install/", times=5)

    assert rows(site, "searches") == [
        ("kettle on fire", 3, 3, 0, 0.0, 0, None, None),
        ("flask", 4, 0, 1, 3.2, 3, "/guide/install/", "Install"),
        ("install", 5, 0, 0, 7.0, 5, "/guide/install/", "Install"),
    ]
    assert ask(site, "searches")["facts"] == {
        "searches": 12,
        "withoutResult": 3,
        "withoutClick": 1,
    }


def test_spellings_are_one_query(site: Site) -> None:
    """Case and spaces make no difference; it is shown as most readers write it."""
    _search(site, "Docker  Compose", 1)
    _search(site, "docker compose", 1, times=2)
    _search(site, "DOCKER compose", 0)

    assert [row[:4] for row in rows(site, "searches")] == [("docker compose", 4, 1, 3)]


def test_a_page_that_is_clicked_need_not_be_in_the_manifest(site: Site) -> None:
    """Its path is shown without a title."""
    _search(site, "old", 1, "/gone/")

    assert rows(site, "searches")[0][-2:] in [("/gone/", None), ("(other)", None)]


def test_only_the_days_that_are_asked_for(site: Site) -> None:
    """The last day of the period before is not in it."""
    _search(site, "before", 0)
    site.clock.advance(7 * DAY)
    _search(site, "within", 0)

    assert [row[0] for row in rows(site, "searches", period="7d")] == ["within"]
    assert [row[0] for row in rows(site, "searches", period="30d")] == ["before", "within"]


def test_a_click_without_a_result_makes_nothing_negative(site: Site) -> None:
    """Messages may be made up."""
    _search(site, "made up", 0, "/faq/")

    assert rows(site, "searches")[0][1:4] == (1, 1, 0)
