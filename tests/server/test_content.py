"""What manifests leave in the tables: pages, links, anchors, former paths and changes."""

from dataclasses import replace
from typing import Any

import pytest

from tests.server.conftest import NOON, MakeSite, Site, refuse_writes
from tracker_server import content as content_module
from tracker_server import links as links_module
from tracker_server.errors import StorageError
from tracker_server.model import Heading, Manifest, Page

AT = int(NOON)


@pytest.fixture
def bare(make_site: MakeSite) -> Site:
    """Return a tracker without manifest."""
    return make_site()


def _page(path: str, **keys: Any) -> Page:
    return Page(path, path.strip("/"), path.upper(), "page", published=True, **keys)


def _deploy(site: Site, *pages: Page, **keys: Any) -> None:
    """Put a manifest in force, whichever it is."""
    digest = str(len(site.rows("SELECT id FROM deploy")) + 1)
    site.tracker.store.replace_pages(Manifest("Kettle", None, pages, **keys), digest, AT)


def _links(site: Site) -> list[tuple[Any, ...]]:
    return site.rows(
        "SELECT a.text, b.text FROM link JOIN path a ON a.id = from_id JOIN path b ON b.id = to_id "
        "ORDER BY 1, 2"
    )


def _broken(site: Site) -> list[tuple[Any, ...]]:
    return site.rows(
        "SELECT a.text, b.text, anchor FROM broken_anchor "
        "JOIN path a ON a.id = from_id JOIN path b ON b.id = to_id ORDER BY 1, 2, 3"
    )


def _moved(site: Site) -> list[tuple[Any, ...]]:
    return site.rows(
        "SELECT moved.text, path.text FROM moved JOIN path ON path.id = path_id ORDER BY 1"
    )


def _changes(site: Site) -> list[tuple[Any, ...]]:
    return site.rows(
        "SELECT deploy_id, text, kind FROM deploy_change JOIN path ON path.id = path_id "
        "ORDER BY 1, 2"
    )


def test_a_page_is_stored_with_all_it_says(bare: Site) -> None:
    """Paths become ids, lists become JSON, and what nobody knows is null."""
    whole = _page(
        "/b/",
        date="2026-03-01",
        words=5,
        source="b.md",
        created="2024-02-29",
        updated="2026-01-02",
        authors=("Ada", 'Grace "G"'),
        tags=("ü",),
        nav=2,
        trail=("Start", "More"),
        previous="/a/",
        next="/c/",
        code_lines=0,
        reading_seconds=61,
        language="pt-br",
        outbound=3,
        digest="0123456789ab",
    )
    _deploy(bare, _page("/a/"), whole, _page("/c/", previous="/gone/", next="/b/"), version="2.1")

    days = ", ".join(f"CAST({name} AS VARCHAR)" for name in ("date", "created", "updated"))
    assert bare.rows(
        f"SELECT path_id, slug, title, type, words, source, {days}, authors, tags, nav, trail, "
        "previous_id, next_id, code_lines, reading_seconds, language, outbound, digest "
        "FROM page ORDER BY path_id"
    ) == [
        (1, "a", "/A/", "page", *[None] * 5, "[]", "[]", *[None] * 9),
        (
            *(2, "b", "/B/", "page", 5, "b.md", "2026-03-01", "2024-02-29", "2026-01-02"),
            *('["Ada", "Grace \\"G\\""]', '["ü"]', 2, '["Start", "More"]', 1, 3, 0, 61),
            *("pt-br", 3, "0123456789ab"),
        ),
        (3, "c", "/C/", "page", *[None] * 5, "[]", "[]", None, None, None, 2, *[None] * 5),
    ]
    assert bare.rows("SELECT version FROM totals") == [("2.1",)]


def test_what_is_not_said_any_more_is_gone(bare: Site) -> None:
    """Nothing of the manifest before stays."""
    links = {"links": ("/b/",), "anchors": ("/b/#x",), "formerly": ("/old/",)}
    there = _page("/b/", headings=(Heading("y", "Y", 1, 1),))
    _deploy(
        bare,
        _page("/a/", tags=("x",), nav=1, **links),
        there,
        version="2",
        redirects={"/r/": "/b/"},
    )
    assert (len(_links(bare)), len(_broken(bare)), len(_moved(bare))) == (1, 1, 2)
    _deploy(bare, _page("/a/"), there)

    assert (_links(bare), _broken(bare), _moved(bare)) == ([], [], [])
    assert bare.rows("SELECT * FROM redirect") == []
    assert bare.rows("SELECT version FROM totals") == [(None,)]
    assert bare.rows("SELECT tags, nav FROM page WHERE path_id = 1") == [("[]", None)]


def test_links_are_those_between_pages(bare: Site) -> None:
    """A link to itself or to what is no page is none, and each counts once."""
    _deploy(
        bare,
        _page("/a/", links=("/b/", "/a/", "/file.pdf", "/b/")),
        _page("/b/", links=("/a/", "/c/")),
        _page("/c/"),
    )

    assert _links(bare) == [("/a/", "/b/"), ("/b/", "/a/"), ("/b/", "/c/")]


@pytest.mark.parametrize("part", [1, 2, 2_000])
def test_links_follow_the_pages(bare: Site, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
    """Links to and from a page that goes are gone with it, and are back when it is."""
    monkeypatch.setattr(links_module, "PART_PAGES", part)
    a = _page("/a/", links=("/b/", "/c/"))
    b, c, d = _page("/b/", links=("/a/",)), _page("/c/", links=("/b/",)), _page("/d/")
    every = [("/a/", "/b/"), ("/a/", "/c/"), ("/b/", "/a/"), ("/c/", "/b/")]
    _deploy(bare, a, b, c)
    assert _links(bare) == every
    _deploy(bare, a, c)
    assert _links(bare) == [("/a/", "/c/")]
    _deploy(bare, d)
    assert _links(bare) == []
    _deploy(bare, d, c, b, a)
    assert _links(bare) == every
    _deploy(bare, d, c, b, replace(a, links=("/d/", "/c/")))

    assert _links(bare) == [("/a/", "/c/"), ("/a/", "/d/"), ("/b/", "/a/"), ("/c/", "/b/")]


def test_links_that_stay_are_not_written_again(bare: Site) -> None:
    """Of a large site few change with a deploy."""
    _deploy(bare, _page("/a/", links=("/b/", "/c/")), _page("/b/"), _page("/c/"))
    refuse_writes(bare.tracker.engine, "link", "NEW.from_id = 1 AND NEW.to_id = 2")
    _deploy(bare, _page("/a/", links=("/b/",)), _page("/b/", links=("/c/",)), _page("/c/"))

    assert _links(bare) == [("/a/", "/b/"), ("/b/", "/c/")]
    _deploy(bare, _page("/b/", links=("/c/",)), _page("/c/"))
    with pytest.raises(StorageError, match="refused"):
        _deploy(bare, _page("/a/", links=("/b/",)), _page("/b/"))


def test_an_anchor_is_broken_when_its_page_has_headings_without_it(bare: Site) -> None:
    """Nobody knows of a page without headings, of what is no page, and every page has a top."""
    anchors = (
        *("/a/#here", "/a/#not", "/b/#here", "/b/#not", "/b/#NOT", "/b/#top", "/b/#Top"),
        *("/bare/#not", "/gone/#not", "/c/#here#not", "/c/#here"),
    )
    here = (Heading("here", "Here", 1, 1),)
    _deploy(
        bare,
        _page("/a/", anchors=anchors, headings=here),
        _page("/b/", headings=here),
        _page("/bare/"),
        _page("/c/", anchors=("/a/#not",), headings=here),
    )

    assert _broken(bare) == [
        ("/a/", "/a/", "not"),
        ("/a/", "/b/", "NOT"),
        ("/a/", "/b/", "not"),
        ("/a/", "/c/", "here#not"),
        ("/c/", "/a/", "not"),
    ]


def test_nothing_is_said_of_a_page_whose_headings_may_be_more(bare: Site) -> None:
    """A manifest names 500 of a page at most."""
    several = tuple(Heading(f"{n}", "", 1, 1) for n in range(500))
    pages = [_page("/a/", headings=several[1:]), _page("/b/", headings=several)]
    _deploy(bare, *pages, _page("/c/", anchors=("/a/#x", "/b/#x")))

    assert _broken(bare) == [("/c/", "/a/", "x")]


def test_an_anchor_is_whole_again_with_its_heading(bare: Site) -> None:
    """And broken when the heading goes."""
    a = _page("/a/", anchors=("/b/#x",))
    with_x = _page("/b/", headings=(Heading("x", "X", 1, 1), Heading("y", "Y", 2, 1)))
    without = _page("/b/", headings=(Heading("y", "Y", 2, 1),))
    found = []
    for page in (with_x, without, with_x):
        _deploy(bare, a, page)
        found.append(_broken(bare))

    assert found == [[], [("/a/", "/b/", "x")], []]


def test_former_paths_lead_to_the_page_of_now(bare: Site) -> None:
    """By its history, by redirects, over several of either, and not where a page is again."""
    _deploy(
        bare,
        _page("/now/", formerly=("/before/", "/long-before/", "/again/", "/both/")),
        _page("/other/", formerly=("/before/", "/now/", "/of-other/")),
        _page("/again/"),
        redirects={
            "/r/": "/now/",
            "/place/": "/other/#part",
            "/1/": "/2/",
            "/2/": "/3/",
            "/3/": "/long-before/",
            "/both/": "/other/",
            "/away/": "https://a.example/now/",
            "/nowhere/": "/not-there/",
            "/round/": "/and-round/",
            "/and-round/": "/round/",
            "/itself/": "/itself/",
            "/again/": "/now/",
            "/mark/": "#",
        },
    )

    assert _moved(bare) == [
        ("/1/", "/now/"),
        ("/2/", "/now/"),
        ("/3/", "/now/"),
        ("/before/", "/now/"),
        ("/both/", "/other/"),
        ("/long-before/", "/now/"),
        ("/of-other/", "/other/"),
        ("/place/", "/other/"),
        ("/r/", "/now/"),
    ]
    assert bare.rows("SELECT target FROM redirect WHERE text = '/place/'") == [("/other/#part",)]
    assert bare.rows("SELECT count(*) FROM redirect") == [(13,)]
    assert bare.rows("SELECT text FROM path ORDER BY 1") == [("/again/",), ("/now/",), ("/other/",)]


def test_a_page_that_moves_twice(bare: Site) -> None:
    """Its first path leads to its third; when it comes back to it, the others do."""
    _deploy(bare, _page("/1/"))
    assert _moved(bare) == []
    _deploy(bare, _page("/2/", formerly=("/1/",)))
    assert _moved(bare) == [("/1/", "/2/")]
    _deploy(bare, _page("/3/", formerly=("/2/", "/1/")))
    assert _moved(bare) == [("/1/", "/3/"), ("/2/", "/3/")]
    _deploy(bare, _page("/1/", formerly=("/3/", "/2/")))

    assert _moved(bare) == [("/2/", "/1/"), ("/3/", "/1/")]
    assert bare.rows("SELECT path_id FROM page") == [(1,)]


def test_what_a_deploy_changed_is_noted(bare: Site) -> None:
    """Against the one before: added, changed and removed; nothing for the very first."""
    a, b = _page("/a/", digest="a" * 12), _page("/b/", digest="b" * 12)
    c, silent = _page("/c/", digest="c" * 12), _page("/silent/")
    _deploy(bare, a, b, silent)
    assert _changes(bare) == []
    _deploy(bare, a, replace(b, digest="0" * 12), c, silent)
    assert _changes(bare) == [(2, "/b/", 2), (2, "/c/", 1)]
    _deploy(bare, replace(a, digest="1" * 12), c, replace(silent, digest="2" * 12))

    assert _changes(bare) == [
        *((2, "/b/", 2), (2, "/c/", 1)),
        *((3, "/a/", 2), (3, "/b/", 3)),
    ]
    _deploy(bare, replace(a, digest=None, title="Another"), b, c, silent)
    assert _changes(bare)[4:] == [(4, "/b/", 1)]
    _deploy(bare)
    assert _changes(bare)[5:] == [(5, text, 3) for text in ("/a/", "/b/", "/c/", "/silent/")]
    _deploy(bare, a)
    assert _changes(bare)[9:] == [(6, "/a/", 1)]


def test_a_first_manifest_without_pages_is_the_first_all_the_same(bare: Site) -> None:
    """What comes after it was added."""
    _deploy(bare)
    _deploy(bare, _page("/a/"))

    assert _changes(bare) == [(2, "/a/", 1)]


def test_the_changes_of_a_deploy_are_bounded(bare: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was added goes before what changed, and that before what is gone."""
    monkeypatch.setattr(content_module, "MAX_CHANGES", 4)
    old = [_page(f"/{n}/", digest="a" * 12) for n in range(6)]
    _deploy(bare, *old)
    changed = [replace(page, digest="b" * 12) for page in old[3:]]
    _deploy(bare, *changed, _page("/new/"), _page("/newer/"))

    assert _changes(bare) == [(2, "/3/", 2), (2, "/4/", 2), (2, "/new/", 1), (2, "/newer/", 1)]


def test_the_same_manifest_again_changes_nothing(bare: Site) -> None:
    """Its digest is in force."""
    store = bare.tracker.store
    manifest = Manifest("Kettle", None, (_page("/a/", digest="a" * 12),))
    store.replace_pages(manifest, "1", AT)
    store.replace_pages(replace(manifest, pages=(_page("/b/"),)), "1", AT)

    assert bare.rows("SELECT count(*) FROM deploy") == [(1,)]
    assert _changes(bare) == []
