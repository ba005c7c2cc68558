"""Renamed headings: what two manifests tell, and what is kept of it over many."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from tests.server.conftest import MakeSite, Site
from tracker_server import former_anchors, headings
from tracker_server.former_anchors import MAX_FORMER, find_renamed
from tracker_server.model import MAX_HEADINGS, Heading, Manifest, Page

AT = 1_767_268_800
"""When manifests come into force."""
LOAD = f"{7:032x}"


@pytest.fixture
def bare(make_site: MakeSite) -> Site:
    """Return a tracker without manifest."""
    return make_site()


def _headings(text: str) -> tuple[Heading, ...]:
    """Return headings such as ``a b/3 c=Title``: ids, perhaps with a level and a title."""
    found = []
    for word in text.split():
        name, _, title = word.partition("=")
        anchor, _, level = name.partition("/")
        found.append(Heading(anchor, title or anchor.upper(), int(level or 2), 1))
    return tuple(found)


@pytest.mark.parametrize(
    ("before", "after", "renamed"),
    [
        pytest.param("a x b", "a y b", "x>y", id="between-two"),
        pytest.param("x a", "y a", "x>y", id="first"),
        pytest.param("a x", "a y", "x>y", id="last"),
        pytest.param("x", "y", "x>y", id="only-one"),
        pytest.param("a x1 x2/3 b", "a y1 y2/3 b", "x1>y1 x2>y2", id="two-in-order"),
        pytest.param("x1 a x2 b x3", "y1 a y2 b y3", "x1>y1 x2>y2 x3>y3", id="several-places"),
        pytest.param("a x b", "a b", "", id="deleted"),
        pytest.param("a b", "a y b", "", id="added"),
        pytest.param("a b c", "c a b", "", id="reordered"),
        pytest.param("a b", "b a", "", id="swapped"),
        pytest.param("a x b", "b y a", "", id="turned-round"),
        pytest.param("a x b c", "a b y c", "", id="elsewhere"),
        pytest.param("c a x b", "a y b c", "x>y", id="beside-what-was-reordered"),
        pytest.param("a x b", "a c y b", "", id="new-beside-it"),
        pytest.param("a x b", "a y1 y2 b", "", id="split"),
        pytest.param("a x1 x2 b", "a y b", "", id="joined"),
        pytest.param("a x b", "a y/3 b", "", id="other-level"),
        pytest.param("a x1/2 x2/3 b", "a y1/3 y2/2 b", "", id="levels-swapped"),
        pytest.param("a x=Same b", "a y=Same b", "x>y", id="same-title"),
        pytest.param("x1=One x2=Two", "y2=Two y1=One", "", id="titles-swapped"),
        pytest.param("a x=One b", "a y=Two b z=One", "", id="title-went-elsewhere"),
        pytest.param("a x=One b z=Two", "a y=Two b", "", id="title-came-from-elsewhere"),
        pytest.param("a b", "a b", "", id="unchanged"),
        pytest.param("", "a b", "", id="nothing-before"),
        pytest.param("a b", "", "", id="nothing-after"),
    ],
)
def test_what_two_manifests_tell(before: str, after: str, renamed: str) -> None:
    """As many of the same levels, between the same two; what is less certain is not guessed."""
    expected = dict(pair.split(">") for pair in renamed.split())

    assert find_renamed(_headings(before), _headings(after)) == expected


_PAGES = st.lists(
    st.builds(Heading, st.sampled_from("abcdefgh"), st.sampled_from("ABC"), st.integers(1, 3)),
    unique_by=lambda heading: heading.anchor,
).map(tuple)


@given(_PAGES, st.sets(st.sampled_from("abcdefgh")))
def test_what_is_only_renamed_is_found(page: tuple[Heading, ...], some: set[str]) -> None:
    """Any of the headings, if nothing else has changed."""
    after = [
        replace(one, anchor=f"{one.anchor}2", title=f"{one.title}2") if one.anchor in some else one
        for one in page
    ]
    there = {one.anchor for one in page}

    assert find_renamed(page, after) == {name: f"{name}2" for name in some & there}


@given(_PAGES, _PAGES)
def test_the_way_back_is_the_way(before: tuple[Heading, ...], after: tuple[Heading, ...]) -> None:
    """It leads from what is gone to what is new, and from there to where it came from."""
    found, back = find_renamed(before, after), find_renamed(after, before)
    gone, fresh = {one.anchor for one in before}, {one.anchor for one in after}

    assert {new: old for old, new in found.items()} == back
    assert found.keys() <= gone - fresh
    assert {*found.values()} <= fresh - gone


def _deploy(site: Site, /, *formerly: str, **pages: str) -> None:
    """Put a manifest in force: the headings of its pages, and former paths of the first."""
    paths = {f"/{name}/": _headings(text) for name, text in pages.items()}
    rows = tuple(
        Page(path, path, path, "page", published=True, headings=some)
        for path, some in paths.items()
    )
    if formerly:
        rows = (replace(rows[0], formerly=formerly), *rows[1:])
    digest = str(len(site.rows("SELECT id FROM deploy")) + 1)
    site.tracker.store.replace_pages(Manifest("Kettle", None, rows), digest, AT)


def _former(site: Site) -> list[str]:
    """Return ``page former>now`` and the number of the deploy."""
    found = site.rows(
        "SELECT path.text, former, anchor, deploy_id FROM former_anchor "
        "JOIN path ON path.id = path_id"
    )
    return sorted(f"{path} {former}>{anchor} {deploy}" for path, former, anchor, deploy in found)


def test_a_first_manifest_renames_nothing(bare: Site) -> None:
    """Nor does a page that is new, or that was gone and comes back."""
    _deploy(bare, a="x b")
    _deploy(bare, b="z")
    _deploy(bare, a="y b", b="z")

    assert _former(bare) == []


def test_what_was_renamed_again_is_led_on(bare: Site) -> None:
    """A chain has one end, and says when each anchor went."""
    _deploy(bare, a="x b", c="x b")
    _deploy(bare, a="y b", c="x b")
    assert _former(bare) == ["/a/ x>y 2"]
    _deploy(bare, a="z b", c="x b")
    assert _former(bare) == ["/a/ x>z 2", "/a/ y>z 3"]
    _deploy(bare, a="z b more", c="x b")
    assert _former(bare) == ["/a/ x>z 2", "/a/ y>z 3"]


def test_what_is_there_again_is_no_former_one(bare: Site) -> None:
    """Renamed back in the place, or given to another heading."""
    _deploy(bare, a="x b")
    _deploy(bare, a="y b")
    _deploy(bare, a="x b")
    assert _former(bare) == ["/a/ y>x 3"]
    _deploy(bare, a="x b y")
    assert _former(bare) == []


def test_two_that_trade_their_anchors_over_time(bare: Site) -> None:
    """Each manifest by itself is right, and so is what is left of them."""
    _deploy(bare, a="x b y")
    _deploy(bare, a="t b y")
    _deploy(bare, a="t b x")
    assert _former(bare) == ["/a/ y>x 3"]
    _deploy(bare, a="y b x")
    assert _former(bare) == ["/a/ t>y 4"]


def test_what_leads_nowhere_is_forgotten(bare: Site) -> None:
    """With the heading, and with the page."""
    _deploy(bare, a="x b", c="x b", d="x b")
    _deploy(bare, a="y b", c="y b", d="y b")
    _deploy(bare, a="b", c="y b")
    assert _former(bare) == ["/c/ x>y 2"]
    _deploy(bare, a="y b", c="y b", d="y b")
    assert _former(bare) == ["/c/ x>y 2"]


def test_a_manifest_that_names_no_headings_forgets_nothing(bare: Site) -> None:
    """It may have had no room for them; what leads nowhere goes when they are known again."""
    _deploy(bare, a="x b x2", c="x b")
    _deploy(bare, a="y b y2", c="y b")
    _deploy(bare, a="", c="")
    assert _former(bare) == ["/a/ x2>y2 2", "/a/ x>y 2", "/c/ x>y 2"]
    _deploy(bare, a="b y2", c="y b")
    assert _former(bare) == ["/a/ x2>y2 2", "/c/ x>y 2"]


def test_of_a_page_with_too_many_headings_nothing_is_said(bare: Site) -> None:
    """Those at the end are not named, so nobody knows what went."""
    many = " ".join(f"h{n}" for n in range(MAX_HEADINGS - 1))
    _deploy(bare, a=f"x {many}", b="x b")
    _deploy(bare, a=f"y {many}", b="y b")
    assert _former(bare) == ["/b/ x>y 2"]
    _deploy(bare, a="z h0", b=f"{many} y")
    assert _former(bare) == ["/b/ x>y 2"]


def test_no_more_are_kept_than_the_bound(bare: Site) -> None:
    """The newest, and of equals those that stand further up the page."""
    _deploy(bare, a=f"x {_run('a')}")
    _deploy(bare, a=f"y {_run('a')}")
    assert _former(bare) == ["/a/ x>y 2"]
    _deploy(bare, a=f"y {_run('b')}")

    kept = {f"/a/ a{n}>b{n} 3" for n in range(MAX_FORMER)}
    assert {*_former(bare)} == kept


def _run(name: str) -> str:
    return " ".join(f"{name}{n}" for n in range(MAX_FORMER + 10))


def test_former_anchors_move_with_their_page(bare: Site) -> None:
    """And it is compared with what it was under its former path."""
    _deploy(bare, old="x b", other="b")
    _deploy(bare, old="y b", other="b")
    _deploy(bare, "/old/", new="y b2", other="b")

    assert _former(bare) == ["/new/ b>b2 3", "/new/ x>y 2"]


def test_former_anchors_of_pages_that_become_one(bare: Site) -> None:
    """Its own go before, then the newest; what its headings do not have is left out."""
    _deploy(bare, one="x a", two="x b", new="v c")
    _deploy(bare, one="y a", two="x b", new="w c")
    _deploy(bare, one="y a", two="z b", new="w c")
    assert _former(bare) == ["/new/ v>w 2", "/one/ x>y 2", "/two/ x>z 3"]
    _deploy(bare, "/one/", "/two/", new="w c z y")
    assert _former(bare) == ["/new/ v>w 2", "/new/ x>z 3"]


def test_nobody_knows_what_several_pages_were_that_become_one(bare: Site) -> None:
    """None of them is what it was before."""
    _deploy(bare, one="x a", two="t a")
    _deploy(bare, "/one/", "/two/", new="y a")

    assert _former(bare) == []


def test_a_page_that_takes_another_in_is_compared_with_itself(bare: Site) -> None:
    """And what came from there is checked, even if its own headings did not change."""
    _deploy(bare, old="x z", less="m n", new="p q")
    _deploy(bare, old="q y", less="m n", new="p q")
    _deploy(bare, "/old/", new="p q", less="m n")
    assert _former(bare) == ["/new/ x>q 2"]
    _deploy(bare, "/old/", "/less/", new="p r")
    assert _former(bare) == ["/new/ q>r 4", "/new/ x>r 2"]


def test_headings_that_stay_for_their_figures_are_gone_all_the_same(bare: Site) -> None:
    """Nothing is compared with them, and they can be there again."""
    _deploy(bare, a="x b")
    bare.view("/a/", l=LOAD)
    assert bare.send("leave", "/a/", l=LOAD, v=9_000, h={"x": 3_000}).status_code == 202
    _deploy(bare, a="y b")
    assert ("x", None) in bare.rows("SELECT anchor, position FROM heading")
    _deploy(bare, a="z b")
    assert _former(bare) == ["/a/ x>z 2", "/a/ y>z 3"]
    _deploy(bare, a="z b x")
    assert _former(bare) == ["/a/ y>z 3"]


def test_pages_in_portions_are_what_they_are_at_once(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the paths that they had before."""
    monkeypatch.setattr(headings, "MAX_VARIABLES", 2)
    monkeypatch.setattr(former_anchors, "_PART", 2)
    site = make_site()
    _deploy(site, **{f"p{n}": "x b" for n in range(7)})
    _deploy(site, **{f"p{n}": "y b" for n in range(7)})
    assert _former(site) == [f"/p{n}/ x>y 2" for n in range(7)]
    _deploy(site, *(f"/p{n}/" for n in range(1, 7)), new="y b", p0="y b")
    assert _former(site) == ["/new/ x>y 2", "/p0/ x>y 2"]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_manifests_come(bare: Site, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """What is kept leads from what is not there to what is, and is no more than the bound."""
    monkeypatch.setattr(former_anchors, "MAX_FORMER", 4)
    random, most = Random(seed), 0
    pages = dict.fromkeys("xyz", "abcdef")
    for _ in range(40):
        for name, text in pages.items():
            letters = [*text]
            for place in random.sample(range(len(letters)), random.choice([0, 1, 1, 2])):
                letters[place] = random.choice("abcdefghijklmnop")
            pages[name] = "".join(dict.fromkeys(letters)) + random.choice(["", "q", "r"])
            pages[name] = "".join(dict.fromkeys(pages[name]))[-7:]
        shown = {name: text for name, text in pages.items() if random.random() < 0.9}
        _deploy(bare, **{name: " ".join(text) for name, text in shown.items()})
        kept = bare.rows(
            "SELECT path.text, former, anchor FROM former_anchor JOIN path ON path.id = path_id"
        )
        for path, former, anchor in kept:
            assert former not in shown[path.strip("/")]
            assert anchor in shown[path.strip("/")]
        for name in shown:
            count = sum(row[0] == f"/{name}/" for row in kept)
            assert count <= 4
            most = max(most, count)

    assert most == 4


def test_a_page_that_does_not_change_costs_no_statement(bare: Site) -> None:
    """Whatever is kept of it."""
    statements: list[str] = []
    _deploy(bare, a="x b", c="x b")
    _deploy(bare, a="y b", c="x b")
    event.listen(
        bare.tracker.engine, "before_cursor_execute", lambda *seen: statements.append(seen[2])
    )
    _deploy(bare, a="y b", c="x b", d="")
    assert any("heading" in statement for statement in statements)
    assert not any("former_anchor" in statement for statement in statements)

    _deploy(bare, a="y b", c="z b")
    assert any("former_anchor" in statement for statement in statements)
