"""Which ways readers take: every way once, and nothing of fewer than three readers."""

from collections import defaultdict
from itertools import pairwise
from random import Random

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
from tests.server.content.walks import walk
from tracker_server.content_answers import ContentAnswers
from tracker_server.content_reports.paths import REPORT
from tracker_server.readers import content_reader

DAY = 86_400
HOME, GUIDE, INSTALL, FAQ = "/", "/guide/", "/install/", "/faq/"


@pytest.fixture
def linked(site: Site) -> Site:
    """Four pages in a row; the first links to the last, the second to the one behind it."""
    deploy(
        site,
        page(HOME, title="Kettle", next=GUIDE, links=[FAQ]),
        page(GUIDE, previous=HOME, next=INSTALL, links=[INSTALL]),
        page(INSTALL, previous=GUIDE, next=FAQ),
        page(FAQ, previous=INSTALL),
    )
    return site


@pytest.fixture
def walked(linked: Site) -> Site:
    """Fourteen readers have taken six ways."""
    for reader in (0, 1):
        walk(linked, reader, HOME, GUIDE, INSTALL)
    walk(linked, 2, HOME, GUIDE)
    for reader in (3, 4, 5):
        walk(linked, reader, GUIDE, HOME)
    for reader in (6, 7, 8):
        walk(linked, reader, HOME, FAQ)
    for reader in (9, 10, 11):
        walk(linked, reader, GUIDE, FAQ)
    for reader in (12, 13):
        walk(linked, reader, INSTALL, FAQ)
    walk(linked, 14, HOME)
    linked.clock.advance(3_600)
    walk(linked, 0, HOME, GUIDE)
    return linked


def test_nobody_went_anywhere(linked: Site) -> None:
    """A view alone is no way."""
    walk(linked, 0, HOME)
    found = ask(linked, "paths")

    assert found["rows"] == []
    assert found["facts"]["hidden"] == 0


def test_each_way_with_its_readers(walked: Site) -> None:
    """A way that two readers went is counted, and not shown; of equals the more views are first."""
    assert rows(walked, "paths") == [
        (HOME, "Kettle", GUIDE, "GUIDE", "next", 3, 4),
        (HOME, "Kettle", FAQ, "FAQ", "link", 3, 3),
        (GUIDE, "GUIDE", HOME, "Kettle", "previous", 3, 3),
        (GUIDE, "GUIDE", FAQ, "FAQ", "jump", 3, 3),
    ]
    facts = ask(walked, "paths")["facts"]
    # Thirty days are asked for, and this is the first on which anybody came.
    assert facts == {"hidden": 2, "since": "2026-01-01"}


def test_more_readers_can_be_asked_for_but_not_fewer(walked: Site) -> None:
    """The least that can be said of is three."""
    assert ask(walked, "paths", k=4)["rows"] == []
    assert ask(walked, "paths", k=4)["facts"]["hidden"] == 6
    for k in (0, 1, 2, 101):
        answer = walked.client.get(f"/api/content/paths?k={k}")
        assert answer.status_code == 400
        assert answer.get_json()["error"] == "k: must be a whole number from 3 to 100"


def test_what_became_of_the_views_of_a_page(walked: Site) -> None:
    """The way on of two readers is in no row of its own, and in none from which it follows."""
    assert rows(walked, "paths", page=GUIDE) == [
        # Two went on to the page behind it, two ended here, one of them the same: three readers.
        ("previous", HOME, "Kettle", 3, 3, 0.3),
        ("jump", None, None, 3, 3, 0.3),
        ("rest", None, None, 3, 4, 0.4),
    ]
    assert rows(walked, "paths", page=HOME) == [
        ("next", GUIDE, "GUIDE", 3, 4, 0.3636),
        ("link", None, None, 3, 3, 0.2727),
        ("left", None, None, 4, 4, 0.3636),
    ]
    assert rows(walked, "paths", page=INSTALL) == [("rest", None, None, 4, 4, 1.0)]
    assert rows(walked, "paths", page=FAQ) == [("left", None, None, 8, 8, 1.0)]
    hidden = {at: ask(walked, "paths", page=at)["facts"]["hidden"] for at in (HOME, GUIDE, INSTALL)}
    assert hidden == {HOME: 0, GUIDE: 1, INSTALL: 1}


def test_how_many_went_on_by_the_search(walked: Site) -> None:
    """Of the page loads in the days that were read; of all pages together nothing is said of it."""
    for number, searches in enumerate((1, 0, 0, 2)):
        load = f"{number:032x}"
        walked.send("beat", INSTALL, number, l=load, v=9_000)
        for _ in range(searches):
            walked.send("event", INSTALL, number, l=load, n="search", k="descale", c=3)
    facts = ask(walked, "paths", page=INSTALL)["facts"]

    assert (facts["loads"], facts["searchedShare"]) == (4, 0.5)
    assert "searchedShare" not in ask(walked, "paths")["facts"]
    assert ask(walked, "paths", page="/gone/")["facts"]["hidden"] == 0


def test_what_two_readers_did_is_not_told(linked: Site) -> None:
    """How often they loaded a page and searched there is theirs, until a third comes."""
    for reader in (0, 1, 2):
        about = {"l": f"{reader:032x}"}
        linked.view(FAQ, reader, **about)
        linked.send("beat", FAQ, reader, v=9_000, **about)
        linked.send("event", FAQ, reader, n="search", k="descale", c=3, **about)
        facts = ask(linked, "paths", page=FAQ)["facts"]
        told = (3, 1.0) if reader == 2 else (None, None)

        assert (facts["loads"], facts["searchedShare"]) == told
        linked.clock.advance(11)


def test_ways_of_few_readers_are_summed_up_where_together_they_are_many(linked: Site) -> None:
    """Three readers went three ways of one kind; two kinds of two readers are one of four."""
    for reader, end in enumerate(["/a/", "/b/", "/c/"]):
        walk(linked, reader, FAQ, end)
    assert rows(linked, "paths", page=FAQ) == [("jump", None, None, 3, 3, 1.0)]
    assert rows(linked, "paths") == []

    walk(linked, 10, HOME, GUIDE)
    walk(linked, 11, HOME, GUIDE)
    walk(linked, 12, HOME, FAQ)
    walk(linked, 13, HOME, FAQ)
    walk(linked, 14, HOME)
    assert rows(linked, "paths", page=HOME) == [("few", None, None, 4, 4, 1.0)]


def test_shares_are_of_what_is_shown(linked: Site) -> None:
    """That one reader's visit ended here does not follow from what is missing to a whole."""
    for reader in (0, 1, 2):
        walk(linked, reader, HOME, GUIDE)
    walk(linked, 3, HOME)

    assert rows(linked, "paths", page=HOME) == [("next", GUIDE, "GUIDE", 3, 3, 1.0)]


def test_nothing_follows_from_a_difference(linked: Site) -> None:
    """Of made-up readers: a row of a page less the ways that are shown leaves three or nobody."""
    random = Random(5)
    places = [HOME, GUIDE, INSTALL, FAQ, "/a/", "/b/"]
    went: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    ended: defaultdict[str, list[int]] = defaultdict(list)
    for _ in range(150):
        reader, way = random.randrange(9), random.sample(places, random.choice([1, 2, 3]))
        linked.clock.advance(1_800)
        walk(linked, reader, *way)
        for step in pairwise(way):
            went[step].append(reader)
        ended[way[-1]].append(reader)

    large = {step: readers for step, readers in went.items() if len({*readers}) >= 3}
    assert {(row[0], row[2]): row[4:] for row in rows(linked, "paths", limit=1_000)} == {
        step: (_kind(step), len({*readers}), len(readers)) for step, readers in large.items()
    }
    said = set()
    for place in places:
        expected: dict[str, list[int]] = {}
        few: list[int] = []
        for how in ("next", "previous", "link", "jump"):
            mine = [step for step in went if step[0] == place and _kind(step) == how]
            small = [reader for step in mine if step not in large for reader in went[step]]
            expected[how] = [reader for step in mine if step in large for reader in went[step]]
            if len({*small}) >= 3:
                expected[how] += small
                said.add("with ways of few")
            else:
                few += small
        if 0 < len({*few}) < 3:
            expected["rest"] = few + ended[place]
        else:
            expected |= {"few": few, "left": ended[place]}
        found = {row[0]: row[3:5] for row in rows(linked, "paths", page=place)}
        assert found == {
            how: (len({*readers}), len(readers))
            for how, readers in expected.items()
            if len({*readers}) >= 3
        }
        said |= found.keys()
    assert said == {"next", "previous", "link", "jump", "left", "few", "rest", "with ways of few"}


def _kind(step: tuple[str, str]) -> str:
    order = [HOME, GUIDE, INSTALL, FAQ]
    if step in {*pairwise(order)}:
        return "next"
    if step[::-1] in {*pairwise(order)}:
        return "previous"
    return "link" if step == (HOME, FAQ) else "jump"


def test_a_visit_that_ended_begins_no_way(linked: Site) -> None:
    """After half an hour, and at midnight, a view follows none."""
    for reader in (0, 1, 2):
        walk(linked, reader, HOME)
    linked.clock.advance(1_800)
    for reader in (0, 1, 2):
        walk(linked, reader, GUIDE)
    assert rows(linked, "paths") == []

    linked.clock.now = linked.clock.now // DAY * DAY + DAY - 60
    for reader in (0, 1, 2):
        walk(linked, reader, HOME)
    linked.clock.advance(60)
    for reader in (0, 1, 2):
        walk(linked, reader, FAQ)
    assert rows(linked, "paths") == []


def test_only_the_days_that_are_asked_for(linked: Site) -> None:
    """What two went within the days is not helped by the third of the day before."""
    walk(linked, 0, HOME, GUIDE)
    linked.clock.advance(7 * DAY)
    for reader in (1, 2):
        walk(linked, reader, HOME, GUIDE)

    assert rows(linked, "paths", period="7d") == []
    assert rows(linked, "paths", period="30d") == [(HOME, "Kettle", GUIDE, "GUIDE", "next", 3, 3)]
    assert rows(linked, "paths", period="7d", page=HOME) == []


def test_paths_that_are_no_pages(linked: Site) -> None:
    """They have no title and no place in the navigation; a page that nobody knows has no rows."""
    for reader in range(3):
        walk(linked, reader, "/gone/", "/<b>/", HOME)

    assert rows(linked, "paths") == [
        ("/<b>/", None, HOME, "Kettle", "jump", 3, 3),
        ("/gone/", None, "/<b>/", None, "jump", 3, 3),
    ]
    assert rows(linked, "paths", page="/never/") == []


def test_what_there_was_no_time_for_is_said(linked: Site) -> None:
    """The latest days are read first; the fact says from which day on ways are counted."""
    for _ in range(2):
        for reader in range(3):
            walk(linked, reader, HOME, GUIDE)
        linked.clock.advance(DAY)
    times = iter([0.0, 1.0, 2.0, 6.0])
    read = content_reader(linked.tracker.engine, lambda: next(times))
    content = ContentAnswers((REPORT,), read, linked.clock)
    found = content.answer("paths", {"period": "30d"})

    assert b'"since":"2026-01-02"' in found
    assert b'"readers":3,"views":3}' in found
    assert rows(linked, "paths")[0][-1] == 6


def test_the_page_asks_about_a_page(walked: Site) -> None:
    """Its field keeps the page, words are the reader's, and an empty field is all pages."""
    shown = walked.client.get(
        "/stats/content/paths", query_string={"page": GUIDE, "lang": "de"}
    ).get_data(as_text=True)
    assert '<input name="page" value="/guide/"' in shown
    assert "Vorige Seite" in shown
    assert 'href="/api/content/paths.csv?page=%2Fguide%2F' in shown

    whole = walked.client.get("/stats/content/paths?page=&lang=en").get_data(as_text=True)
    assert "Next page" in whole
    assert 'name="page" value=""' in whole
    assert "paths.csv?limit" in whole
