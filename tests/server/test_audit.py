"""Recounting: every wrong figure is found and named, and made right where raw rows say how."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from pyroaring import BitMap
from sqlalchemy import Connection, select, update

from tests.server.conftest import NOON, MakeDatabase, MakeSite, Site
from tests.server.test_reference_model import _drive, _pair
from tracker_server import recount as recount_module
from tracker_server.app import Tracker
from tracker_server.audit import compare, integrity_problems
from tracker_server.base import Base
from tracker_server.cleanup import prune_views
from tracker_server.database import open_reader, open_writer
from tracker_server.model import (
    Engagement,
    Event,
    Leave,
    Message,
    Received,
    View,
)
from tracker_server.packing import day_of, day_visitors_key, visit_key
from tracker_server.rebuild import rebuild
from tracker_server.recount import DaySet
from tracker_server.schema import WHOLE_SITE
from tracker_server.statements import DAY_VISITORS, TOTALS, VIEWS, Statements

AT = int(NOON)
DAY = 86_400
TODAY = day_of(AT)
HALF_HOUR = 1_800

Plant = Callable[[Connection], None]


@pytest.fixture
def filled(make_site: MakeSite) -> Site:
    """Three days with four views of three readers each; two views more are not sealed yet."""
    site = make_site()
    for days in (2, 1, 0):
        visits = [(1, "/a/", ""), (2, "/a/", "x.example"), (3, "/a/", "x.example"), (1, "/b/", "")]
        site.tracker.store.write(
            [
                Received(AT - days * DAY, View(reader, days * 10 + load, path, referrer, referrer))
                for load, (reader, path, referrer) in enumerate(visits)
            ]
        )
    site.clock.now = AT + HALF_HOUR
    site.tracker.recorder.clean_up()
    late = [View(4, 100, "/a/"), View(1, 101, "/a/")]
    site.tracker.store.write([Received(AT + HALF_HOUR, view) for view in late])
    read: list[Message] = [
        Leave(4, 100, "/a/", Engagement(60_000, 60_000, 100)),
        Leave(1, 101, "/a/", Engagement(2_000, 2_000, 10)),
        Event(1, 3, "/b/", "search"),
    ]
    site.tracker.store.write([Received(AT + HALF_HOUR, message) for message in read])
    return site


def _found(tracker: Tracker) -> dict[str, list[str]]:
    """Return what was found, by table."""
    with open_reader(tracker.engine) as connection:
        return {some.table: some.shown for some in compare(connection) if some.differing}


def _rebuild(tracker: Tracker) -> None:
    statements = Statements.of(tracker.engine, 10)
    with open_writer(tracker.engine) as connection, connection.begin():
        rebuild(connection, statements)


def _tables(tracker: Tracker) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with open_reader(tracker.engine) as connection:
        return {
            name: [tuple(row) for row in connection.execute(table.select().order_by(*table.c))]
            for name, table in Base.metadata.tables.items()
        }


def _sql(*statements: str) -> Plant:
    def plant(connection: Connection) -> None:
        for statement in statements:
            assert connection.exec_driver_sql(statement).rowcount == 1

    return plant


def _flip(path: int, visitor: int) -> Plant:
    """Turn a bit of a set over."""

    def plant(connection: Connection) -> None:
        key = day_visitors_key(path, TODAY - 1)
        is_it = DAY_VISITORS.c.key == key
        stored = connection.execute(select(DAY_VISITORS.c.members).where(is_it)).scalar_one()
        members = BitMap.deserialize(stored) ^ BitMap([visitor])
        connection.execute(
            update(DAY_VISITORS)
            .where(is_it)
            .values(members=members.serialize(), count=len(members))
        )

    return plant


HOUR = TODAY * 24 + 12
YESTERDAY = TODAY - 1
SET_OF_A = day_visitors_key(1, YESTERDAY)
VISIT = visit_key(TODAY, 4, 1)
A_VIEW = f"INSERT INTO view ({', '.join(VIEWS.c.keys()[1:])}) VALUES ({AT}, "


def test_a_tracker_leaves_nothing_to_find(filled: Site) -> None:
    """What was counted, sealed or not, is what a recount says; every table has figures."""
    with open_reader(filled.tracker.engine) as connection:
        found = compare(connection)
        problems = integrity_problems(connection)

    assert [(some.table, some.compared, some.differing) for some in found] == [
        ("view", 14, 0),
        ("hour_count", 3, 0),
        ("day_count", 3 * (2 + 2 + 2) + 3 * (1 + 1 + 2), 0),
        ("total_count", 2 + 2 + 2, 0),
        ("day_run", 3, 0),
        ("day_visitors", 3 * (2 + 1) * 2, 0),
        ("visit", 2, 0),
        ("visitor", 4, 0),
        ("day_reading", 7 + 2 * 4, 0),
        ("totals", 6, 0),
    ]
    assert problems == []
    assert str(found[1]) == "hour_count: 3 compared, 0 differ"


def test_a_database_without_views_is_clean(make_site: MakeSite) -> None:
    """Nothing counted is no difference."""
    assert _found(make_site().tracker) == {}


def _planted(name: str, plant: Plant, table: str, text: str, *, mended: bool = True) -> Any:
    return pytest.param(plant, table, text, mended, id=name)


@pytest.mark.parametrize(
    ("plant", "table", "text", "mended"),
    [
        _planted(
            "hour",
            _sql(f"UPDATE hour_count SET count = 7 WHERE hour = {HOUR}"),
            *("hour_count", "2026-01-01 12:00 UTC: stored 7, recounted 6"),
        ),
        _planted(
            "hour-missing",
            _sql(f"DELETE FROM hour_count WHERE hour = {HOUR}"),
            *("hour_count", "2026-01-01 12:00 UTC: stored None, recounted 6"),
        ),
        _planted(
            "hour-too-many",
            _sql(f"INSERT INTO hour_count VALUES ({HOUR} + 5, 2)"),
            *("hour_count", "2026-01-01 17:00 UTC: stored 2, recounted None"),
        ),
        *(
            _planted(
                f"day-by-{word}",
                _sql(
                    f"UPDATE day_count SET count = 9 WHERE dimension = {dimension} "
                    f"AND day = {YESTERDAY} AND key = 1"
                ),
                *("day_count", f"{word} 1 on 2025-12-31: stored 9, recounted {count}"),
            )
            for dimension, word, count in ((1, "path", 3), (2, "referrer", 2), (3, "audience", 2))
        ),
        *(
            _planted(
                f"all-time-by-{word}",
                _sql(f"UPDATE total_count SET count=9 WHERE dimension={dimension} AND key = 1"),
                *("total_count", f"{word} 1: stored 9, recounted {count}"),
            )
            for dimension, word, count in ((1, "path", 11), (2, "referrer", 8), (3, "audience", 8))
        ),
        _planted(
            "all-time-of-no-dimension",
            _sql("INSERT INTO total_count VALUES (5, 1, 14)"),
            *("total_count", "dimension 5 1: stored 14, recounted None"),
        ),
        _planted(
            "campaign-too-many",
            _sql(f"INSERT INTO day_count VALUES (4, {YESTERDAY}, 1, 2, 0, 0)"),
            *("day_count", "campaign 1 on 2025-12-31: stored 2, recounted None"),
        ),
        _planted(
            "a-bit-less",
            _flip(1, 2),
            *(
                "day_visitors",
                "path 1 on 2025-12-31: stored 2, recounted 3, missing: 2",
            ),
        ),
        _planted(
            "a-bit-more",
            _flip(1, 4),
            *("day_visitors", "path 1 on 2025-12-31: stored 4, recounted 3, too many: 4"),
        ),
        _planted(
            "a-bit-of-the-site",
            _flip(WHOLE_SITE, 3),
            *("day_visitors", "site on 2025-12-31: stored 2, recounted 3, missing: 3"),
        ),
        _planted(
            "the-count-of-a-set",
            _sql(f"UPDATE day_visitors SET count = 5 WHERE key = {SET_OF_A}"),
            *("day_visitors", "count, path 1 on 2025-12-31: stored 5, recounted 3"),
        ),
        _planted(
            "a-set",
            _sql(f"DELETE FROM day_visitors WHERE key = {SET_OF_A}"),
            *("day_visitors", "path 1 on 2025-12-31: stored 0, recounted 3, missing: 1, 2, 3"),
        ),
        _planted(
            "a-set-that-nobody-is-in",
            _sql(f"UPDATE day_visitors SET key = key + (1 << 20) WHERE key = {SET_OF_A}"),
            *("day_visitors", "path 1 on 2025-12-31: stored 0, recounted 3, missing: 1, 2, 3"),
        ),
        _planted(
            "visit-missing",
            _sql(f"DELETE FROM visit WHERE key = {VISIT}"),
            *("day_visitors", "path 1 on 2026-01-01: stored 3, recounted 4, missing: 4"),
        ),
        _planted(
            "visit-of-no-view",
            _sql(f"INSERT INTO visit VALUES ({VISIT} + 1, {AT})"),
            *("visit", "visitor 4, path 2 on 2026-01-01: there is no such view"),
        ),
        _planted(
            "view-too-many",
            _sql(f"{A_VIEW} 2, 4, 1, 1, 1, 0)"),
            *("hour_count", "2026-01-01 12:00 UTC: stored 6, recounted 7"),
        ),
        _planted(
            "view-missing",
            _sql("DELETE FROM view WHERE id = (SELECT max(id) FROM view)"),
            *("day_count", "path 1 on 2026-01-01: stored 5, recounted 4"),
        ),
        *(
            _planted(
                f"view-of-no-{word}",
                _sql(f"UPDATE view SET {column} = 77 WHERE id = 2"),
                *("view", f"{word} 77 of 1 views is unknown"),
                mended=False,
            )
            for word, column in (
                ("path", "path_id"),
                ("path", "before_id"),
                ("referrer", "referrer_id"),
                ("audience", "audience_id"),
                ("campaign", "campaign_id"),
            )
        ),
        *(
            _planted(
                f"day-{column}",
                _sql(
                    f"UPDATE day_count SET {column} = 9 "
                    f"WHERE dimension = 1 AND day = {YESTERDAY} AND key = 1"
                ),
                *("day_count", f"{column} of path 1 on 2025-12-31: stored 9, recounted {count}"),
            )
            for column, count in (("entries", 3), ("leads", 1))
        ),
        _planted(
            "day-entries-of-a-referrer",
            _sql(
                "UPDATE day_count SET entries = 9 "
                f"WHERE dimension = 2 AND day = {YESTERDAY} AND key = 1"
            ),
            *("day_count", "entries of referrer 1 on 2025-12-31: stored 9, recounted 1"),
        ),
        _planted(
            "run-missing",
            _sql(f"DELETE FROM day_run WHERE day = {YESTERDAY}"),
            *("day_run", "views on 2025-12-31: in runs 0, in all 4"),
        ),
        _planted(
            "run-begins-late",
            _sql(f"UPDATE day_run SET after_id = after_id + 1 WHERE day = {YESTERDAY}"),
            *("day_run", "views on 2025-12-31: in runs 3, in all 4"),
        ),
        _planted(
            "view-of-no-visitor",
            _sql("UPDATE view SET visitor_id = 5 WHERE id = 14"),
            *("view", "visitor 5 is unknown"),
            mended=False,
        ),
        _planted(
            "view-of-an-impossible-visitor",
            _sql("UPDATE view SET visitor_id = -5 WHERE id = 14"),
            *("view", "visitor -5 is unknown"),
            mended=False,
        ),
        _planted(
            "visitor-missing",
            _sql("DELETE FROM visitor WHERE id = 2"),
            *("visitor", "number 2 is missing"),
            mended=False,
        ),
        _planted(
            "last-visitor-missing",
            _sql("DELETE FROM visitor WHERE id = 4"),
            *("visitor", "number 4 is missing"),
            mended=False,
        ),
        _planted(
            "visitor-doubled",
            _sql("INSERT INTO visitor (session, id) VALUES (77, 4)"),
            *("visitor", "1 numbers are doubled or out of range"),
            mended=False,
        ),
        *(
            _planted(
                f"read-{column}",
                _sql(f"UPDATE day_reading SET {column} = {column} + 1 WHERE key = {TODAY}"),
                *("day_reading", f"{column} of the site on 2026-01-01: {text}"),
                mended=False,
            )
            for column, text in {
                "loads": "stored 4, recounted 3",
                "visible": "stored 62001, recounted 62000",
                "completed": "stored 2, recounted 1",
                "searched": "stored 2, recounted 1",
                "bounced": "stored 2, recounted 1",
            }.items()
        ),
        *(
            _planted(
                f"known-load-{column}",
                _sql(
                    f"UPDATE day_reading SET {column} = {column} - 1 WHERE key = {TODAY}",
                    f"UPDATE day_reading SET {column} = {column} - 1 WHERE key = {key}",
                ),
                *("day_reading", f"{column} of path {path} on 2026-01-01: {text}"),
                mended=False,
            )
            for column, path, text in (
                ("searched", 2, "stored 0, still known 1"),
                ("completed", 1, "stored 0, still known 1"),
                ("bounced", 1, "stored 0, still known 1"),
            )
            for key in [day_visitors_key(path, TODAY)]
        ),
        _planted(
            "more-of-a-class-than-loads",
            _sql(
                f"UPDATE day_reading SET searched = 2 WHERE key = {day_visitors_key(2, TODAY)}",
                f"UPDATE day_reading SET searched = 2 WHERE key = {TODAY}",
            ),
            *("day_reading", "path 0 on 2026-01-01: 3 page loads, 4 of a class"),
            mended=False,
        ),
        _planted(
            "views",
            _sql("UPDATE totals SET views = views + 1"),
            *("totals", "views, by hour: stored 15, recounted 14"),
        ),
        _planted(
            "visitors",
            _sql("UPDATE totals SET visitors = visitors - 1"),
            *("totals", "visitors: stored 3, recounted 4"),
        ),
        _planted(
            "no-totals",
            _sql("DELETE FROM totals"),
            *("totals", "views, by hour: stored None, recounted 14"),
        ),
    ],
)
def test_what_is_wrong_is_found_named_and_mended(
    filled: Site, plant: Plant, table: str, text: str, *, mended: bool
) -> None:
    """One wrong value in a table is named with its key; a rebuild mends what raw rows can tell."""
    with filled.tracker.engine.begin() as connection:
        plant(connection)
    found = _found(filled.tracker)
    _rebuild(filled.tracker)

    assert found[table][0] == text
    assert (_found(filled.tracker) == {}) == mended


@pytest.mark.parametrize("plant", [_flip(1, 2), _flip(WHOLE_SITE, 4), _sql("DELETE FROM totals")])
def test_what_is_mended_is_as_it_was(filled: Site, plant: Plant) -> None:
    """Nothing but the wrong value is another one than before; who is not sealed stays so."""
    before = _tables(filled.tracker)
    with filled.tracker.engine.begin() as connection:
        plant(connection)
    _rebuild(filled.tracker)
    after = _tables(filled.tracker)
    totals = before.pop("totals")

    assert totals[0][:3] == after.pop("totals")[0][:3]
    assert after == before


def test_only_the_first_differences_are_told(filled: Site) -> None:
    """A line does not grow with what is wrong; the number of differences is exact."""
    with filled.tracker.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE day_count SET count = count + 1")
        connection.exec_driver_sql("DELETE FROM visit")
        connection.exec_driver_sql("DELETE FROM day_visitors")
    with open_reader(filled.tracker.engine) as connection:
        lines = {some.table: str(some) for some in compare(connection)}

    assert lines["day_count"] == (
        "day_count: 30 compared, 18 differ: path 1 on 2025-12-30: stored 4, recounted 3; "
        "path 2 on 2025-12-30: stored 2, recounted 1; path 1 on 2025-12-31: stored 4, "
        "recounted 3; ..."
    )
    assert (
        "path 1 on 2026-01-01: stored 0, recounted 4, missing: 1, 2, 3, ..."
        in (lines["day_visitors"])
    )


def _prune(tracker: Tracker, first_day: int) -> None:
    last: int | None = 0
    with open_writer(tracker.engine) as connection, connection.begin():
        while last is not None:
            last, _gone = prune_views(connection, first_day, last)


def test_days_without_all_their_raw_views_are_left_alone(filled: Site) -> None:
    """Their figures are not compared and survive a rebuild, right or wrong."""
    _prune(filled.tracker, YESTERDAY)
    with filled.tracker.engine.begin() as connection:
        _sql(
            f"UPDATE hour_count SET count = 9 WHERE hour = {HOUR} - 48",
            f"UPDATE day_count SET count=9 WHERE dimension=1 AND day={TODAY - 2} AND key=1",
            f"UPDATE hour_count SET count = 9 WHERE hour = {HOUR} - 24",
            f"UPDATE day_count SET count=9 WHERE dimension=1 AND day={TODAY - 1} AND key=1",
        )(connection)
    found = _found(filled.tracker)
    _rebuild(filled.tracker)

    assert found["hour_count"] == ["2025-12-31 12:00 UTC: stored 9, recounted 4"]
    assert found["day_count"] == ["path 1 on 2025-12-31: stored 9, recounted 3"]
    assert found["total_count"] == ["path 1: stored 11, recounted 23"]
    assert filled.rows("SELECT count FROM hour_count ORDER BY hour") == [(9,), (4,), (6,)]
    assert filled.rows(
        "SELECT count FROM day_count WHERE dimension = 1 AND key = 1 ORDER BY day"
    ) == [(9,), (3,), (5,)]
    totals = "SELECT count FROM total_count WHERE dimension = 1 ORDER BY key"
    assert filled.rows(totals) == [(17,), (3,)]
    assert filled.rows("SELECT views FROM totals") == [(9 + 4 + 6,)]


def test_a_set_is_told_by_its_place_and_day() -> None:
    """A path goes by its number, all of them are the site."""
    assert str(DaySet(3, TODAY)) == "path 3 on 2026-01-01"
    assert str(DaySet(WHOLE_SITE, 0)) == "site on 1970-01-01"


@pytest.mark.parametrize("seed", range(3))
def test_whatever_was_sent_a_check_is_clean_and_a_rebuild_changes_nothing(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Streams with retries, restarts, failures and clock jumps; before and after pruning."""
    monkeypatch.setattr(recount_module, "STREAM_ROWS", 7)
    with _pair(make_database) as pair:
        _drive(pair, Random(seed), 1_500)
        days = [row[0] for row in pair.query("SELECT DISTINCT at / 86400 FROM view ORDER BY 1")]
        for first_day in (0, days[len(days) // 2], days[-1] + 1):
            _prune(pair.tracker, first_day)
            before = _tables(pair.tracker)
            found = _found(pair.tracker)
            _rebuild(pair.tracker)

            assert found == {}
            assert _tables(pair.tracker) == before
        assert not before["view"]
        assert before["totals"][0][TOTALS.c.keys().index("raw_since")] == first_day
