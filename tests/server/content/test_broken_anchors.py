"""Links to places that are not there: on which page, how many see them, what may be meant."""

from typing import Any

import pytest

from tests.server.conftest import Site
from tests.server.content.asking import ask, rows
from tests.server.content.manifests import deploy, page
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
    assert rows(bare, "broken-anchors") == [
        (*often, *guide, "Build_it-yourself", "from-source", "Build it yourself", 1.0),
        (*often, *guide, "installations", "installation", "Installation", 0.96),
        (*guide, 1, *guide, "from-sorce", "from-source", "Build it yourself", 0.952),
        (*seldom, *guide, "unlike-any-other", None, None, None),
    ]
    assert ask(bare, "broken-anchors")["facts"] == {
        "brokenLinks": 4,
        "onPages": 3,
        "similarHeadings": 3,
    }


def test_a_heading_that_was_renamed(bare: Site) -> None:
    """The link is whole with the first build, broken with the second, put right with the third."""
    before = page("/guide/", title="Guide", headings=_headings(set_up="Set up", other="Other"))
    after = page("/guide/", title="Guide", headings=_headings(setup="Setup", other="Other"))
    deploy(bare, before, page("/a/", anchors=["/guide/#set-up"]))
    assert rows(bare, "broken-anchors") == []
    deploy(bare, after, page("/a/", anchors=["/guide/#set-up"]))
    assert rows(bare, "broken-anchors") == [
        ("/a/", "A", 0, "/guide/", "Guide", "set-up", "setup", "Setup", 0.909)
    ]
    deploy(bare, after, page("/a/", anchors=["/guide/#setup"]))
    assert rows(bare, "broken-anchors") == []


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

    assert [(row[0], row[3], row[5], row[6]) for row in rows(bare, "broken-anchors")] == [
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

    assert [row[5:7] for row in rows(bare, "broken-anchors")] == [
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

    assert [row[5:8] for row in rows(bare, "broken-anchors")] == [
        (anchor, f"{anchor}!", "<b>Bold</b>"),
        ("=1+1", None, None),
    ]
    assert "<code>&lt;script&gt;&#34;é&lt;/script&gt;!</code>" in shown
    assert "<b>" not in shown
    assert ",'=1+1," in lines[2]


def test_a_site_without_broken_links(site: Site) -> None:
    """The manifest of the contract has no links at all."""
    assert ask(site, "broken-anchors")["rows"] == []
    assert ask(site, "broken-anchors")["facts"] == {
        "brokenLinks": 0,
        "onPages": 0,
        "similarHeadings": 0,
    }
