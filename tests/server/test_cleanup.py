"""Housekeeping: what goes, what stays, and that no step is long."""

import pytest
from pyroaring import BitMap
from sqlalchemy import insert

from tests.server.conftest import NOON, MakeSite, Site
from tracker_server import cleanup as cleanup_module
from tracker_server import recorder as recorder_module
from tracker_server.model import (
    Beat,
    NotFound,
    Received,
    View,
)
from tracker_server.packing import day_of, day_visitors_key
from tracker_server.statements import SESSIONS, VISITS

AT = int(NOON)
DAY = 86_400
TODAY = day_of(AT)
HALF_HOUR = 1_800


@pytest.fixture
def bare(make_site: MakeSite) -> Site:
    """A tracker without a manifest that keeps raw views for ten days."""
    return make_site(retention_days=10)


def _sets(site: Site) -> dict[int, list[int]]:
    rows = site.rows("SELECT key, members FROM day_visitors")
    return {key: sorted(BitMap.deserialize(members)) for key, members in rows}


def _count(site: Site, table: str) -> int:
    count = site.rows(f"SELECT count(*) FROM {table}")[0][0]
    assert isinstance(count, int)
    return count


def _write(site: Site, at: int, *messages: View | Beat | NotFound) -> None:
    site.tracker.store.write([Received(at, message) for message in messages])


def _clean_up(site: Site, now: float) -> None:
    site.clock.now = now
    site.tracker.recorder.clean_up()


def test_page_loads_are_forgotten_after_their_memory(bare: Site) -> None:
    """Those of counted views and of missing pages go after a day, younger ones stay."""
    _write(bare, AT, View(1, 1, "/"), NotFound(1, 2, "/gone/"))
    _write(bare, AT + DAY - 1, View(1, 3, "/"))
    _clean_up(bare, AT + DAY - 1)
    before = _count(bare, "load")
    _clean_up(bare, AT + DAY)

    assert (before, _count(bare, "load")) == (3, 1)


def test_what_the_window_left_behind_goes_into_the_sets_of_the_day(bare: Site) -> None:
    """A visit stays a row while it can keep a view from counting, and is then one of a set."""
    _write(bare, AT, View(1, 1, "/a/"), View(2, 2, "/b/"), View(2, 3, "/a/"))
    _write(bare, AT + 60, View(3, 4, "/a/"))
    _clean_up(bare, AT + HALF_HOUR)

    paths = dict(bare.rows("SELECT text, id FROM path"))
    assert _sets(bare) == {
        day_visitors_key(0, TODAY): [1, 2],
        day_visitors_key(paths["/a/"], TODAY): [1, 2],
        day_visitors_key(paths["/b/"], TODAY): [2],
    }
    assert _count(bare, "visit") == 1


def test_a_set_grows_by_whoever_comes_later(bare: Site) -> None:
    """Sealing again adds to the set of the day, be it the same visitor or another."""
    _write(bare, AT, View(1, 1, "/"))
    _clean_up(bare, AT + HALF_HOUR)
    _write(bare, AT + HALF_HOUR, View(1, 2, "/"), View(2, 3, "/"))
    _clean_up(bare, AT + 2 * HALF_HOUR)

    assert _sets(bare)[day_visitors_key(0, TODAY)] == [1, 2]
    assert bare.rows("SELECT DISTINCT count FROM day_visitors") == [(2,)]


def test_a_set_of_more_visitors_than_a_step_seals_is_complete(
    bare: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site's set is made in several steps, and so is that of its only page."""
    monkeypatch.setattr(cleanup_module, "SEAL_ROWS", 4)
    _write(bare, AT, *(View(n, n, "/a/") for n in range(1, 12)))
    _clean_up(bare, AT + HALF_HOUR)

    everybody = list(range(1, 12))
    assert list(_sets(bare).values()) == [everybody, everybody]
    assert _count(bare, "visit") == 0


def test_a_step_looks_at_a_bounded_number_of_rows(
    bare: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many rows there are, a step deals with its share, and the steps with all."""
    monkeypatch.setattr(cleanup_module, "STEP_ROWS", 100)
    monkeypatch.setattr(cleanup_module, "COLLECTED_ROWS", 150)
    monkeypatch.setattr(cleanup_module, "SEAL_ROWS", 60)
    with bare.tracker.engine.begin() as connection:
        rows = [{"key": n, "path_id": 1, "load": n, "last_seen": 0} for n in range(-150, 150)]
        connection.execute(insert(SESSIONS), rows)
        connection.execute(insert(VISITS), [{"key": 1 + (n << 20), "last": 0} for n in range(250)])
    left = []
    for _ in range(40):
        complete = bare.tracker.store.clean_up(AT)
        left.append((_count(bare, "active_session"), _count(bare, "visit")))
        if complete:
            break

    assert [pair for n, pair in enumerate(left) if n == 0 or pair != left[n - 1]] == [
        (200, 250),
        (100, 250),
        (0, 250),
        (0, 210),  # At most 60 rows to a step, those for the set of the site first,
        (0, 150),
        (0, 90),
        (0, 50),  # and here those end that were gathered together.
        (0, 40),
        (0, 0),
    ]
    assert complete


def test_the_steps_of_a_round_are_bounded_and_the_next_clean_up_goes_on(
    bare: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table that is too large for one clean-up is dealt with over several."""
    monkeypatch.setattr(cleanup_module, "STEP_ROWS", 10)
    monkeypatch.setattr(recorder_module, "MAX_CLEANUP_STEPS", 3)
    bare.add_ended_sessions(55)
    left = []
    for _ in range(3):
        _clean_up(bare, AT)
        left.append(_count(bare, "active_session"))

    assert left == [25, 0, 0]


def test_a_session_that_beats_before_its_first_view_is_one_session(bare: Site) -> None:
    """It goes by another key until it is counted, and is never active twice."""
    beat = Beat(-5, 1, "/")
    _write(bare, AT, beat, Beat(7, 1, "/"))
    before = bare.stats()["activeVisitors"]
    _write(bare, AT + 1, View(-5, 1, "/"))
    _write(bare, AT + 12, beat)

    assert (before, bare.stats()["activeVisitors"]) == (2, 2)
    assert bare.rows("SELECT key, last_seen FROM active_session ORDER BY key") == [
        (~7, AT),
        (1, AT + 12),
    ]


def _run_for(site: Site, start: int, seconds: int) -> None:
    """Let clean-ups run every five minutes."""
    for now in range(start, start + seconds + 1, 300):
        _clean_up(site, now)


def test_raw_views_go_when_their_day_is_too_old(bare: Site) -> None:
    """Whole days go: with ten days to keep, that of eleven days ago and those before it."""
    for days in range(13):
        _write(bare, AT - days * DAY, View(days + 1, days + 1, "/"))
    figures = bare.stats()
    _run_for(bare, AT, 3_600)

    assert sorted(bare.rows("SELECT at FROM view")) == [(AT - n * DAY,) for n in range(10, -1, -1)]
    assert bare.rows("SELECT raw_since FROM totals") == [(TODAY - 10,)]
    of_now = {"activeVisitors": 0, "activeByPath": [], "minutes": [], "recent": []}
    assert {**bare.stats(), **of_now} == {**figures, **of_now}
    assert len(bare.rows("SELECT * FROM hour_count")) == 13


def test_a_clock_that_jumps_ahead_deletes_no_raw_views(bare: Site) -> None:
    """Only after an hour of even time is the clock believed; by then somebody has set it right."""
    _write(bare, AT, View(1, 1, "/"))
    _run_for(bare, AT, 3_600)
    _run_for(bare, AT + 400 * DAY, 3_000)
    _run_for(bare, AT + 3_600, 3_600)

    assert _count(bare, "view") == 1
    assert bare.rows("SELECT raw_since FROM totals") == [(TODAY - 10,)]


def test_without_retention_raw_views_stay(make_site: MakeSite) -> None:
    """The default keeps them for ever."""
    site = make_site()
    _write(site, AT - 5_000 * DAY, View(1, 1, "/"))
    _run_for(site, AT, 7_200)

    assert _count(site, "view") == 1
    assert site.rows("SELECT raw_since FROM totals") == [(0,)]
