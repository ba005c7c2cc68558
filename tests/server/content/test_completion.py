"""Whether pages are read: four kinds of readers, told apart as they are labelled."""

from typing import Any

import pytest

from tests.server.conftest import NOON, MakeSite, Site
from tests.server.content.asking import ask, rows
from tracker_server.model import Manifest, Page

DAY = 86_400
READERS = {
    "skim": [(20_000, 15_000, 60), (45_000, 40_000, 100)],
    "read": [(30_000, 30_000, 20), (200_000, 150_000, 95)],
    "bounce": [(9_000, 6_000, 20)],
    "scroll-only": [(4_000, 3_000, 100)],
}
"""What each says of a page that takes four minutes, as it goes on: visible, active, depth."""


def _page(path: str, **facts: Any) -> Page:
    slug = path.strip("/")
    return Page(path, slug, slug.title(), "page", published=True, **facts)


PAGES = (
    _page("/long/", words=960),
    _page("/code/", words=240, reading_seconds=180),
    _page("/short/", words=20),
    _page("/unknown/"),
    Page("/draft/", "draft", "Draft", "page", published=False, words=960),
    Page("/tags/", "tags", "Tags", "page", published=True, generated=True, words=960),
    Page("/stats/", "stats", "Stats", "stats", published=True),
)


@pytest.fixture
def library(make_site: MakeSite) -> Site:
    """Return a tracker of a site with pages of known length."""
    site = make_site()
    site.tracker.store.replace_pages(Manifest("", None, PAGES), "1", int(NOON))
    return site


def _read(site: Site, path: str, *said: tuple[int, int, int]) -> None:
    """Load a page by another reader each time, and say how it was read."""
    site.view(path, reader=site._loads)
    load, reader = f"{site._loads:032x}", site._loads - 1
    for visible, active, depth in said:
        site.send("leave", path, reader, l=load, v=visible, a=active, d=depth)


def test_nobody_read(site: Site) -> None:
    """Without a page load there is no share of them."""
    site.view("/faq/")  # It has said nothing yet of how it is read.
    found = ask(site, "completion")

    assert found["rows"] == []
    assert found["facts"] == {
        "loads": 0,
        "readShare": None,
        "skimmedShare": None,
        "bouncedShare": None,
        "searchedShare": None,
    }


def test_four_readers_are_classified_as_labelled(library: Site) -> None:
    """One reads, one bounces, one skims, and who only scrolls has skimmed, not read."""
    for said in READERS.values():
        _read(library, "/long/", *said)

    assert rows(library, "completion") == [
        # Mean of 40, 150, 6 and 3 seconds; 960 words at 240 a minute.
        ("/long/", "Long", 4, 1, 2, 1, 0, 0.25, 0.5, 0.25, 0.0, 49.8, 240, 0)
    ]


@pytest.mark.parametrize(
    ("reader", "counts"),
    [
        ("skim", (0, 1, 0, 0)),
        ("read", (1, 0, 0, 0)),
        ("bounce", (0, 0, 1, 0)),
        ("scroll-only", (0, 1, 0, 0)),
    ],
)
def test_each_reader_is_of_one_class(
    library: Site, reader: str, counts: tuple[int, int, int, int]
) -> None:
    """Read, skimmed, left at once: one of them, also when the messages come twice and late."""
    _read(library, "/long/", *READERS[reader][::-1], *READERS[reader])

    assert rows(library, "completion")[0][3:7] == counts


def test_pages_that_are_left_at_once_come_first(library: Site) -> None:
    """Then those with more page loads; times are those of the manifest, or of the words."""
    bounce, scroll = READERS["bounce"][0], READERS["scroll-only"][0]
    for path, said in [
        ("/short/", (2_000, 1_700, 100)),
        ("/short/", (2_000, 1_600, 100)),
        ("/code/", (90_000, 60_000, 92)),
        ("/code/", (90_000, 59_999, 92)),
        ("/code/", bounce),
        ("/unknown/", scroll),
        ("/long/", bounce),
        ("/long/", bounce),
    ]:
        _read(library, path, said)

    assert rows(library, "completion") == [
        ("/long/", "Long", 2, 0, 0, 2, 0, 0.0, 0.0, 1.0, 0.0, 6.0, 240, 0),
        # A third of three minutes, though its words take one.
        ("/code/", "Code", 3, 1, 1, 1, 0, 0.3333, 0.3333, 0.3333, 0.0, 42.0, 180, 0),
        # Twenty words take five seconds, and a third of them is 1.67.
        ("/short/", "Short", 2, 1, 1, 0, 0, 0.5, 0.5, 0.0, 0.0, 1.6, 5, 0),
        # Nobody knows how long it takes, so the depth decides.
        ("/unknown/", "Unknown", 1, 1, 0, 0, 0, 1.0, 0.0, 0.0, 0.0, 3.0, None, 0),
    ]
    assert ask(library, "completion")["facts"] == {
        "loads": 8,
        "readShare": 0.375,
        "skimmedShare": 0.25,
        "bouncedShare": 0.375,
        "searchedShare": 0.0,
    }


def test_pages_that_are_searched_on_are_among_the_first(library: Site) -> None:
    """As those that are left at once, but for the front page: there the search is a way in."""
    front = Page("/", "", "Home", "home", published=True)
    library.tracker.store.replace_pages(Manifest("", None, (front, *PAGES)), "2", int(NOON))
    for path, leaves, searches in (
        *[("/", 0, 5), ("/unknown/", 0, 0), ("/short/", 1, 1)],
        *[("/long/", 0, 3), ("/code/", 2, 0)],
    ):
        for kind in ["skim", *["bounce"] * leaves]:
            _read(library, path, *READERS[kind])
        for _ in range(searches):
            _read(library, path, *READERS["bounce"])
            reader, load = library._loads - 1, f"{library._loads:032x}"
            library.send("event", path, reader, l=load, n="search", k="kettle")

    assert [(row[0], row[2], row[5], row[6]) for row in rows(library, "completion")] == [
        ("/long/", 4, 0, 3),
        ("/code/", 3, 2, 0),
        ("/short/", 3, 1, 1),
        ("/", 6, 0, 5),
        ("/unknown/", 1, 0, 0),
    ]


def test_only_pages_that_somebody_wrote(library: Site) -> None:
    """No listings, drafts and statistics, and nothing that the manifest does not have."""
    for path in ("/draft/", "/tags/", "/stats/", "/gone/"):
        _read(library, path, READERS["bounce"][0])

    assert ask(library, "completion")["rows"] == []


def test_searches_are_those_made_on_the_page(library: Site) -> None:
    """How many, whatever they found; several may be made on one page load, which is one."""
    _read(library, "/long/", READERS["bounce"][0])
    reader, load = library._loads - 1, f"{library._loads:032x}"
    for query, results in (("kettle", 0), ("boil", 3), ("boil", 3)):
        library.send("event", "/long/", reader, l=load, n="search", k=query, c=results)
    library.send("event", "/long/", reader, l=load, n="feedback", c=1)

    found = rows(library, "completion")[0]
    assert found[2:7] == (1, 0, 0, 0, 1)
    assert found[-1] == 3


@pytest.mark.parametrize("kind", READERS)
def test_who_searches_is_searched_unless_the_page_was_read(library: Site, kind: str) -> None:
    """Of every kind of reader one searches and one does not; the classes are all the loads."""
    for searches in (True, False):
        _read(library, "/long/", *READERS[kind])
        if searches:
            reader, load = library._loads - 1, f"{library._loads:032x}"
            library.send("event", "/long/", reader, l=load, n="search", k="kettle")
    loads, *classes = rows(library, "completion")[0][2:7]
    facts = ask(library, "completion")["facts"]

    assert loads == sum(classes) == 2
    assert classes[-1] == (0 if kind == "read" else 1)
    assert facts["searchedShare"] == (0.0 if kind == "read" else 0.5)
    csv = library.client.get("/api/content/completion.csv").get_data(as_text=True)
    assert ",searched," in csv.splitlines()[0]


def test_only_the_days_that_are_asked_for(library: Site) -> None:
    """A load over midnight is of its first day, with the class that it came to."""
    library.clock.now = NOON + DAY / 2 - 5
    library.view("/long/", l="1" * 32)
    library.send("leave", "/long/", l="1" * 32, v=4_000, a=4_000, d=5)
    library.clock.advance(200)
    library.send("leave", "/long/", l="1" * 32, v=200_000, a=150_000, d=100)
    _read(library, "/long/", READERS["bounce"][0])

    def counts(first: str, last: str) -> list[tuple[Any, ...]]:
        return [row[2:7] for row in rows(library, "completion", from_=first, to=last)]

    assert counts("2026-01-01", "2026-01-01") == [(1, 1, 0, 0, 0)]
    assert counts("2026-01-02", "2026-01-02") == [(1, 0, 0, 1, 0)]
    assert counts("2026-01-01", "2026-01-02") == [(2, 1, 0, 1, 0)]
    assert counts("2025-12-01", "2025-12-31") == []


def test_people_see_shares_and_times(library: Site) -> None:
    """Percent and minutes, in their language; what nobody knows is a dash."""
    for said in READERS.values():
        _read(library, "/long/", *said)
    _read(library, "/unknown/", READERS["bounce"][0])
    page = library.client.get("/stats/content/completion?lang=de").get_data(as_text=True)

    assert "25,0\u00a0%" in page
    assert "4\u00a0min 0\u00a0s" in page
    assert "\N{EN DASH}</td>" in page
