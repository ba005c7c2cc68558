"""What came of the pages of a deploy: as many whole days before as after, and chance."""

from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from tests.server.conftest import MakeSite, Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page

DAY = 86_400
GUIDE, FAQ, OLD, NEW = "/guide/", "/faq/", "/old/", "/new/"
FIRST, SECOND = "0123456789ab", "0123456789cd"
_readers = count()
Views = Mapping[str, int]


def _views(site: Site, views: Views) -> None:
    """Let as many new readers view each page, on the day that it is."""
    for path, number in views.items():
        for _ in range(number):
            site.view(path, next(_readers))


def _days(site: Site, *days: Views) -> None:
    """Let each day have its views, and pass."""
    for views in days:
        _views(site, views)
        site.clock.advance(DAY)


def _deploy(site: Site, guide: str, faq: str = FIRST, *more: str, **head: Any) -> None:
    pages = [page(GUIDE, digest=guide), page(FAQ, digest=faq), *map(page, more)]
    deploy(site, *pages, **head)


def _read(site: Site, path: str, *, depth: int) -> None:
    """Let a new reader read a page down to there."""
    reader = next(_readers)
    site.view(path, reader, l=f"{reader + (1 << 64):032x}")
    said = {"v": 120_000, "a": 120_000, "d": depth, "l": f"{reader + (1 << 64):032x}"}
    assert site.send("leave", path, reader, **said).status_code == 202


@pytest.fixture
def counted(make_site: MakeSite) -> Site:
    """A site whose counting began on New Year, and whose first manifest has three pages."""
    site = make_site()
    _deploy(site, FIRST, FIRST, OLD, commit="a1")
    _days(site, {GUIDE: 9, FAQ: 9, OLD: 9})
    return site


def test_the_first_manifest_is_no_change(counted: Site) -> None:
    """Nor is one that says the same of its pages."""
    counted.clock.advance(DAY)
    _deploy(counted, FIRST, FIRST, OLD, commit="a2")
    found = ask(counted, "deploys")

    assert found["rows"] == []
    assert found["facts"] == {"deploys": 0, "more": 0, "fewer": 0, "unclear": 0}


def test_each_page_of_a_deploy(counted: Site) -> None:
    """The day of the deploy, today and the day on which counting began are left out."""
    _days(
        counted,
        {GUIDE: 2, FAQ: 1, OLD: 1},
        {GUIDE: 3, FAQ: 1},
        {GUIDE: 2, FAQ: 2},
        {GUIDE: 3, FAQ: 1, OLD: 1},
    )
    _deploy(counted, SECOND, SECOND, NEW, commit="b2", label="2.0")
    _days(counted, {GUIDE: 50, FAQ: 50})
    _days(counted, *({GUIDE: 10, FAQ: 1, NEW: 1} for _ in range(4)))
    _views(counted, {GUIDE: 70})

    found = rows(counted, "deploys")
    assert [row[:8] for row in found] == [
        ("2026-01-06", "2.0", GUIDE, "GUIDE", "changed", 4, 10, 40),
        ("2026-01-06", "2.0", FAQ, "FAQ", "changed", 4, 5, 4),
        ("2026-01-06", "2.0", NEW, "NEW", "added", 4, 0, 4),
        ("2026-01-06", "2.0", OLD, None, "removed", 4, 2, 0),
    ]
    # The roots of the score equation: 66.96 % and 88.76 % for 40 of 50, 18.88 % and 73.33 %
    # for 4 of 9.
    assert found[0][8:12] == (3.0, 1.0269, 6.8938, "more")
    assert found[1][8:12] == (-0.2, -0.7673, 1.7502, "unclear")
    assert found[2][8:] == found[3][8:] == (None,) * 8
    facts = ask(counted, "deploys")["facts"]
    assert facts == {"deploys": 1, "more": 1, "fewer": 0, "unclear": 1}


def test_no_more_days_before_than_after(counted: Site) -> None:
    """The morning after there is nothing to compare; then there is a day, and up to the option."""
    _days(counted, *({GUIDE: n} for n in (1, 2, 3, 4)))
    _deploy(counted, SECOND)
    counted.clock.advance(DAY)
    found = rows(counted, "deploys")
    assert [row[5:] for row in found if row[2] == GUIDE] == [(0, *(None,) * 10)]

    compared = []
    for views in (5, 6, 7):
        _days(counted, {GUIDE: views})
        compared.append(next(row[5:8] for row in rows(counted, "deploys") if row[2] == GUIDE))
    assert compared == [(1, 4, 5), (2, 7, 11), (3, 9, 18)]
    shorter = rows(counted, "deploys", days=2)
    assert [row[5:8] for row in shorter if row[2] == GUIDE] == [(2, 7, 11)]


def test_fewer_views_and_clumped_ones(counted: Site) -> None:
    """A link somewhere that brings all on one day changes nothing that can be told."""
    _days(counted, *({GUIDE: 10, FAQ: 10} for _ in range(4)))
    _deploy(counted, SECOND, SECOND, OLD)
    _days(counted, {}, {GUIDE: 2, FAQ: 80}, *({GUIDE: 2} for _ in range(3)))

    found = {row[2]: (row[6:9], row[11]) for row in rows(counted, "deploys")}
    assert found == {
        GUIDE: ((40, 8, -0.8), "fewer"),
        FAQ: ((40, 80, 1.0), "unclear"),
    }


def test_quiet_weekends_are_no_chance(counted: Site) -> None:
    """Of whole weeks, days of the same name are compared: 42 views and 69, by five and two."""

    def week(*views: int) -> list[Views]:
        return [{GUIDE: number} for number in views]

    _days(counted, *week(8, 1, 1, 8, 8, 8, 8))  # From a Friday on.
    _deploy(counted, SECOND, FIRST, OLD)
    _days(counted, {}, *week(2, 2, 13, 13, 13, 13, 13))

    assert rows(counted, "deploys")[0][5:8] == (7, 42, 69)
    assert rows(counted, "deploys")[0][11] == "more"


def test_how_a_changed_page_is_read_and_rated(counted: Site) -> None:
    """Shares of the page loads and of the ratings of the same days."""
    for depth in (100, 40):
        _read(counted, GUIDE, depth=depth)
    for rating in (1, 0, 0, 0):
        counted.send("event", GUIDE, n="feedback", c=rating)
    counted.clock.advance(DAY)
    _deploy(counted, SECOND, FIRST, OLD)
    _read(counted, GUIDE, depth=40)
    counted.send("event", GUIDE, n="feedback", c=0)
    counted.clock.advance(DAY)
    for depth in (100, 100, 100, 40):
        _read(counted, GUIDE, depth=depth)
    counted.send("event", GUIDE, n="feedback", c=1)
    counted.send("event", FAQ, n="feedback", c=0)
    counted.clock.advance(DAY)

    (found,) = rows(counted, "deploys")
    assert found[5:8] == (1, 2, 4)
    assert found[12:] == (0.5, 0.75, 0.25, 1.0)


def test_deploys_of_the_days_that_are_asked_for(counted: Site) -> None:
    """The latest first; views are those around the deploy, also beyond the days."""
    _days(counted, {GUIDE: 3}, {GUIDE: 3})
    _deploy(counted, SECOND, FIRST, OLD, commit="b2")
    _days(counted, {}, {GUIDE: 5}, {GUIDE: 5})
    _deploy(counted, FIRST, FIRST, OLD)
    _days(counted, {})

    assert [row[:3] + row[5:8] for row in rows(counted, "deploys")] == [
        ("2026-01-07", None, GUIDE, 0, None, None),
        ("2026-01-04", "b2", GUIDE, 2, 6, 10),
    ]
    only = rows(counted, "deploys", from_="2026-01-04", to="2026-01-04")
    assert [row[:3] + row[5:8] for row in only] == [("2026-01-04", "b2", GUIDE, 2, 6, 10)]
    assert rows(counted, "deploys", from_="2026-01-05", to="2026-01-06") == []


def test_pages_without_a_digest_are_not_said_to_have_changed(counted: Site) -> None:
    """Nobody knows."""
    deploy(counted, page(GUIDE), page(FAQ), page(OLD, title="Another"))

    assert rows(counted, "deploys") == []


def test_nobody_has_viewed_anything(make_site: MakeSite) -> None:
    """Without a first view there is no whole day."""
    site = make_site()
    _deploy(site, FIRST)
    site.clock.advance(3 * DAY)
    _deploy(site, SECOND)
    site.clock.advance(3 * DAY)

    assert [row[4:] for row in rows(site, "deploys")] == [("changed", 0, *(None,) * 10)]
