"""How pages are read: what messages say of a page load, kept once however often it is said."""

import json
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.server.conftest import NOON, MakeSite, Site, session_id
from tracker_server.model import (
    Manifest,
    Page,
    Received,
)
from tracker_server.payload import parse_message

LOAD = "1" * 32
OTHER_LOAD = "2" * 32
DAY = 86_400


def _reading(site: Site, query: str = "?from=2026-01-01") -> dict[str, Any]:
    site.clock.advance(10)  # Older than an answer that is kept.
    figures = site.client.get("/api/report" + query).get_json()["reading"]
    assert isinstance(figures, dict)
    return figures


def test_the_greatest_of_what_was_said_counts(site: Site) -> None:
    """Two heartbeats and a leave of one page load are one reading, as long as the last says."""
    site.view("/faq/", l=LOAD)
    site.clock.advance(30)
    site.beat("/faq/", l=LOAD, v=30_000, a=20_000, d=40)
    site.clock.advance(30)
    site.beat("/faq/", l=LOAD, v=60_000, a=20_000, d=90)
    site.send("leave", "/faq/", l=LOAD, v=61_500, a=21_500, d=90)

    expected = {"pageLoads": 1, "visibleSeconds": 62, "activeSeconds": 22, "scrollDepth": 90}
    expected |= {"completed": 1, "bounced": 0, "searched": 0}
    assert _reading(site) == expected
    assert _reading(site, "?from=2026-01-01&page=/faq/") == expected
    assert _reading(site, "?from=2026-01-01&page=/")["pageLoads"] == 0


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_messages_in_any_order_and_twice_give_the_same(site: Site, order: tuple[int, ...]) -> None:
    """Each says what was so far: late ones and repetitions change nothing."""
    said = [(10_000, 5_000, 20), (20_000, 9_000, 70), (31_000, 11_000, 70)]
    site.view("/faq/", l=LOAD)
    for number in [*order, *order]:
        visible, active, depth = said[number]
        site.send("leave", "/faq/", l=LOAD, v=visible, a=active, d=depth)

    assert _reading(site) == {
        "pageLoads": 1,
        "visibleSeconds": 31,
        "activeSeconds": 11,
        "scrollDepth": 70,
        "completed": 0,
        "bounced": 0,
        "searched": 0,
    }


def test_a_heartbeat_right_after_another_says_how_the_page_was_read(site: Site) -> None:
    """It leaves the session as it is, and may be the last that is heard of the page load."""
    site.view("/faq/", l=LOAD)
    site.clock.advance(3)
    site.beat("/faq/", l=LOAD, v=3_000, a=2_000, d=100)

    assert site.rows("SELECT last_seen FROM active_session") == [(int(NOON),)]
    reading = _reading(site)
    assert (reading["pageLoads"], reading["visibleSeconds"], reading["activeSeconds"]) == (1, 3, 2)


def test_a_view_says_how_the_page_before_was_read(site: Site) -> None:
    """Under instant navigation one message is about two pages."""
    site.view("/faq/", l=LOAD)
    before = {"l": LOAD, "p": "/faq/", "v": 9_000, "a": 8_000, "d": 250}
    site.view("/", l=OTHER_LOAD, o=before)
    site.send("leave", "/", l=OTHER_LOAD, v=3_000, a=3_000, d=50)

    assert _reading(site, "?from=2026-01-01&page=/faq/") == {
        "pageLoads": 1,
        "visibleSeconds": 9,
        "activeSeconds": 8,
        "scrollDepth": 100,
        "completed": 1,
        "bounced": 0,
        "searched": 0,
    }
    assert _reading(site) == {
        "pageLoads": 2,
        "visibleSeconds": 12,
        "activeSeconds": 11,
        "scrollDepth": 75,
        "completed": 1,
        "bounced": 0,
        "searched": 0,
    }
    assert site.stats()["totalPageViews"] == 2


def test_a_reload_that_is_no_view_is_read_all_the_same(site: Site) -> None:
    """Within the window it does not count, but its time does."""
    site.view("/faq/", l=LOAD)
    site.view("/faq/", l=OTHER_LOAD)
    site.send("leave", "/faq/", l=OTHER_LOAD, v=5_000, a=5_000, d=10)

    assert site.stats()["totalPageViews"] == 1
    assert _reading(site)["visibleSeconds"] == 5


def test_a_session_that_was_never_counted_is_left_out(site: Site) -> None:
    """Who sends only leaves has no views whose reading it could be."""
    site.send("leave", "/faq/", l=LOAD, v=5_000, a=5_000, d=10)

    assert _reading(site)["pageLoads"] == 0


def test_time_goes_to_the_day_on_which_it_was_said(site: Site) -> None:
    """Over midnight each day has its share; the page load is of the first."""
    site.clock.now = NOON + DAY / 2 - 30
    site.view("/faq/", l=LOAD)
    site.clock.advance(20)
    site.beat("/faq/", l=LOAD, v=20_000, a=20_000, d=30)
    site.clock.advance(30)
    site.beat("/faq/", l=LOAD, v=50_000, a=40_000, d=80)

    assert _reading(site, "?from=2026-01-01&to=2026-01-01") == {
        "pageLoads": 1,
        "visibleSeconds": 20,
        "activeSeconds": 20,
        "scrollDepth": 30,
        "completed": 0,
        "bounced": 0,
        "searched": 0,
    }
    assert _reading(site, "?from=2026-01-01&to=2026-01-02") == {
        "pageLoads": 1,
        "visibleSeconds": 50,
        "activeSeconds": 40,
        "scrollDepth": 80,
        "completed": 0,
        "bounced": 0,
        "searched": 0,
    }


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [
        pytest.param({"v": 10**15, "a": 10**15, "d": 10**15}, (86_400, 86_400, 100), id="huge"),
        pytest.param({"v": 1e300, "a": 0.9, "d": 33.3}, (86_400, 0, 33), id="fractions"),
        pytest.param({"v": -5_000, "a": -5_000, "d": -5}, (0, 0, 0), id="negative"),
        pytest.param({"v": 5_000, "a": 9_000, "d": 1}, (5, 5, 1), id="more-active-than-visible"),
        pytest.param({"v": "5000", "a": [1], "d": True}, (0, 0, 0), id="no-numbers"),
        pytest.param({"v": 5_000}, (5, 0, 0), id="visible-alone"),
    ],
)
def test_what_cannot_be_is_cut_to_what_can(
    site: Site, keys: dict[str, Any], seconds: tuple[int, int, int]
) -> None:
    """Nobody reads longer than a day, below the end of a page, or less than nothing."""
    site.view("/faq/", l=LOAD)
    site.send("leave", "/faq/", l=LOAD, **keys)

    figures = _reading(site)
    visible, active, depth = seconds
    assert (figures["visibleSeconds"], figures["activeSeconds"]) == (visible, active)
    assert figures["scrollDepth"] == depth


def test_page_loads_are_forgotten_after_a_day_and_sums_stay(site: Site) -> None:
    """What is kept for ever is a row for each page and day."""
    site.view("/faq/", l=LOAD)
    site.send("leave", "/faq/", l=LOAD, v=5_000, a=5_000, d=10)
    site.clock.advance(DAY)
    site.tracker.recorder.clean_up()

    assert site.rows("SELECT count(*) FROM reading") == [(0,)]
    assert _reading(site)["visibleSeconds"] == 5


def test_readers_of_one_path_are_summed(site: Site) -> None:
    """Many readers in one batch and over several: one row for the page, one for the site."""
    for reader in range(5):
        site.view("/faq/", reader, l=LOAD)
        site.send("leave", "/faq/", reader, l=LOAD, v=2_000, a=1_000, d=10 * reader)

    assert session_id(0) != session_id(1)
    assert _reading(site) == {
        "pageLoads": 5,
        "visibleSeconds": 10,
        "activeSeconds": 5,
        "scrollDepth": 20,
        "completed": 0,
        "bounced": 3,
        "searched": 0,
    }
    assert site.rows("SELECT count(*) FROM day_reading") == [(2,)]


@pytest.mark.parametrize(
    ("words", "active", "depth", "completed"),
    [
        pytest.param(None, 0, 90, 1, id="depth-alone-where-nobody-counted-words"),
        pytest.param(None, 60_000, 89, 0, id="not-to-the-end"),
        pytest.param(240, 20_000, 90, 1, id="a-third-of-a-minute-for-240-words"),
        pytest.param(240, 19_999, 100, 0, id="too-fast"),
        pytest.param(0, 0, 100, 1, id="nothing-to-read"),
    ],
)
def test_a_page_load_is_completed_at_the_end_and_not_too_fast(
    bare: Site, words: int | None, active: int, depth: int, completed: int
) -> None:
    """Ninety percent down, and a third of the time that it takes to read all words."""
    page = Page("/faq/", "faq", "FAQ", "page", published=True, words=words)
    bare.tracker.store.replace_pages(Manifest("", None, (page,)), "1", int(NOON))
    bare.view("/faq/", l=LOAD)
    bare.send("leave", "/faq/", l=LOAD, v=60_000, a=active, d=depth)

    assert _reading(bare)["completed"] == completed


def test_what_was_completed_stays_so_and_counts_once(bare: Site) -> None:
    """Also when the page has more words by then."""
    bare.view("/faq/", l=LOAD)
    bare.send("leave", "/faq/", l=LOAD, v=5_000, a=5_000, d=95)
    page = Page("/faq/", "faq", "FAQ", "page", published=True, words=10_000)
    bare.tracker.store.replace_pages(Manifest("", None, (page,)), "1", int(NOON))
    bare.send("leave", "/faq/", l=LOAD, v=6_000, a=6_000, d=100)

    assert _reading(bare)["completed"] == 1
    assert _reading(bare, "?from=2026-01-01&page=/faq/")["completed"] == 1


@pytest.fixture
def bare(make_site: MakeSite) -> Site:
    """Return a tracker without a manifest."""
    return make_site()


WORDS = 960
"""Four minutes of reading."""
READERS = {
    "skims": [(20_000, 15_000, 60), (45_000, 40_000, 100)],
    "reads": [(30_000, 30_000, 20), (120_000, 79_000, 70), (200_000, 150_000, 95)],
    "bounces": [(9_000, 6_000, 20)],
    "scrolls only": [(4_000, 3_000, 100)],
}
"""What each says of one page load, as it goes on: visible, active, depth."""
CLASSES = {"skims": (1, 0, 0), "reads": (1, 1, 0), "bounces": (1, 0, 1), "scrolls only": (1, 0, 0)}
"""What they are: page loads, read to the end, left at once."""
DAY_SUMS = "SELECT loads, visible, active, depth, completed, bounced, searched FROM day_reading"


def _four_minutes(site: Site) -> None:
    page = Page("/faq/", "faq", "FAQ", "page", published=True, words=WORDS)
    site.tracker.store.replace_pages(Manifest("", None, (page,)), "1", int(NOON))


def _say(site: Site, said: tuple[int, int, int], reader: int = 0) -> None:
    visible, active, depth = said
    site.send("leave", "/faq/", reader, l=LOAD, v=visible, a=active, d=depth)


@pytest.mark.parametrize("reader", READERS)
def test_four_readers_are_what_they_are(bare: Site, reader: str) -> None:
    """Who is at the end in three seconds has not read, and who skims has not left at once."""
    _four_minutes(bare)
    bare.view("/faq/", l=LOAD)
    for said in READERS[reader]:
        _say(bare, said)

    figures = _reading(bare)
    assert tuple(figures[n] for n in ("pageLoads", "completed", "bounced")) == CLASSES[reader]


@pytest.mark.parametrize(
    ("active", "depth", "bounced"),
    [
        pytest.param(9_999, 24, 1, id="short-and-at-the-top"),
        pytest.param(10_000, 24, 0, id="not-short"),
        pytest.param(9_999, 25, 0, id="scrolled"),
        pytest.param(0, 0, 1, id="nothing"),
    ],
)
def test_who_leaves_at_once_is_told_by_time_and_depth(
    bare: Site, active: int, depth: int, bounced: int
) -> None:
    """Less than ten seconds active and less than a quarter of the page, both."""
    bare.view("/faq/", l=LOAD)
    _say(bare, (60_000, active, depth))

    assert _reading(bare)["bounced"] == bounced


def test_the_build_knows_better_than_words_how_long_reading_takes(bare: Site) -> None:
    """Code takes longer than its words: a third of two minutes is wanted here, not of a second."""
    page = Page("/faq/", "faq", "FAQ", "page", published=True, words=4, reading_seconds=120)
    bare.tracker.store.replace_pages(Manifest("", None, (page,)), "1", int(NOON))
    for reader, active in enumerate((39_999, 40_000)):
        bare.view("/faq/", reader, l=LOAD)
        _say(bare, (60_000, active, 100), reader)

    assert _reading(bare)["completed"] == 1


def test_a_load_is_of_one_class_on_its_first_day(bare: Site) -> None:
    """Who bounced before midnight and read on has not, and nothing is left on the other day."""
    _four_minutes(bare)
    bare.clock.now = NOON + DAY / 2 - 5
    bare.view("/faq/", l=LOAD)
    _say(bare, (4_000, 4_000, 5))
    assert bare.rows(DAY_SUMS) == [(1, 4_000, 4_000, 5, 0, 1, 0)] * 2
    bare.clock.advance(200)
    _say(bare, (200_000, 150_000, 100))

    first, second = (1, 4_000, 4_000, 5, 1, 0, 0), (0, 196_000, 146_000, 95, 0, 0, 0)
    assert bare.rows(DAY_SUMS + " ORDER BY key") == [first, second, first, second]


@pytest.mark.parametrize("seed", range(20))
def test_any_order_and_repetition_of_messages_gives_the_same_sums(bare: Site, seed: int) -> None:
    """Late, twice, in one batch or in many: each load is what its greatest numbers say."""
    _four_minutes(bare)
    random = Random(seed)
    loads = [
        [
            (active + random.randrange(5_000), active, random.randrange(101))
            for active in random.sample([0, 5_000, 9_999, 10_000, 60_000, 79_999, 80_000], 3)
        ]
        for _reader in range(6)
    ]
    for reader in range(6):
        bare.view("/faq/", reader, l=LOAD)
    searching = {0, 2, 4}
    messages: list[dict[str, object]] = [
        _leave(reader, said) for reader, all_said in enumerate(loads) for said in all_said
    ]
    messages += [_search(reader) for reader in searching]
    messages += random.choices(messages, k=9)
    random.shuffle(messages)
    while messages:
        batch = [messages.pop() for _ in range(min(len(messages), random.choice((1, 3, 8))))]
        bare.tracker.store.write(
            [Received(int(NOON), parse_message(json.dumps(message).encode())) for message in batch]
        )

    greatest = [tuple(map(max, *said)) for said in loads]
    read = {r for r, (_, active, depth) in enumerate(greatest) if depth >= 90 and active >= 80_000}
    short = {r for r, (_, active, depth) in enumerate(greatest) if depth < 25 and active < 10_000}
    times = (sum(load[place] for load in greatest) for place in range(3))
    expected = 6, *times, len(read), len(short - searching), len(searching - read)
    assert bare.rows(DAY_SUMS) == [expected] * 2


def _leave(reader: int, said: tuple[int, int, int]) -> dict[str, object]:
    visible, active, depth = said
    about = {"t": "leave", "s": session_id(reader), "l": LOAD, "p": "/faq/"}
    return {**about, "v": visible, "a": active, "d": depth}


def _search(reader: int, path: str = "/faq/") -> dict[str, object]:
    about = {"t": "event", "s": session_id(reader), "l": LOAD, "p": path}
    return {**about, "n": "search", "k": "kettle", "c": 3}


SKIM, READ, BOUNCE = (45_000, 40_000, 100), (200_000, 150_000, 95), (9_000, 6_000, 20)


@pytest.mark.parametrize("before_it", range(3))
@pytest.mark.parametrize(
    ("said", "counts"),
    [
        pytest.param([BOUNCE, BOUNCE], (1, 0, 0, 1), id="bounced"),
        pytest.param([BOUNCE, SKIM], (1, 0, 0, 1), id="skimmed"),
        pytest.param([BOUNCE, READ], (1, 1, 0, 0), id="read-after-all"),
        pytest.param([READ, READ], (1, 1, 0, 0), id="read"),
    ],
)
def test_who_searches_has_neither_bounced_nor_skimmed(
    bare: Site, said: list[tuple[int, int, int]], counts: tuple[int, ...], before_it: int
) -> None:
    """Whether the search is told first, last or between; who reads to the end has read."""
    _four_minutes(bare)
    bare.view("/faq/", l=LOAD)
    for one in said[:before_it]:
        _say(bare, one)
    for _twice in range(2):
        assert bare.send("event", "/faq/", l=LOAD, n="search", k="kettle").status_code == 204
    for one in said[before_it:]:
        _say(bare, one)

    figures = _reading(bare, "?from=2026-01-01&page=/faq/")
    names = ("pageLoads", "completed", "bounced", "searched")
    assert tuple(figures[name] for name in names) == counts
    assert _reading(bare) == figures


def test_a_search_alone_is_a_page_load(bare: Site) -> None:
    """The rest may never be said: then nothing else is known of it, and it is one load."""
    bare.view("/faq/", l=LOAD)
    bare.send("event", "/faq/", l=LOAD, n="search", k="kettle")
    assert bare.rows(DAY_SUMS) == [(1, 0, 0, 0, 0, 0, 1)] * 2
    _say(bare, BOUNCE)

    assert bare.rows(DAY_SUMS) == [(1, *BOUNCE, 0, 0, 1)] * 2


@pytest.mark.parametrize("name", ["feedback", "copy", "outbound", "download"])
def test_what_else_is_done_on_a_page_is_no_search(bare: Site, name: str) -> None:
    """A rating or a copy says nothing of how the page was read."""
    bare.view("/faq/", l=LOAD)
    bare.send("event", "/faq/", l=LOAD, n=name, c=1)
    assert bare.rows("SELECT count(*) FROM reading") == [(0,)]
    _say(bare, BOUNCE)

    assert bare.rows(DAY_SUMS) == [(1, *BOUNCE, 0, 1, 0)] * 2


def test_a_search_is_of_its_own_load_reader_and_path(bare: Site) -> None:
    """One of another load, of another reader, or on another path marks nothing here."""
    for reader in (0, 1):
        bare.view("/faq/", reader, l=LOAD)
    _say(bare, BOUNCE)
    bare.send("event", "/", l=LOAD, n="search", k="another path")
    bare.send("event", "/faq/", l=OTHER_LOAD, n="search", k="another load")
    bare.send("event", "/faq/", 1, l=LOAD, n="search", k="another reader")

    assert bare.rows(DAY_SUMS) == [(3, *BOUNCE, 0, 1, 2)] * 2


def test_a_search_of_who_was_never_counted_is_left_out(bare: Site) -> None:
    """As a leave of theirs is; the search itself counts among searches."""
    bare.send("event", "/faq/", l=LOAD, n="search", k="kettle")

    assert bare.rows(DAY_SUMS) == []
    assert bare.rows("SELECT sum(count) FROM event_count") == [(1,)]


@pytest.mark.parametrize("together", [False, True])
def test_a_search_on_the_404_page_is_of_no_page_load(bare: Site, *, together: bool) -> None:
    """Nothing is read there; also when both come in one batch."""
    bare.view("/faq/", l=OTHER_LOAD)
    gone = {"t": "event", "s": session_id(0), "l": LOAD, "p": "/gone/", "n": "not_found"}
    batch = [
        Received(int(NOON), parse_message(json.dumps(message).encode()))
        for message in (gone, _search(0, "/gone/"))
    ]
    for some in [batch] if together else [batch[:1], batch[1:]]:
        bare.tracker.store.write(some)

    assert bare.rows(DAY_SUMS) == []
    assert bare.rows("SELECT sum(count) FROM not_found") == [(1,)]


def test_a_search_after_midnight_changes_the_class_on_the_first_day(bare: Site) -> None:
    """A load is of one class, on the day on which it was first heard of."""
    bare.clock.now = NOON + DAY / 2 - 5
    bare.view("/faq/", l=LOAD)
    _say(bare, BOUNCE)
    bare.clock.advance(20)
    bare.send("event", "/faq/", l=LOAD, n="search", k="kettle")

    assert bare.rows(DAY_SUMS) == [(1, *BOUNCE, 0, 0, 1)] * 2


def test_a_search_counts_where_the_server_makes_the_session(
    make_site: MakeSite, tmp_path: Path
) -> None:
    """Without an id in the browser the reader is that of the day, for events as for views."""
    site = make_site(salt_file=str(tmp_path / "stats.salts"))
    for kind, more in [("view", {}), ("leave", {"v": 9_000, "a": 6_000, "d": 20})]:
        site.send(kind, "/faq/", s=None, l=LOAD, **more)
    site.send("event", "/faq/", s=None, l=LOAD, n="search", k="kettle")

    assert site.rows(DAY_SUMS) == [(1, *BOUNCE, 0, 0, 1)] * 2


def test_only_a_search_costs_a_statement(bare: Site) -> None:
    """Other messages take the statements that they took without searches."""
    statements = bare.tracker.store._statements
    asked: list[int] = []
    fetch = statements.loads.fetch

    def noting(connection: Any, keys: Any) -> Any:
        asked.append(len(keys))
        return fetch(connection, keys)

    bare.view("/faq/", l=LOAD)
    statements.loads.fetch = noting  # type: ignore[method-assign]
    _say(bare, BOUNCE)
    bare.beat("/faq/", l=LOAD, v=9_500, a=6_000, d=20)
    bare.send("event", "/faq/", l=LOAD, n="copy", k="python")
    assert asked == []
    bare.send("event", "/faq/", l=LOAD, n="search", k="kettle")

    assert asked == [1]
