"""Sections of all pages and of one: exactly the loads, times and stops that were said."""

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page

DAY = 86_400
Headings = tuple[str, ...]


def _page(path: str, *anchors: str) -> dict[str, object]:
    headings = [
        {"id": anchor, "title": anchor.upper(), "level": 2, "words": 10 * place}
        for place, anchor in enumerate(anchors, 1)
    ]
    return page(path, headings=headings)


def _read(site: Site, path: str, reader: int, **milliseconds: int) -> None:
    load = f"{reader:032x}"
    site.view(path, reader, l=load)
    left = site.send("leave", path, reader, l=load, v=90_000, a=0, d=0, h=milliseconds)
    assert left.status_code == 202


def _readers(site: Site) -> None:
    """Four of them on one page, two on another; one page nobody says anything of."""
    deploy(site, _page("/a/", "one", "two", "three"), _page("/b/", "x", "y"), _page("/c/", "z"))
    _read(site, "/a/", 1, one=4_000)
    _read(site, "/a/", 2, one=6_000)
    _read(site, "/a/", 3, one=2_000, two=10_000)
    _read(site, "/a/", 4, two=2_000, three=30_000)
    _read(site, "/b/", 5, x=1_000)
    _read(site, "/b/", 6, x=1_000, y=500)
    site.view("/c/", 7)


def test_of_one_page_in_its_order(bare: Site) -> None:
    """Shares are of the loads that said something."""
    _readers(bare)

    assert rows(bare, "sections", page="/a/") == [
        ("/a/", "A", "ONE", "one", 10, 3, 0.75, 4.0, 2, 0.5, False),
        ("/a/", "A", "TWO", "two", 20, 2, 0.5, 6.0, 1, 0.25, False),
        ("/a/", "A", "THREE", "three", 30, 1, 0.25, 30.0, 1, 0.25, True),
    ]
    assert ask(bare, "sections", page="/a/")["facts"] == {
        "pages": 1,
        "sections": 3,
        "neverReached": 0,
    }


def test_of_all_pages_where_most_readers_leave_too_early(bare: Site) -> None:
    """To stop at the end is no loss; a page of which nothing was said is left out."""
    _readers(bare)

    assert [(row[0], row[3], row[8], row[10]) for row in rows(bare, "sections")] == [
        ("/a/", "one", 2, False),
        ("/a/", "two", 1, False),
        ("/b/", "x", 1, False),
        ("/a/", "three", 1, True),
        ("/b/", "y", 1, True),
    ]


def test_headings_that_nobody_reaches(bare: Site) -> None:
    """They have a row, and are counted."""
    deploy(bare, _page("/a/", "one", "two", "three"))
    _read(bare, "/a/", 1, one=4_000)

    assert rows(bare, "sections", page="/a/")[1:] == [
        ("/a/", "A", "TWO", "two", 20, 0, 0.0, None, 0, 0.0, False),
        ("/a/", "A", "THREE", "three", 30, 0, 0.0, None, 0, 0.0, True),
    ]
    assert ask(bare, "sections")["facts"]["neverReached"] == 2


def test_only_the_days_that_are_asked_for(bare: Site) -> None:
    """Sums are by day."""
    _readers(bare)
    bare.clock.advance(3 * DAY)
    _read(bare, "/b/", 8, x=9_000)

    assert [(row[0], row[3], row[5]) for row in rows(bare, "sections", period="today")] == [
        ("/b/", "x", 1),
        ("/b/", "y", 0),
    ]
    assert len(rows(bare, "sections", period="7d")) == 5


@pytest.mark.parametrize("path", ["/nowhere/", "/c/"])
def test_a_page_without_anything_to_say(bare: Site, path: str) -> None:
    """The report is empty."""
    _readers(bare)

    assert rows(bare, "sections", page=path) == []


def test_a_heading_that_is_gone_is_left_out(bare: Site) -> None:
    """Its figures stay in the report of the page; where its readers stopped still counts."""
    deploy(bare, _page("/a/", "one", "two"))
    _read(bare, "/a/", 1, one=4_000)
    _read(bare, "/a/", 2, two=4_000)
    deploy(bare, _page("/a/", "one"))

    assert rows(bare, "sections", page="/a/") == [
        ("/a/", "A", "ONE", "one", 10, 1, 0.5, 4.0, 1, 0.5, True)
    ]


def test_a_page_that_is_gone_is_not_counted(bare: Site) -> None:
    """It has no section that could be shown, so it is none of the pages of the report."""
    _readers(bare)
    deploy(bare, _page("/b/", "x", "y"), _page("/c/", "z"))

    assert {row[0] for row in rows(bare, "sections")} == {"/b/"}
    assert ask(bare, "sections")["facts"] == {"pages": 1, "sections": 2, "neverReached": 0}
    assert ask(bare, "sections", page="/a/")["facts"]["pages"] == 0
