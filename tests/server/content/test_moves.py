"""Former paths: counted with their page while the manifest says so, and apart again after it."""

from collections.abc import Mapping
from typing import Any

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page

DAY = 86_400
OLD, OLDER, NEW, FAQ = "/old/", "/older/", "/new/", "/faq/"


def _views(site: Site, readers: Mapping[str, range]) -> None:
    for path, some in readers.items():
        for reader in some:
            site.view(path, reader)


def _moved(site: Site, *former: str, **head: Any) -> None:
    deploy(site, page(NEW, formerly=[*former]), page(FAQ), **head)


def test_no_page_has_moved(bare: Site) -> None:
    """The report is empty."""
    deploy(bare, page(NEW), page(FAQ))
    found = ask(bare, "moves")

    assert found["rows"] == []
    assert found["facts"] == {"moves": 0, "withoutRedirect": 0}


def test_a_page_and_its_former_path(bare: Site) -> None:
    """Views are added; who viewed both is one reader, on whichever days."""
    deploy(bare, page(OLD), page(FAQ))
    _views(bare, {OLD: range(5), FAQ: range(2)})
    bare.clock.advance(2 * DAY)
    _moved(bare, OLD)
    _views(bare, {NEW: range(3, 9), FAQ: range(2)})

    assert rows(bare, "moves") == [(OLD, NEW, "NEW", 5, 6, 11, 9, False)]
    assert ask(bare, "moves")["facts"] == {"moves": 1, "withoutRedirect": 1}
    assert rows(bare, "moves", period="today") == [(OLD, NEW, "NEW", 0, 6, 6, 6, False)]


def test_a_move_that_is_taken_back_leaves_nothing_behind(bare: Site) -> None:
    """Three manifests: the page, the page elsewhere, the page where it was; then back again."""
    deploy(bare, page(OLD), page(FAQ))
    _views(bare, {OLD: range(4)})
    before = bare.rows("SELECT * FROM day_count ORDER BY 1, 2, 3")
    _moved(bare, OLD)
    assert rows(bare, "moves") == [(OLD, NEW, "NEW", 4, 0, 4, 4, False)]
    _views(bare, {NEW: range(3, 5)})
    assert rows(bare, "moves") == [(OLD, NEW, "NEW", 4, 2, 6, 5, False)]

    deploy(bare, page(OLD), page(FAQ), commit="back")
    assert rows(bare, "moves") == []
    _views(bare, {OLD: range(7, 8)})
    report = bare.client.get("/api/report", query_string={"period": "today"}).get_json()
    assert {row["path"]: (row["views"], row["visitors"]) for row in report["pages"]} == {
        OLD: (5, 5),
        NEW: (2, 2),
    }
    counted = bare.rows("SELECT * FROM day_count ORDER BY 1, 2, 3")
    assert {row[:3] for row in before} <= {row[:3] for row in counted}

    _moved(bare, OLD, commit="again")
    assert rows(bare, "moves") == [(OLD, NEW, "NEW", 5, 2, 7, 6, False)]


def test_a_page_that_moved_twice(bare: Site) -> None:
    """Each former path has a row; what they have together is the same in both."""
    deploy(bare, page(OLDER), page(FAQ))
    _views(bare, {OLDER: range(3)})
    deploy(bare, page(OLD, formerly=[OLDER]), page(FAQ))
    _views(bare, {OLD: range(2, 6)})
    _moved(bare, OLD, OLDER)
    _views(bare, {NEW: range(5, 7)})

    assert rows(bare, "moves") == [
        (OLD, NEW, "NEW", 4, 2, 9, 7, False),
        (OLDER, NEW, "NEW", 3, 2, 9, 7, False),
    ]


def test_redirects_cover_former_paths(bare: Site) -> None:
    """What leads nowhere is first; a redirect to another site is no move."""
    deploy(bare, page(OLD), page(OLDER), page(FAQ))
    _views(bare, {OLD: range(3), OLDER: range(2)})
    elsewhere = "https://elsewhere.example/"
    _moved(bare, OLD, OLDER, redirects={OLD: NEW, "/help/": FAQ, "/shop/": elsewhere})

    assert rows(bare, "moves") == [
        (OLDER, NEW, "NEW", 2, 0, 5, 3, False),
        (OLD, NEW, "NEW", 3, 0, 5, 3, True),
        ("/help/", FAQ, "FAQ", None, 0, 0, 0, True),
    ]
    assert ask(bare, "moves")["facts"] == {"moves": 3, "withoutRedirect": 1}


def test_a_path_that_was_never_counted(bare: Site) -> None:
    """Nobody knows of its views. Once it is asked for and missed, it is known to have none."""
    _moved(bare, "/before-the-tracker/")
    _views(bare, {NEW: range(2)})
    assert rows(bare, "moves") == [("/before-the-tracker/", NEW, "NEW", None, 2, 2, 2, False)]

    bare.send("event", "/before-the-tracker/", n="not_found")
    assert rows(bare, "moves") == [("/before-the-tracker/", NEW, "NEW", 0, 2, 2, 2, False)]


def test_no_more_rows_than_are_asked_for(bare: Site) -> None:
    """Rows beyond the limit are counted all the same."""
    _moved(bare, OLD, OLDER)
    _views(bare, {NEW: range(3)})

    assert rows(bare, "moves", limit=1) == [(OLD, NEW, "NEW", None, 3, 3, 3, False)]
    assert ask(bare, "moves", limit=1)["rowCount"] == 2
