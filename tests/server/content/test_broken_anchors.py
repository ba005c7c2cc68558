"""Links to places that are not there: on which page, how many see them, what may be meant."""

import json
from typing import Any

import pytest

from tests.server.conftest import Site, session_id
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
from tracker_server import events
from tracker_server.content_reports import broken_anchors

DAY = 86_400


def _headings(**titles: str) -> list[dict[str, Any]]:
    return [
        {"id": name.replace("_", "-"), "title": title, "level": 2, "words": 1}
        for name, title in titles.items()
    ]


GUIDE = page(
    "/guide/",
    title="Guide",
    headings=_headings(guide="Guide", installation="Installation", from_source="Build it yourself"),
    anchors=["/guide/#from-sorce"],
)


def test_each_link_with_what_may_be_meant(bare: Site) -> None:
    """What most readers have before them is first; ids and titles are compared."""
    deploy(
        bare,
        GUIDE,
        page(
            "/often/",
            anchors=["/guide/#installations", "/guide/#guide", "/guide/#Build_it-yourself"],
        ),
        page("/seldom/", anchors=["/guide/#unlike-any-other", "/bare/#nobody-knows"]),
        page("/bare/"),
        page("/draft/", published=False, anchors=["/guide/#gone"]),
    )
    for reader in range(3):
        bare.view("/often/", reader)
    bare.view("/guide/")

    # 1 by the title, 2 * 12 / (13 + 12), and 2 * 10 / (10 + 11).
    often, seldom = ("/often/", "OFTEN", 3), ("/seldom/", "SELDOM", 0)
    guide = ("/guide/", "Guide")
    built, installed = ("Build it yourself", "similar"), ("Installation", "similar")
    assert rows(bare, "broken-anchors") == [
        (*often, *guide, "Build_it-yourself", None, [], "from-source", *built, 1.0),
        (*often, *guide, "installations", None, [], "installation", *installed, 0.96),
        (*guide, 1, *guide, "from-sorce", None, [], "from-source", *built, 0.952),
        (*seldom, *guide, "unlike-any-other", None, [], None, None, None, None),
    ]
    assert ask(bare, "broken-anchors")["facts"] == {
        "met": 0,
        "brokenLinks": 4,
        "onPages": 3,
        "renamedHeadings": 0,
        "similarHeadings": 3,
    }


SET_UP = _headings(guide="Guide", set_up="Set up", other="Other")
INSTALLED = _headings(guide="Guide", installation="Installation", other="Other")
RENAMED = ("installation", "Installation", "renamed", None)


def _guide(headings: list[dict[str, Any]], **keys: Any) -> dict[str, Any]:
    return page("/guide/", title="Guide", headings=headings, **keys)


def test_a_heading_that_was_renamed(bare: Site) -> None:
    """The link is whole with the first build, broken with the second, put right with the third."""
    link = page("/a/", anchors=["/guide/#set-up"])
    deploy(bare, _guide(SET_UP), link)
    assert rows(bare, "broken-anchors") == []
    deploy(bare, _guide(INSTALLED), link)
    assert rows(bare, "broken-anchors") == [
        ("/a/", "A", 0, "/guide/", "Guide", "set-up", None, [], *RENAMED)
    ]
    assert ask(bare, "broken-anchors")["facts"] == {
        "met": 0,
        "brokenLinks": 1,
        "onPages": 1,
        "renamedHeadings": 1,
        "similarHeadings": 0,
    }
    deploy(bare, _guide(INSTALLED), page("/a/", anchors=["/guide/#installation"]))
    assert rows(bare, "broken-anchors") == []


def test_a_renamed_heading_goes_before_one_that_is_alike(bare: Site) -> None:
    """Of links and of what readers met; a manifest without its heading takes it back."""
    alike = _headings(set_ups="Set-ups")
    deploy(bare, _guide(SET_UP + alike))
    deploy(bare, _guide(INSTALLED + alike), page("/a/", anchors=["/guide/#set-up"]))
    _arrive(bare, "/guide/", "set-up")
    found = rows(bare, "broken-anchors")
    assert [(row[0], *row[-4:]) for row in found] == [(None, *RENAMED), ("/a/", *RENAMED)]

    deploy(bare, _guide([*INSTALLED[::2], *alike]), page("/a/", anchors=["/guide/#set-up"]))
    closest = ("set-ups", "Set-ups", "similar", 0.923)
    found = rows(bare, "broken-anchors")
    assert [(row[0], *row[-4:]) for row in found] == [(None, *closest), ("/a/", *closest)]


def test_a_renamed_heading_is_known_however_many_rows_there_are(
    bare: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is like it is looked for with the first."""
    monkeypatch.setattr(broken_anchors, "MAX_COMPARED", 0)
    deploy(bare, _guide(SET_UP))
    deploy(bare, _guide(INSTALLED, anchors=["/guide/#guides", "/guide/#set-up"]))

    assert [(row[5], row[8]) for row in rows(bare, "broken-anchors")] == [
        ("guides", None),
        ("set-up", "installation"),
    ]


def test_a_renamed_heading_of_a_page_that_moved(bare: Site) -> None:
    """Readers met the anchor under the former path and, led on by a redirect, under the new."""
    deploy(bare, page("/old/", headings=SET_UP))
    deploy(bare, page("/old/", headings=INSTALLED))
    _arrive(bare, "/old/", "set-up", times=2)
    deploy(bare, _guide(INSTALLED, formerly=["/old/"]))
    _arrive(bare, "/guide/", "set-up")

    assert _met(bare) == [("/guide/", "Guide", "set-up", 3, [], *RENAMED)]


def test_a_heading_that_the_manifest_does_not_name_is_not_suggested(bare: Site) -> None:
    """It had no room for any; those that are kept for their figures may be there or not."""
    load = f"{99:032x}"
    deploy(bare, _guide(SET_UP))
    deploy(bare, _guide(INSTALLED))
    bare.view("/guide/", l=load)
    answer = bare.send("leave", "/guide/", l=load, v=9_000, h={"installation": 3_000})
    assert answer.status_code == 202
    _arrive(bare, "/guide/", "set-up")
    deploy(bare, _guide([]))
    assert _met(bare) == [("/guide/", "Guide", "set-up", 1, [], None, None, None, None)]

    deploy(bare, _guide(INSTALLED), page("/a/"))
    assert _met(bare) == [("/guide/", "Guide", "set-up", 1, [], *RENAMED)]


def test_csv_and_page_say_why(bare: Site) -> None:
    """In words of the file, and in those of the reader's language."""
    deploy(bare, _guide(SET_UP))
    deploy(bare, _guide(INSTALLED, anchors=["/guide/#others", "/guide/#set-up"]))
    csv = bare.client.get("/api/content/broken-anchors.csv").get_data(as_text=True)
    shown = {
        language: bare.client.get(f"/stats/content/broken-anchors?lang={language}").get_data(
            as_text=True
        )
        for language in ("en", "de")
    }

    assert csv.splitlines()[0].endswith(",suggestion,heading,why,similarity")
    assert [line.split(",")[-4:] for line in csv.splitlines()[1:]] == [
        ["other", "Other", "similar", "0.909"],
        ["installation", "Installation", "renamed", ""],
    ]
    for language, words in {"en": ("similar", "renamed"), "de": ("ähnlich", "umbenannt")}.items():
        for word in words:
            assert f">{word}</td>" in shown[language]


def test_views_of_the_days_that_are_asked_for(bare: Site) -> None:
    """Also those under a former path; the links are those of now whatever the days."""
    bare.view("/before/")
    deploy(bare, GUIDE, page("/a/", anchors=["/guide/#x"], formerly=["/before/"]))
    bare.clock.advance(7 * DAY)
    bare.view("/a/", reader=1)
    bare.view("/a/", reader=2)

    assert [row[:3] for row in rows(bare, "broken-anchors", period="7d")] == [
        ("/a/", "A", 2),
        ("/guide/", "Guide", 0),
    ]
    assert [row[2] for row in rows(bare, "broken-anchors", period="30d")] == [3, 0]


def test_of_equals_the_heading_that_stands_first(bare: Site) -> None:
    """And of equal pages the first by path, then by target, then by anchor."""
    two = page("/two/", headings=_headings(step_b="B", step_a="A"))
    deploy(
        bare,
        two,
        page("/x/", anchors=["/two/#step-d", "/two/#step-c", "/guide/#x"]),
        page("/c/", anchors=["/two/#step-c"]),
        GUIDE | {"anchors": []},
    )

    assert [(row[0], row[3], row[5], row[8]) for row in rows(bare, "broken-anchors")] == [
        ("/c/", "/two/", "step-c", "step-b"),
        ("/x/", "/guide/", "x", None),
        ("/x/", "/two/", "step-c", "step-b"),
        ("/x/", "/two/", "step-d", "step-b"),
    ]


def test_headings_are_looked_for_where_most_read(
    bare: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be a million links."""
    monkeypatch.setattr(broken_anchors, "MAX_COMPARED", 1)
    deploy(bare, GUIDE | {"anchors": []}, page("/a/", anchors=["/guide/#guid", "/guide/#guidee"]))

    assert [(row[5], row[8]) for row in rows(bare, "broken-anchors")] == [
        ("guid", "guide"),
        ("guidee", None),
    ]


def test_anchors_stay_texts(bare: Site) -> None:
    """They come from the pages and are shown as they are, as are headings."""
    anchor = '<script>"é</script>'
    heading = {"id": anchor + "!", "title": "<b>Bold</b>", "level": 2, "words": 1}
    deploy(
        bare,
        page("/a/", anchors=[f"/b/#{anchor}", "/b/#=1+1"]),
        page("/b/", headings=[heading]),
    )
    shown = bare.client.get("/stats/content/broken-anchors").get_data(as_text=True)
    lines = bare.client.get("/api/content/broken-anchors.csv").get_data(as_text=True).splitlines()

    assert [(row[5], *row[8:10]) for row in rows(bare, "broken-anchors")] == [
        (anchor, f"{anchor}!", "<b>Bold</b>"),
        ("=1+1", None, None),
    ]
    assert "<code>&lt;script&gt;&#34;é&lt;/script&gt;!</code>" in shown
    assert "<b>" not in shown
    assert ",'=1+1," in lines[2]


def _arrive(site: Site, path: str, anchor: str, referrer: str = "", times: int = 1) -> None:
    for _ in range(times):
        answer = site.send("event", path, n="anchor", k=anchor, r=referrer)
        assert answer.status_code == 204


def _met(site: Site, **asked: object) -> list[tuple[Any, ...]]:
    found = rows(site, "broken-anchors", **asked)
    return [row[3:] for row in found if row[0] is None]


def test_what_readers_met_is_first(bare: Site) -> None:
    """How often, from where most, and what may be meant; a link is a row of its own."""
    deploy(bare, GUIDE)
    _arrive(bare, "/guide/", "from-sorce", "https://www.blog.example/post", times=2)
    _arrive(bare, "/guide/", "from-sorce", "https://wiki.example/")
    _arrive(bare, "/guide/", "from-sorce")
    _arrive(bare, "/guide/", "unlike-any-other")

    guide = ("/guide/", "Guide")
    hosts = ["blog.example (2)", "wiki.example (1)"]
    meant = ("from-source", "Build it yourself", "similar", 0.952)
    nobody = (None, None, None)
    assert rows(bare, "broken-anchors") == [
        (*nobody, *guide, "from-sorce", 4, hosts, *meant),
        (*nobody, *guide, "unlike-any-other", 1, [], *nobody, None),
        (*guide, 0, *guide, "from-sorce", None, [], *meant),
    ]
    assert ask(bare, "broken-anchors")["facts"] == {
        "met": 5,
        "brokenLinks": 1,
        "onPages": 1,
        "renamedHeadings": 0,
        "similarHeadings": 2,
    }


def test_what_was_put_right_is_not_met_any_more(bare: Site) -> None:
    """A heading that is back, a page that is gone, and the top, which is always there."""
    deploy(bare, page("/a/"), page("/b/"), page("/c/"))
    for path in ("/a/", "/b/", "/c/", "/never/"):
        _arrive(bare, path, "set-up")
    _arrive(bare, "/a/", "Top")
    assert [row[0] for row in _met(bare)] == ["/a/", "/b/", "/c/"]

    deploy(bare, page("/a/", headings=_headings(set_up="Set up")), page("/b/"))
    assert _met(bare) == [("/b/", "B", "set-up", 1, [], None, None, None, None)]
    deploy(bare, page("/a/", headings=_headings(other="Other", more="More")))
    assert _met(bare) == [("/a/", "A", "set-up", 1, [], None, None, None, None)]


def test_met_in_the_days_that_are_asked_for(bare: Site) -> None:
    """Days are added up by anchor and host."""
    deploy(bare, page("/a/"))
    _arrive(bare, "/a/", "x", "https://blog.example/")
    bare.clock.advance(7 * DAY)
    _arrive(bare, "/a/", "x", "https://blog.example/", times=2)

    assert _met(bare, period="7d")[0][3:5] == (2, ["blog.example (2)"])
    assert _met(bare, period="30d")[0][3:5] == (3, ["blog.example (3)"])


@pytest.mark.parametrize(
    "anchor",
    [
        pytest.param("access_token=c0ffee", id="value"),
        pytest.param("state&code", id="list"),
        pytest.param("some words", id="words"),
        pytest.param("ada@example.org", id="address"),
        pytest.param("invite-sk_live_4eC39HqLyjWDarjtT1zdp7dc", id="secret"),
        pytest.param(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0", id="token"
        ),
        pytest.param("c0ffee00-1234-4567-89ab-0123456789ab", id="random"),
        pytest.param("x" * 201, id="long"),
        pytest.param("a\u202eb", id="bidi"),
        pytest.param("", id="empty"),
        pytest.param(None, id="none"),
        pytest.param(7, id="number"),
    ],
)
def test_what_is_no_anchor_is_stored_nowhere(site: Site, anchor: object) -> None:
    """It is refused, whatever else the message says."""
    answer = site.send("event", "/faq/", n="anchor", k=anchor)

    assert answer.status_code == 400
    assert answer.headers["X-Stats-Refused"] == "k: must be what can be an anchor"
    assert site.rows("SELECT count(*) FROM event_count") == [(0,)]
    assert site.rows("SELECT count(*) FROM label") == [(0,)]


@pytest.mark.parametrize(
    "anchor",
    [
        "step-12-install-the-package",
        "120-2026-05-01",
        "kettle.boil",
        "geh\u00f6rt",
        "fn:1",
        "x" * 200,
    ],
)
def test_titles_as_ids_are_anchors(site: Site, anchor: str) -> None:
    """Also those with a number and many words, and a day."""
    _arrive(site, "/faq/", anchor)

    assert site.rows("SELECT text, count FROM event_count JOIN label ON label.id = label_id") == [
        (anchor, 1)
    ]


def test_the_site_itself_is_no_referrer(site: Site) -> None:
    """As with missing pages; neither is nonsense."""
    message = {"t": "event", "n": "anchor", "k": "x", "s": session_id(0), "l": f"{1:032x}"}
    body = json.dumps({**message, "p": "/faq/", "r": "https://kettle.example/docs/"})
    site.client.post("/api/collect", data=body, headers={"Origin": "https://kettle.example"})
    _arrive(site, "/faq/", "x", "http://[::1")

    assert site.rows("SELECT number, count FROM event_count") == [(0, 2)]


def test_invented_anchors_cannot_fill_the_database(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the rows of a day they share one, and leave room for what else readers do."""
    monkeypatch.setitem(events.MAX_ROWS, "anchor", 2)
    deploy(site, page("/faq/"))
    for number in range(10):
        _arrive(site, "/faq/", f"gone-{number}", f"https://host{number}.example/")
    _arrive(site, "/faq/", "gone-0", "https://host0.example/")
    site.send("event", "/faq/", n="search", k="kettle", c=1)

    assert [(*row[:3:2], *row[3:5]) for row in _met(site)] == [
        ("(other)", "(other)", 8, []),
        ("/faq/", "gone-0", 2, ["host0.example (2)"]),
        ("/faq/", "gone-1", 1, ["host1.example (1)"]),
    ]
    assert ask(site, "searches")["facts"]["searches"] == 1


def test_a_site_without_broken_links(site: Site) -> None:
    """The manifest of the contract has no links at all."""
    assert ask(site, "broken-anchors")["rows"] == []
    assert ask(site, "broken-anchors")["facts"] == {
        "met": 0,
        "brokenLinks": 0,
        "onPages": 0,
        "renamedHeadings": 0,
        "similarHeadings": 0,
    }
