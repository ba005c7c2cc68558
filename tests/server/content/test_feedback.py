"""Ratings by page: how many, to how many reads, and whether they get better."""

from typing import Any

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
from tests.server.content.test_searches import DAY

FAQ, INSTALL = "/faq/", "/guide/install/"


def _rate(site: Site, path: str, positive: int, negative: int) -> None:
    for number in [1] * positive + [0] * negative:
        assert site.send("event", path, n="feedback", c=number).status_code == 204


def _read(site: Site, path: str, loads: int) -> None:
    """Let so many readers load a page and leave it."""
    for reader in range(loads):
        site.view(path, reader)
        load = f"{site._loads:032x}"
        site.send("leave", path, reader, l=load, v=5_000, a=5_000, d=50)


def test_nobody_rated(site: Site) -> None:
    """There is no share of nothing, and a site that is read has a rate of 0."""
    found = ask(site, "feedback")
    assert found["rows"] == []
    assert found["facts"] == {"ratings": 0, "positiveShare": None, "ratePerThousand": None}
    assert found["factKinds"] == {
        "ratings": "number",
        "positiveShare": "share",
        "ratePerThousand": "decimal",
    }

    _read(site, FAQ, 1)
    assert ask(site, "feedback")["facts"]["ratePerThousand"] == 0.0


def test_each_page_with_its_ratings_worst_first(site: Site) -> None:
    """Shares of ratings, ratings to a thousand reads; the site's rate is of all its reads."""
    _read(site, FAQ, 8)
    _read(site, INSTALL, 3)
    _read(site, "/", 5)
    _rate(site, FAQ, positive=1, negative=2)
    _rate(site, INSTALL, positive=2, negative=0)
    _rate(site, "/blog/2026/first-boil/", positive=0, negative=1)

    found = [(row[0], *row[2:]) for row in rows(site, "feedback")]
    assert found == [
        (FAQ, 8, 1, 2, 375.0, 0.3333, None),
        # Nobody said how it was read.
        ("/blog/2026/first-boil/", 0, 0, 1, None, 0.0, None),
        (INSTALL, 3, 2, 0, 666.7, 1.0, None),
    ]
    assert ask(site, "feedback")["facts"] == {
        "ratings": 6,
        "positiveShare": 0.5,
        "ratePerThousand": 375.0,
    }


def test_titles_are_those_of_the_manifest(site: Site) -> None:
    """A page that is gone has none."""
    _rate(site, INSTALL, 0, 1)
    _rate(site, "/gone/", 1, 0)

    assert [row[:2] for row in rows(site, "feedback")] == [(INSTALL, "Install"), ("/gone/", None)]


def test_reads_are_page_loads_and_not_views(site: Site) -> None:
    """Who loads a page again at once is no second view, but may rate it again."""
    for _ in range(2):
        site.view(FAQ)
        site.send("leave", FAQ, l=f"{site._loads:032x}", v=5_000, a=5_000, d=50)
        _rate(site, FAQ, 1, 0)

    assert site.stats()["totalPageViews"] == 1
    assert rows(site, "feedback")[0][2:5] == (2, 2, 0)


def test_the_change_is_against_as_many_days_before(site: Site) -> None:
    """In share of positive ratings; unknown where one of the two has none."""
    _rate(site, FAQ, positive=3, negative=1)
    site.clock.advance(DAY)
    _rate(site, FAQ, positive=1, negative=3)
    _rate(site, INSTALL, positive=1, negative=0)

    def changes(**days: object) -> list[tuple[object, ...]]:
        return [(row[0], row[-1]) for row in rows(site, "feedback", **days)]

    assert changes(from_="2026-01-02", to="2026-01-02") == [(FAQ, -0.5), (INSTALL, None)]
    assert changes(from_="2026-01-01", to="2026-01-01") == [(FAQ, None)]
    assert changes(from_="2026-01-03", to="2026-01-03") == []
    assert changes(from_="2026-01-01", to="2026-01-02") == [(FAQ, None), (INSTALL, None)]
    site.clock.advance(DAY)
    # Of the two days before one is without a rating, which changes nothing in their share.
    _rate(site, FAQ, positive=1, negative=0)
    assert changes(from_="2026-01-03", to="2026-01-04") == [(FAQ, 0.5)]
    assert changes(period="all")[0] == (FAQ, None)


def test_one_message_is_one_rating(site: Site) -> None:
    """Whatever number it says: a million thumbs up from one message would be no share."""
    for number in (1_000_000, 2, 1, 0, -5, "many"):
        assert site.send("event", FAQ, n="feedback", c=number).status_code == 204

    assert rows(site, "feedback")[0][3:5] == (3, 3)
    report = site.client.get("/api/report").get_json()
    assert report["feedback"] == {"positive": 3, "negative": 3}


def test_a_comment_is_a_rating_too(site: Site) -> None:
    """With a text or without, each rating counts once."""
    site.send("event", FAQ, n="feedback", c=0, k="does not boil")
    site.send("event", FAQ, n="feedback", c=1, k="boils")
    _rate(site, FAQ, 1, 0)

    assert rows(site, "feedback")[0][3:5] == (2, 1)


def test_people_see_a_decimal_rate_and_a_signed_change(site: Site) -> None:
    """A rate is no share, and what fell has its sign."""
    _rate(site, FAQ, positive=1, negative=0)
    site.clock.advance(DAY)
    _read(site, FAQ, 3)
    _rate(site, FAQ, positive=1, negative=1)
    days = "from=2026-01-02&to=2026-01-02"
    shown = site.client.get(f"/stats/content/feedback?{days}&lang=en").get_data(as_text=True)

    assert "<dt>Ratings per 1,000 reads</dt><dd>666.7</dd>" in shown
    assert "<dt>Positive</dt><dd>50.0%</dd>" in shown
    assert "\N{MINUS SIGN}50 points</td>" in shown


def _rate_section(site: Site, heading: object, *numbers: int, path: str = INSTALL) -> None:
    for number in numbers:
        assert site.send("event", path, n="feedback", c=number, h=heading).status_code == 204


def _install(*anchors: str) -> dict[str, Any]:
    headings = [
        {"id": anchor, "title": anchor.upper(), "level": 2, "words": 1} for anchor in anchors
    ]
    return page(INSTALL, headings=headings)


def test_by_heading(site: Site) -> None:
    """Each heading with a form, and ratings of the page without one; pages add them up."""
    deploy(site, _install("pip", "brew"), page(FAQ))
    _rate_section(site, "brew", 0, 0, 1)
    _rate_section(site, "pip", 1)
    _rate_section(site, None, 0, 1)
    # A heading of another page, one that nobody knows, and what is none.
    _rate_section(site, "pip", 1, path=FAQ)
    odd: object
    for odd in ("gone", "x" * 201, 7, {}, "\ud800"):
        _rate_section(site, odd, 1)

    assert [(row[0], *row[2:]) for row in rows(site, "feedback", headings=1)] == [
        (INSTALL, "BREW", "brew", 3, 1, 2, 0.3333, None),
        (INSTALL, None, None, 7, 6, 1, 0.8571, None),
        (FAQ, None, None, 1, 1, 0, 1.0, None),
        (INSTALL, "PIP", "pip", 1, 1, 0, 1.0, None),
    ]
    assert [row[3:5] for row in rows(site, "feedback")] == [(8, 3), (1, 0)]
    by_page, by_heading = (ask(site, "feedback", headings=one)["facts"] for one in (0, 1))
    assert by_page == by_heading
    assert by_page["ratings"] == 12


def test_a_heading_keeps_its_ratings_when_it_is_gone(site: Site) -> None:
    """One that has none is forgotten, and its id is not that of another from then on."""
    deploy(site, _install("kept", "unrated", "rated"))
    _rate_section(site, "rated", 0)
    deploy(site, _install("kept"))
    deploy(site, _install("kept", "fresh"))
    _rate_section(site, "fresh", 1)
    _rate_section(site, "rated", 1)

    assert [row[2:7] for row in rows(site, "feedback", headings=1)] == [
        ("RATED", "rated", 1, 0, 1),
        # What was rated when it was not there stands nowhere.
        (None, None, 1, 1, 0),
        ("FRESH", "fresh", 1, 1, 0),
    ]
    assert sorted(site.rows("SELECT anchor FROM heading")) == [("fresh",), ("kept",), ("rated",)]


def test_the_change_of_a_heading(site: Site) -> None:
    """Against the same heading before."""
    deploy(site, _install("pip", "brew"))
    _rate_section(site, "pip", 0)
    _rate_section(site, "brew", 1)
    site.clock.advance(DAY)
    _rate_section(site, "pip", 1)
    found = rows(site, "feedback", headings=1, from_="2026-01-02", to="2026-01-02")

    assert [(row[3], row[-1]) for row in found] == [("pip", 1.0)]


def test_comments_of_one_page_are_one_list(site: Site) -> None:
    """Whatever the heading."""
    deploy(site, _install("pip", "brew"))
    for heading in ("pip", "brew"):
        site.send("event", INSTALL, n="feedback", c=0, k="too long", h=heading)

    assert [row[2:5] for row in rows(site, "comments")] == [("negative", "too long", 2)]
