"""Pages without a reader: exactly those, with what explains it."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import bot_view, deploy, page

DAY = 86_400
OLD = {"created": "2025-06-01"}
"""214 days before the clock stands."""


def _paths(site: Site, **parameters: object) -> list[str]:
    return [row[0] for row in rows(site, "never-read", **parameters)]


def test_thirteen_of_fifty_pages(bare: Site) -> None:
    """Of 50 pages 37 were viewed; the others have their place, age, links and bots."""
    read = [
        page(f"/p{n:02}/", nav=n, trail=["Start"], links=["/p44/", "/p38/"] if n < 3 else [])
        for n in range(1, 38)
    ]
    unread: list[dict[str, Any]] = [
        page("/p38/", created="2025-12-02", nav=38, trail=["Guide", "First steps"]),
        page("/p39/", created="2025-01-01", nav=39, trail=["Guide"]),
        page("/p40/", created="2024-01-01", nav=40),
        page("/p41/", date="2025-10-03", type="post", links=["/p41/", "/p40/"]),
        page("/p42/"),
        page("/p43/", **OLD),
        page("/p44/", **OLD),
        page("/p45/", nav=45, trail=['Say "hi"; é'], **OLD),
        *(page(f"/p{n}/", nav=n, trail=["End"], **OLD) for n in range(46, 51)),
    ]
    nobody_is_to_read = [
        page("/tags/", generated=True),
        page("/draft/", published=False, links=["/p43/"]),
        page("/statistics/", type="stats"),
    ]
    young = page("/young/", created="2025-12-03")
    deploy(bare, *read, *unread, *nobody_is_to_read, young)
    for number in range(1, 38):
        bare.view(f"/p{number:02}/", reader=number)
    bot_view(bare, "/p39/", 3)
    bot_view(bare, "/p45/")
    bot_view(bare, "/p01/")

    end = ["End"]
    assert rows(bare, "never-read") == [
        ("/p42/", "P42", [], None, 0, True, 0),
        ("/p43/", "P43", [], 214, 0, True, 0),
        ("/p41/", "P41", [], 90, 0, True, 0),
        ("/p40/", "P40", [], 731, 1, False, 0),
        ("/p39/", "P39", ["Guide"], 365, 0, False, 3),
        ("/p44/", "P44", [], 214, 2, False, 0),
        ("/p45/", "P45", ['Say "hi"; é'], 214, 0, False, 1),
        *((f"/p{n}/", f"P{n}", end, 214, 0, False, 0) for n in range(46, 51)),
        ("/p38/", "P38", ["Guide", "First steps"], 30, 2, False, 0),
    ]
    found = ask(bare, "never-read")
    assert found["facts"] == {
        "pages": 51,
        "read": 37,
        "unread": 13,
        "tooYoung": 1,
        "countedFrom": "2026-01-01",
    }


@pytest.mark.parametrize(
    ("min_age", "shown"), [(0, ["old", "month", "today", "future"]), (30, ["old", "month"])]
)
def test_young_pages_are_left_out(bare: Site, min_age: int, shown: list[str]) -> None:
    """A page is as old as its creation says; one of tomorrow is of today."""
    today = date(2026, 1, 1)
    days = {"old": 31, "month": 30, "today": 0, "future": -3}
    deploy(
        bare,
        *(
            page(f"/{name}/", created=f"{today - timedelta(ages)}", nav=n)
            for n, (name, ages) in enumerate(days.items(), 1)
        ),
    )
    found = ask(bare, "never-read", min_age=min_age)

    assert sorted(row["path"] for row in found["rows"]) == sorted(f"/{name}/" for name in shown)
    assert {row["age"] for row in found["rows"]} <= {31, 30, 0}
    assert found["facts"]["tooYoung"] == 4 - len(shown)
    assert found["options"] == {"min_age": min_age}


def test_the_last_day_of_the_period_before_does_not_count(bare: Site) -> None:
    """Of seven days the first and the last are looked at."""
    deploy(bare, *(page(f"/{name}/", **OLD) for name in ("before", "first", "last")))
    bare.view("/before/")
    bare.clock.advance(DAY)
    bare.view("/first/")
    bot_view(bare, "/before/")
    bare.clock.advance(6 * DAY)
    bare.view("/last/")

    assert _paths(bare, period="7d") == ["/before/"]
    assert rows(bare, "never-read", period="7d")[0][-1] == 1
    assert _paths(bare, period="30d") == []
    assert ask(bare, "never-read", period="7d")["facts"]["countedFrom"] == "2026-01-02"
    assert ask(bare, "never-read", period="30d")["facts"]["countedFrom"] == "2026-01-01"


def test_a_page_that_has_moved_was_read_where_it_was(bare: Site) -> None:
    """By its history or by a redirect; bots likewise."""
    bare.view("/before/")
    bare.view("/redirected/")
    bot_view(bare, "/before/", 2)
    deploy(
        bare,
        page("/now/", formerly=["/before/"], **OLD),
        page("/target/", **OLD),
        page("/other/", **OLD),
        redirects={"/redirected/": "/target/"},
    )

    assert _paths(bare) == ["/other/"]


def test_what_the_manifest_does_not_say_is_not_guessed(bare: Site) -> None:
    """Without any link in it nobody knows how many there are, nor that a page has none."""
    deploy(bare, page("/a/"), page("/b/", nav=1))

    assert rows(bare, "never-read") == [
        ("/a/", "A", [], None, None, False, 0),
        ("/b/", "B", [], None, None, False, 0),
    ]


def test_nothing_was_counted_yet(bare: Site) -> None:
    """Then no day is said to be counted; without a manifest there are no pages."""
    assert ask(bare, "never-read")["rows"] == []
    deploy(bare, page("/a/"))
    found = ask(bare, "never-read")

    assert found["rowCount"] == 1
    assert found["facts"] == {
        "pages": 1,
        "read": 0,
        "unread": 1,
        "tooYoung": 0,
        "countedFrom": None,
    }


def test_people_see_it_in_their_words(bare: Site) -> None:
    """The page shows the place in the navigation and the age, the file all of it."""
    title = 'A <b>"bold"</b> title'
    deploy(bare, page("/a/", title=title, trail=["Guide", "Deep"], nav=1, **OLD))
    shown = bare.client.get("/stats/content/never-read").get_data(as_text=True)
    german = bare.client.get("/stats/content/never-read?lang=de").get_data(as_text=True)
    lines = bare.client.get("/api/content/never-read.csv").get_data(as_text=True).splitlines()

    assert "Guide, Deep" in shown
    assert "214 days" in shown
    assert "Unverlinkt" in german
    assert "<b>" not in shown
    assert lines[0] == "path,title,trail,age,links,unlinked,bots"
    assert lines[1] == '/a/,"A <b>""bold""</b> title",Guide; Deep,214,,false,0'
