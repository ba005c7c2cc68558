"""The lists of a report as cards, on the report of the contract."""

import json
from typing import Any

import pytest

from tests.server.conftest import CONTRACT
from tracker_server.address import ROWS, Address
from tracker_server.cards import SECTION_ROWS, Card, make_cards, name_filter
from tracker_server.texts import Texts

SITE = "https://kettle.example/docs/"


def _report(**changes: Any) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((CONTRACT / "report.json").read_text(encoding="utf-8"))
    return report | changes


def _cards(report: dict[str, Any], **parameters: str) -> dict[str, Card]:
    cards = make_cards(report, Address(parameters), Texts("en"), SITE)
    return {card.name: card for card in cards}


def test_the_cards_of_the_overview() -> None:
    """Each card shows its first list; those with several have them as tabs."""
    cards = _cards(_report())

    assert {name: card.list for name, card in cards.items()} == {
        "content": "pages",
        "source": "referrers",
        "place": "countries",
        "client": "devices",
        "missing": "missing",
    }
    assert [name for name, _ in cards["content"].tabs] == ["pages", "posts", "entry", "exit"]
    assert cards["content"].tabs[3][1] == "/stats?content=exit"


def test_the_cards_of_a_page() -> None:
    """A page has what was read next instead of other pages, and no missing ones."""
    onward = [{"path": "/faq/", "title": None, "type": "other", "count": 2}]
    cards = _cards(_report(next=onward, notFound=None), page="/guide/install/")

    assert list(cards) == ["next", "source", "place", "client"]
    assert [row.link for row in cards["next"].rows] == ["/stats?page=/faq/"]


SECTIONS = json.loads((CONTRACT / "sections.json").read_text(encoding="utf-8"))


def _of_page(**changes: Any) -> dict[str, Any]:
    """Return the report of a page with sections."""
    report = _report(next=[], notFound=None, sections=SECTIONS)
    report["filters"] = {**report["filters"], "page": "/guide/\u00fcber/"}
    return report | {"path": "/guide/\u00fcber/"} | changes


def test_the_sections_of_a_page() -> None:
    """In its order: how many came so far, where they stopped, and a link to each that is there."""
    card = _cards(_of_page(), page="/guide/\u00fcber/")["sections"]

    assert [(row.name, row.bar, row.share, row.note) for row in card.rows] == [
        ("Install", "100.0%", "25%", ""),
        ("With pip", "75.0%", "50%", ""),
        ("From source", "25.0%", "25%", ""),
        ("Build", "0.0%", "0%", ""),
        ("<Windows>", "2.5%", "0%", "not in the page any more"),
    ]
    link = "https://kettle.example/docs/guide/%C3%BCber/#"
    assert [row.out for row in card.rows] == [
        *(link + anchor for anchor in ("install", "with-pip", "from-source", "build")),
        None,
    ]


def test_sections_are_where_there_are_any() -> None:
    """A page without headings has no card; one of which nobody said anything has an empty one."""
    unread = [row | {"pageLoads": 0, "stops": 0, "share": None} for row in SECTIONS]

    assert "sections" not in _cards(_of_page(sections=[]), page="/a/")
    assert "sections" not in _cards(_of_page(sections=None), page="/a/")
    assert _cards(_of_page(sections=unread), page="/a/")["sections"].rows == []


def test_a_page_of_many_sections_is_cut() -> None:
    """The whole list is a view of its own, like others; the anchors are escaped."""
    many = [SECTIONS[0] | {"id": f"a b{n}", "stops": 1} for n in range(SECTION_ROWS + 1)]
    report = _of_page(sections=many)
    card = _cards(report, page="/a/")["sections"]

    assert (len(card.rows), card.more) == (SECTION_ROWS, "/stats?page=/a/&list=sections")
    whole = _cards(report, page="/a/", list="sections")["sections"]
    assert len(whole.rows) == SECTION_ROWS + 1
    assert (whole.rows[3].out or "").endswith("#a%20b3")


def test_rows_say_what_they_are() -> None:
    """Names, shares of all, bars of the greatest, links that filter, addresses on the site."""
    cards = _cards(_report(), period="90d")
    install, post, gone = cards["content"].rows
    direct, search = cards["source"].rows

    assert (install.name, install.count, install.bar, install.share) == (
        "Install",
        734,
        "100.0%",
        "",
    )
    assert install.link == "/stats?period=90d&page=/guide/install/"
    assert install.out == "https://kettle.example/docs/guide/install/"
    assert post.bar == "66.8%"
    assert (gone.name, gone.out) == ("/gone/", None)
    assert (direct.name, direct.share) == ("Direct or unknown", "94.3%")
    assert direct.link == "/stats?period=90d&referrer="
    assert search.name == "search.example"
    assert [row.note for row in cards["missing"].rows] == ["from old.example"]
    assert [row.link for row in cards["missing"].rows] == [None]


@pytest.mark.parametrize(
    ("tab", "names"),
    [
        ({"content": "posts"}, ['First boil: "fast" & <quiet>']),
        ({"place": "languages"}, ["German"]),
        ({"client": "browsers"}, ["Firefox", "Safari", "Unknown"]),
        ({"client": "devices"}, ["Large", "Small, below 600 px"]),
        ({"source": "campaigns"}, ["spring \u00b7 newsletter \u00b7 email", "forum"]),
        ({"content": "entry"}, ["Install", 'First boil: "fast" & <quiet>']),
    ],
)
def test_tabs(tab: dict[str, str], names: list[str]) -> None:
    """The address chooses among the lists of a card."""
    card = _cards(_report(), **tab)[next(iter(tab))]

    assert [row.name for row in card.rows] == names


@pytest.mark.parametrize("text", ["a/b", "a/", "a/b/c/d", "a"])
def test_a_filter_that_is_no_campaign_is_called_what_it_says(text: str) -> None:
    """An address may ask for any text; only three parts are a campaign's."""
    assert name_filter(Texts("en"), "campaign", text) == text


def test_campaigns_say_their_parts() -> None:
    """What is escaped in their key is not in their name; the key is what they are filtered by."""
    rows = [{"campaign": key, "visits": 1} for key in ("a%2Fb//50%25 off", "(other)")]
    [row, others] = _cards(_report(campaigns=rows), source="campaigns")["source"].rows

    assert row.name == "50% off \u00b7 a/b"
    assert row.link == "/stats?campaign=a%252Fb//50%2525%20off&source=campaigns"
    assert (others.name, others.link) == ("Others", None)


def test_what_stands_for_all_others_is_no_filter() -> None:
    """The entry for all others has a name, and nothing to filter by."""
    [row] = _cards(_report(countries=[{"country": "(other)", "views": 3}]))["place"].rows

    assert (row.name, row.link, row.share) == ("Others", None, "100.0%")


def test_the_map_has_a_shade_by_views() -> None:
    """Countries are on the map by their share of all, the unknown one is not."""
    views = {"AT": 60, "DE": 34, "JP": 5, "US": 1, "": 0}
    countries = [{"country": code, "views": count} for code, count in views.items()]
    shapes = _cards(_report(countries=countries))["place"].shapes

    assert [(code, shade) for code, shade, _ in shapes] == [
        ("AT", 5),
        ("DE", 5),
        ("JP", 3),
        ("US", 2),
    ]


def test_long_lists_are_cut_and_whole_elsewhere() -> None:
    """A card has the first rows and the address of all of them, which is a view of its own."""
    languages = [{"language": "de", "views": 20 - n} for n in range(ROWS + 1)]
    report = _report(languages=languages)
    card = _cards(report, place="languages")["place"]
    whole = _cards(report, list="languages")

    assert len(card.rows) == ROWS
    assert card.more == "/stats?list=languages&place=languages"
    assert [len(card.rows) for card in whole.values()] == [ROWS + 1]


def test_an_unknown_list_has_no_card() -> None:
    """What a filter leaves unknown is left out, and empty where it was asked for alone."""
    report = _report(notFound=None)

    assert "missing" not in _cards(report)
    assert _cards(report, list="missing")["missing"].rows == []
