"""How sections are read: what messages say of each heading, kept once however often it is said."""

from collections import Counter
from itertools import permutations
from random import Random
from typing import Any

import pytest

from tests.server.conftest import NOON, MakeDatabase, MakeSite, Site, session_id
from tracker_server import headings as headings_module
from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.database import open_reader
from tracker_server.dwell import Sections
from tracker_server.model import Beat, Engagement, Heading, Leave, Manifest, Page, Received, View
from tracker_server.queries.moved import NO_MOVES
from tracker_server.queries.sections import read_sections

LOAD = "1" * 32
OTHER_LOAD = "2" * 32
DAY = 86_400
TO_INSTALL = "?from=2026-01-01&to=2026-01-02&page=/guide/install/"


def _sections(site: Site, query: str = TO_INSTALL) -> list[dict[str, Any]] | None:
    site.clock.advance(10)  # Older than an answer that is kept.
    report = site.client.get("/api/report" + query).get_json()
    sections: list[dict[str, Any]] | None = report["sections"]
    return sections


def _read(site: Site, query: str = TO_INSTALL) -> dict[str, tuple[int, int, int]]:
    """Return page loads, seconds and stops of the sections that have any."""
    rows = {
        row["id"]: (row["pageLoads"], row["visibleSeconds"], row["stops"])
        for row in _sections(site, query) or ()
    }
    return {anchor: sums for anchor, sums in rows.items() if any(sums)}


def _leave(site: Site, load: Any = LOAD, reader: int = 0, **times: int) -> None:
    path, said = "/guide/install/", {name.replace("_", "-"): ms for name, ms in times.items()}
    answer = site.send("leave", path, reader, l=load, v=60_000, a=0, d=0, h=said)
    assert answer.status_code == 202


def _put(site: Site, *anchors: str, path: str = "/a/", digest: str = "", title: str = "A") -> None:
    rows = tuple(Heading(anchor, f"{title} {anchor}", 2, 10) for anchor in anchors)
    page = Page(path, path.strip("/"), "A", "page", published=True, headings=rows)
    digest = digest or " ".join((path, title, *anchors))
    site.tracker.store.replace_pages(Manifest("", None, (page,)), digest, int(NOON))


def test_the_report_of_a_page_has_its_sections(site: Site) -> None:
    """In page order, those that nobody reached with zeros; shares are of the loads that said."""
    for reader, times in enumerate([{"install": 4_000}, {"install": 6_000, "with_pip": 9_400}]):
        site.view("/guide/install/", reader, l=LOAD)
        _leave(site, reader=reader, **times)
    site.view("/guide/install/", 2, l=LOAD)
    site.send("leave", "/guide/install/", 2, l=LOAD, v=1_000, a=0, d=0)

    assert _sections(site) == [
        {
            "id": "install",
            "title": "Install",
            "level": 1,
            "words": 3,
            "pageLoads": 2,
            "share": 1.0,
            "visibleSeconds": 10,
            "meanSeconds": 5.0,
            "stops": 1,
            "gone": False,
        },
        {
            "id": "with-pip",
            "title": "With pip",
            "level": 2,
            "words": 3,
            "pageLoads": 1,
            "share": 0.5,
            "visibleSeconds": 9,
            "meanSeconds": 9.4,
            "stops": 1,
            "gone": False,
        },
        *(
            {
                "id": anchor,
                "title": title,
                "level": level,
                "words": words,
                "pageLoads": 0,
                "share": 0.0,
                "visibleSeconds": 0,
                "meanSeconds": None,
                "stops": 0,
                "gone": False,
            }
            for anchor, title, level, words in (
                ("from-source", "From source", 2, 2),
                ("build", "Build", 3, 5),
            )
        ),
    ]
    assert [
        row["share"] for row in _sections(site, "?to=2025-12-31&page=/guide/install/") or ()
    ] == [None] * 4


@pytest.mark.parametrize(
    ("query", "sections"),
    [
        pytest.param("", None, id="site"),
        pytest.param("?page=/guide/install/&country=AT", None, id="filter-of-views"),
        pytest.param("?page=/", [], id="page-without-headings"),
        pytest.param("?page=/never/", [], id="unknown-page"),
    ],
)
def test_what_has_no_sections(site: Site, query: str, sections: object) -> None:
    """Only a page has any, and roll-ups know nothing of who read them."""
    site.view("/guide/install/", l=LOAD)
    _leave(site, install=1_000)

    assert _sections(site, query) == sections


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_messages_in_any_order_and_twice_give_the_same(site: Site, order: tuple[int, ...]) -> None:
    """Each says what was so far; the furthest section is where the load stopped."""
    said = [
        {"install": 2_000},
        {"install": 5_000, "build": 1_000},
        {"install": 5_000, "build": 3_000},
    ]
    site.view("/guide/install/", l=LOAD)
    for number in [*order, *order]:
        _leave(site, **said[number])

    assert _read(site) == {"install": (1, 5, 0), "build": (1, 3, 1)}


def test_a_lost_message_changes_nothing(site: Site) -> None:
    """The next one says all of it."""
    site.view("/guide/install/", l=LOAD)
    _leave(site, install=2_000, with_pip=2_000, from_source=7_000)

    assert _read(site) == {"install": (1, 2, 0), "with-pip": (1, 2, 0), "from-source": (1, 7, 1)}


def test_loads_of_one_reader_and_of_several_are_summed(site: Site) -> None:
    """A section that two loads had in view has two."""
    site.view("/guide/install/", 1, l=LOAD)
    _leave(site, reader=1, install=1_000, build=1_000)
    _leave(site, OTHER_LOAD, 1, install=2_000)
    site.view("/guide/install/", 2, l=LOAD)
    _leave(site, reader=2, install=4_000, build=3_000)

    assert _read(site) == {"install": (3, 7, 1), "build": (2, 4, 2)}
    assert session_id(1) != session_id(2)


def test_a_stop_moves_on_with_the_reader(site: Site) -> None:
    """And never back."""
    site.view("/guide/install/", l=LOAD)
    stops = []
    for times in (
        {"install": 1_000},
        {"from_source": 1_000},
        {"with_pip": 1_000},
        {"build": 1_000},
    ):
        _leave(site, **times)
        stops.append([anchor for anchor, sums in _read(site).items() if sums[2]])

    assert stops == [["install"], ["from-source"], ["from-source"], ["build"]]


def test_a_view_says_what_was_seen_of_the_page_before(site: Site) -> None:
    """Under instant navigation one message is about two pages."""
    site.view("/guide/install/", l=LOAD)
    before = {"l": LOAD, "p": "/guide/install/", "v": 9_000, "h": {"install": 8_000, "blog": 1}}
    site.view("/blog/", l=OTHER_LOAD, o=before)
    site.send("leave", "/blog/", l=OTHER_LOAD, v=3_000, h={"blog": 3_000, "install": 3_000})

    assert _read(site) == {"install": (1, 8, 1)}
    assert _read(site, "?from=2026-01-01&page=/blog/") == {"blog": (1, 3, 1)}


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({"no-such": 5_000}, id="unknown"),
        pytest.param({"\ud800": 5_000, "\0": 1, "": 1, "x" * 5_000: 1}, id="no-text"),
        pytest.param({"install": 0, "build": 0.5, "with-pip": -5}, id="no-time"),
        pytest.param({"install": "5000", "build": None, "with-pip": True}, id="no-number"),
        pytest.param({}, id="empty"),
        pytest.param([["install", 5_000]], id="no-object"),
        pytest.param(None, id="null"),
        pytest.param("install", id="text"),
    ],
)
def test_what_says_nothing_of_a_heading_of_the_manifest_is_dropped(site: Site, said: Any) -> None:
    """It makes no row, and spoils nothing of the message."""
    site.view("/guide/install/", l=LOAD)
    answer = site.send("leave", "/guide/install/", l=LOAD, v=5_000, a=4_000, d=10, h=said)

    assert answer.status_code in {202, 413}
    assert _sections(site) is not None
    assert _read(site) == {}
    assert site.rows("SELECT count(*) FROM day_heading") == [(0,)]
    assert site.rows("SELECT count(*) FROM reading WHERE sections IS NOT NULL") == [(0,)]


def test_no_section_is_read_longer_than_its_page(site: Site) -> None:
    """Nor a page for longer than a day."""
    site.view("/guide/install/", l=LOAD)
    site.send("leave", "/guide/install/", l=LOAD, v=5_000, h={"install": 9_000, "build": 1e300})

    assert _read(site) == {"install": (1, 5, 0), "build": (1, 5, 1)}


def test_a_session_that_was_never_counted_is_left_out(site: Site) -> None:
    """As everywhere."""
    _leave(site, install=5_000)

    assert _read(site) == {}


def test_over_midnight_times_go_to_their_day_and_a_load_to_its_first(site: Site) -> None:
    """So no day has a stop taken away that it never had."""
    first, second = (f"?from=2026-01-0{n}&to=2026-01-0{n}&page=/guide/install/" for n in (1, 2))
    site.clock.now = NOON + DAY / 2 - 30
    site.view("/guide/install/", l=LOAD)
    _leave(site, install=5_000)
    site.clock.advance(60)
    _leave(site, install=7_000, build=1_000)

    assert _read(site, first) == {"install": (1, 5, 0), "build": (1, 0, 1)}
    assert _read(site, second) == {"install": (0, 2, 0), "build": (0, 1, 0)}
    assert _read(site) == {"install": (1, 7, 0), "build": (1, 1, 1)}


def test_loads_are_forgotten_after_a_day_and_sums_stay(site: Site) -> None:
    """What is kept for ever is a row for each section and day."""
    site.view("/guide/install/", l=LOAD)
    _leave(site, install=5_000)
    site.clock.advance(DAY)
    site.tracker.recorder.clean_up()

    assert site.rows("SELECT count(*) FROM reading") == [(0,)]
    assert site.rows("SELECT count(*) FROM day_heading") == [(1,)]
    assert _read(site) == {"install": (1, 5, 1)}


def test_a_heading_that_is_gone_keeps_its_figures_and_its_id(make_site: MakeSite) -> None:
    """It comes last and is marked, and is itself again when it comes back."""
    site = make_site()
    _put(site, "one", "two", "three")
    site.view("/a/", l=LOAD)
    site.send("leave", "/a/", l=LOAD, v=9_000, h={"one": 1_000, "two": 2_000})
    _put(site, "three", "two", title="B")
    query = "?from=2026-01-01&page=/a/"

    assert [
        (row["id"], row["title"], row["stops"], row["gone"]) for row in _sections(site, query) or ()
    ] == [("three", "B three", 0, False), ("two", "B two", 1, False), ("one", "A one", 0, True)]
    assert [row["id"] for row in _sections(site, "?to=2025-12-31&page=/a/") or ()] == [
        "three",
        "two",
    ]

    _put(site, "one", digest="again")
    site.send("leave", "/a/", l=LOAD, v=9_000, h={"one": 4_000, "two": 9_000})

    rows = _sections(site, query) or []
    assert [(row["id"], row["visibleSeconds"], row["gone"]) for row in rows] == [
        ("one", 4, False),
        ("two", 2, True),
    ]
    # Where the load stopped is gone; of what there is it saw the first.
    assert [row["stops"] for row in rows] == [1, 0]


def test_headings_that_nobody_read_go_with_their_manifest(make_site: MakeSite) -> None:
    """However often a site is built anew, no more is kept than it has and than was read."""
    site = make_site()
    _put(site, "one", "two", "three")
    site.view("/a/", l=LOAD)
    site.send("leave", "/a/", l=LOAD, v=9_000, h={"two": 1_000})
    _put(site, "four", path="/b/")

    assert sorted(site.rows("SELECT anchor, position FROM heading")) == [("four", 0), ("two", None)]


def test_pages_of_a_manifest_are_put_in_force_in_portions(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page has its own headings, also with the same ids; a second time nothing changes."""
    monkeypatch.setattr(headings_module, "MAX_VARIABLES", 3)
    site = make_site()
    pages = tuple(
        Page(f"/{n}/", f"{n}", "", "page", published=True, headings=_same(n)) for n in range(10)
    )
    for digest in ("1", "2"):
        site.tracker.store.replace_pages(Manifest("", None, pages), digest, int(NOON))
        rows = site.rows(
            "SELECT text, anchor, title, position FROM heading JOIN path ON path.id = path_id"
        )
        assert sorted(rows) == sorted(
            (page.path, row.anchor, row.title, place)
            for page in pages
            for place, row in enumerate(page.headings)
        )
        assert site.rows("SELECT count(DISTINCT id), max(id) FROM heading") == [(45, 45)]


def _same(number: int) -> tuple[Heading, ...]:
    return tuple(Heading(f"h{n}", f"Title {n} of {number}", 1, n) for n in range(number))


def test_no_more_headings_are_remembered_than_the_bound(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not is asked of the database, and the sums are the same."""
    monkeypatch.setattr(headings_module, "MAX_REMEMBERED", 7)
    site = make_site()
    pages = tuple(
        Page(f"/{n}/", f"{n}", "", "page", published=True, headings=_same(3)) for n in range(9)
    )
    site.tracker.store.replace_pages(Manifest("", None, pages), "1", int(NOON))
    batch = [
        Received(int(NOON), message)
        for load, page in enumerate(pages)
        for message in (View(7, load, page.path), Leave(7, load, page.path, _seen({"h1": 3_000})))
    ]
    for some in (batch, batch[:4], batch[2:4], batch):
        site.tracker.store.write([*some])
        assert site.tracker.store._headings._size <= 7

    assert site.rows("SELECT count(*), sum(visible) FROM day_heading") == [(9, 27_000)]


def _seen(times: dict[str, int]) -> Engagement:
    return Engagement(60_000, 0, 0, times)


def test_a_load_that_changes_its_path_has_the_headings_of_the_first(site: Site) -> None:
    """No browser does so; what it says of another page is dropped."""
    site.view("/guide/install/", l=LOAD)
    _leave(site, install=1_000)
    site.send("leave", "/blog/", l=LOAD, v=9_000, h={"install": 5_000, "blog": 5_000})

    assert _read(site) == {"install": (1, 1, 1)}
    assert _read(site, "?from=2026-01-01&page=/blog/") == {}


PATHS = ("/a/", "/b/")
ANCHORS = tuple(f"h{n}" for n in range(6))


@pytest.mark.parametrize("seed", range(4))
def test_long_streams_come_to_what_a_plain_count_says(
    make_database: MakeDatabase, seed: int
) -> None:
    """Loads in any batches, repeated, out of order, lost, with restarts and failures between."""
    random, settings = Random(seed), Settings(database_url=make_database())
    rows = tuple(Heading(anchor, anchor, 2, 0) for anchor in ANCHORS)
    pages = tuple(Page(path, path[1], "", "page", published=True, headings=rows) for path in PATHS)
    tracker = create_app(settings).extensions["tracker"]
    tracker.store.replace_pages(Manifest("", None, pages), "1", int(NOON))
    said, kept = _stream(random, 300)
    while said:
        batch = [said.pop() for _ in range(min(len(said), random.choice([1, 2, 7, 40])))]
        tracker.store.write(batch)
        if random.random() < 0.1:
            tracker.close()
            tracker = create_app(settings).extensions["tracker"]
    for path, expected in kept.items():
        with open_reader(tracker.engine) as connection:
            path_id = connection.exec_driver_sql(
                f"SELECT id FROM path WHERE text = '{path}'"
            ).scalar_one()
            found = read_sections(connection, NO_MOVES, 0, 40_000, path_id)
        assert {
            row.anchor: (row.loads, row.visible, row.stops) for row in found if row.loads
        } == expected
        assert sum(row.stops for row in found) > 20
    tracker.close()


def _stream(
    random: Random, loads: int
) -> tuple[list[Received], dict[str, dict[str, tuple[int, int, int]]]]:
    """Return messages, the last one first, and what they come to by path and anchor."""
    messages: list[Received] = []
    counted: dict[str, list[dict[str, int]]] = {path: [] for path in PATHS}
    for load in range(loads):
        path, session = random.choice(PATHS), load % 9
        times: Counter[str] = Counter()
        steps = []
        for _ in range(random.choice([0, 1, 3, 5])):
            times[random.choice(ANCHORS)] += random.randint(1, 9_000)
            steps.append(dict(times))
        steps = [step for step in steps if random.random() < 0.7]  # The others are lost.
        steps += random.sample(steps, len(steps) // 2)
        random.shuffle(steps)
        at = int(NOON) + load
        messages.append(Received(at, View(session, load, path)))
        for step in steps:
            seen = _seen(step)
            beats = random.random() < 0.5
            said = Beat(session, load, path, seen) if beats else Leave(session, load, path, seen)
            messages.append(Received(at, said))
        greatest = {a: max(step.get(a, 0) for step in steps) for a in ANCHORS} if steps else {}
        counted[path].append({anchor: time for anchor, time in greatest.items() if time})
    return messages[::-1], {path: _counted(rows) for path, rows in counted.items()}


def _counted(loads: list[dict[str, int]]) -> dict[str, tuple[int, int, int]]:
    stops = Counter(max(times) for times in loads if times)
    return {
        anchor: (
            sum(anchor in times for times in loads),
            sum(times.get(anchor, 0) for times in loads),
            stops[anchor],
        )
        for anchor in ANCHORS
        if any(anchor in times for times in loads)
    }


def test_what_is_kept_of_a_load_is_small() -> None:
    """Six bytes, and eight for each section."""
    sections = Sections()
    places = {1: 0, 2**31 - 1: 1}
    kept = sections.follow(None, {1: 5, 2**31 - 1: 86_400_000}, places, 65_535)

    assert len(kept) == 6 + 2 * 8
    assert sections.follow(kept, {1: 4}, places, 0) == kept
    assert sections.sums() == [
        (1, 65_535, (1, 5, 0)),
        (2**31 - 1, 65_535, (1, 86_400_000, 1)),
    ]
