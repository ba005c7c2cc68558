"""SQLite as the tracker needs it, and statements that PostgreSQL takes as well."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine, create_mock_engine, insert

from tracker_server.database import (
    CHECKPOINT_PAGES,
    insert_into,
    is_single_writer,
    open_reader,
    open_writer,
    prepare_engine,
)
from tracker_server.model import (
    Beat,
    Leave,
    View,
)
from tracker_server.packing import (
    LOAD_BITS,
    MAX_PATH_ID,
    MAX_VISITOR_ID,
    PATH_BITS,
    VISITOR_BITS,
    day_of,
    load_key,
    uncounted_key,
    visit_key,
)
from tracker_server.prepared import Lookup, Prepared
from tracker_server.sqlite_file import version_line
from tracker_server.statements import HOURS, LOADS, VIEWS, VISITS, Statements


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return a prepared SQLite engine with a table of numbers."""
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    prepare_engine(engine)
    LOADS.create(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql() -> Engine:
    """Return what says that it is PostgreSQL and can be asked nothing else."""
    return cast("Engine", create_mock_engine("postgresql+psycopg://", lambda *_: None))


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        pytest.param("journal_mode", "wal", id="readers-go-on-while-a-batch-commits"),
        pytest.param("synchronous", 2, id="a-commit-survives-a-power-cut"),
        pytest.param("foreign_keys", 1, id="foreign-keys"),
        pytest.param("busy_timeout", 5_000, id="waits-for-other-processes"),
    ],
)
def test_every_connection_has_the_pragmas(engine: Engine, pragma: str, value: object) -> None:
    """A second connection is set up like the first."""
    with engine.connect() as first, engine.connect() as second:
        values = [
            connection.exec_driver_sql(f"PRAGMA {pragma}").scalar()
            for connection in (first, second)
        ]

    assert values == [value, value]


def test_a_writer_holds_the_lock_from_its_first_statement(engine: Engine) -> None:
    """Nobody else can begin to write in between; readers see what was committed before."""
    with engine.connect() as writer, engine.connect() as other:
        writer.execution_options(tracker_writer=True)
        writer.exec_driver_sql("SELECT 1")
        other.exec_driver_sql("PRAGMA busy_timeout=1")
        with pytest.raises(Exception, match="database is locked"):
            other.exec_driver_sql("INSERT INTO load VALUES (1, 1)")
        rows = other.exec_driver_sql("SELECT * FROM load").all()

    assert rows == []


def test_open_writer_begins_immediately(engine: Engine) -> None:
    """The connection of the store is such a writer."""
    writer = open_writer(engine)
    with writer.begin(), engine.connect() as other:
        other.exec_driver_sql("PRAGMA busy_timeout=1")
        with pytest.raises(Exception, match="database is locked"):
            other.exec_driver_sql("INSERT INTO load VALUES (1, 1)")
    writer.close()

    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO load VALUES (1, 1)")


def test_synchronous_is_what_was_asked_for(tmp_path: Path) -> None:
    """An owner may take the risk of ``normal``."""
    engine = create_engine(f"sqlite:///{tmp_path / 'a.sqlite3'}")
    prepare_engine(engine, "normal")
    with engine.connect() as connection:
        value = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    engine.dispose()

    assert value == 1


def _pragmas(connection: Connection) -> list[Any]:
    names = ("query_only", "wal_autocheckpoint")
    return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]


def test_only_the_writer_writes_and_checkpoints(engine: Engine) -> None:
    """Whichever connection of the pool it is, it has what it was opened for."""
    seen: dict[str, list[Any]] = {}
    for _ in range(2):
        for name, opened in (("r", open_reader), ("w", open_writer), ("c", Engine.connect)):
            with opened(engine) as connection:
                assert seen.setdefault(name, _pragmas(connection)) == _pragmas(connection)

    assert seen == {"r": [1, 0], "w": [0, CHECKPOINT_PAGES], "c": [0, 0]}


def test_a_reader_can_not_write(engine: Engine) -> None:
    """A mistake in a report does not become a second writer."""
    with (
        open_reader(engine) as reader,
        pytest.raises(Exception, match="attempt to write a readonly database"),
    ):
        reader.exec_driver_sql("INSERT INTO load VALUES (1, 1)")


def test_the_writer_moves_the_log_and_others_never_do(engine: Engine, tmp_path: Path) -> None:
    """However much another connection writes, the database file grows only by the writer."""
    file = tmp_path / "a.sqlite3"
    rows = (
        "WITH RECURSIVE n(i) AS (SELECT {0} UNION ALL SELECT i + 1 FROM n WHERE i < {0} + 400000) "
        "INSERT INTO load SELECT i, i FROM n"
    )
    with open_reader(engine) as reader, open_writer(engine) as writer:
        reader.exec_driver_sql("SELECT 1")
        reader.rollback()
        before = file.stat().st_size
        with engine.begin() as other:
            other.exec_driver_sql(rows.format(0))
        by_others = file.stat().st_size
        with writer.begin():
            writer.exec_driver_sql(rows.format(1_000_000))

    assert before == by_others < file.stat().st_size


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_versions_with_the_wal_reset_bug_are_named(
    version: tuple[int, int, int], *, affected: bool
) -> None:
    """The line says the version, and for those that have the bug why it does no harm."""
    line = version_line(version)
    bug = " (has the WAL-reset bug; safe here, as only one connection writes and checkpoints)"

    assert line == f"SQLite {'.'.join(map(str, version))}{bug if affected else ''}"


def test_only_sqlite_has_a_single_writer(engine: Engine, postgresql: Engine) -> None:
    """A server database may have other trackers that write."""
    assert is_single_writer(engine)
    assert not is_single_writer(postgresql)


def test_insert_into_knows_both_dialects(engine: Engine, postgresql: Engine) -> None:
    """Each gets the upsert of its own dialect."""
    modules = [type(insert_into(some, LOADS)).__module__ for some in (engine, postgresql)]

    assert modules == ["sqlalchemy.dialects.sqlite.dml", "sqlalchemy.dialects.postgresql.dml"]


def test_every_statement_compiles_for_postgresql(postgresql: Engine) -> None:
    """Upserts, the lock and the look-ups are written in its words, parameters by position."""
    statements = Statements(postgresql, 10)
    texts = {
        name: value.text for name, value in vars(statements).items() if type(value) is Prepared
    }
    sessions = {kind: statement.text for kind, statement in statements.sessions.items()}

    assert texts["lock"].endswith("FOR UPDATE")
    assert "ON CONFLICT (hour) DO UPDATE" in texts["add_hour"]
    assert "ON CONFLICT (day, path_id, referrer_id) DO UPDATE" in texts["add_not_found"]
    assert "= ANY (%s::BIGINT[])" in statements.loads._text
    assert "= ANY (%s::BIGINT[])" in statements.drop_sessions._text
    assert set(sessions) == {View, Beat, Leave}
    assert sessions[View].count("%s") == sessions[Beat].count("%s") == 4
    assert not [text for text in texts.values() if "?" in text]


def test_a_view_takes_over_the_page_load_and_a_beat_does_not(engine: Engine) -> None:
    """The upserts of the two differ in exactly this condition."""
    sessions = Statements(engine, 10).sessions

    assert "load != excluded.load" in sessions[View].text
    assert "load != excluded.load" not in sessions[Beat].text


def test_prepared_checks_the_order_of_its_parameters(engine: Engine) -> None:
    """A mistake in the order is found at the start, not in the figures."""
    with pytest.raises(ValueError, match=r"parameters stand in the order \('key', 'at'\)"):
        Prepared(engine, insert(LOADS), "at", "key")


def test_prepared_runs_for_every_row(engine: Engine) -> None:
    """Rows are tuples; the answer is how many were written; no rows are no statement."""
    statement = Prepared(engine, insert(LOADS), "key", "at")
    with engine.begin() as connection:
        written = [statement.run(connection, rows) for rows in ([], [(1, 10), (2, 20)])]

    assert written == [0, 2]


def test_lookup_returns_the_rows_that_exist(engine: Engine) -> None:
    """Keys without a row are left out."""
    with engine.begin() as connection:
        Prepared(engine, insert(LOADS), "key", "at").run(connection, [(1, 10), (2, 20), (3, 30)])
        found = sorted(Lookup(engine, LOADS.c.key, LOADS.c.at).fetch(connection, [3, 1, 9]))
        nothing = Lookup(engine, LOADS.c.key).fetch(connection, [])

    assert found == [(1, 10), (3, 30)]
    assert nothing == []


@pytest.mark.parametrize("number", [1, 2, 3, 63, 64, 65, 100, 128, 200])
def test_any_number_of_rows_is_written_and_found(engine: Engine, number: int) -> None:
    """However many rows go into one step, each is written once and found by its key."""
    rows = [(key, key * 10) for key in range(number)]
    with engine.begin() as connection:
        written = Prepared(engine, insert(LOADS), "key", "at").run(connection, rows)
        found = Lookup(engine, LOADS.c.key, LOADS.c.at).fetch(connection, [*range(-5, number + 5)])

    assert written == number
    assert sorted(found) == rows


def test_rows_of_one_key_are_applied_in_their_order(engine: Engine) -> None:
    """An upsert meets the row that the one before it left; the answer counts the changes."""
    statement = insert_into(engine, LOADS)
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={"at": statement.excluded.at},
        where=statement.excluded.at > LOADS.c.at,
    )
    rows = [(1, at) for at in [*range(70), 5, 80, 79]]
    with engine.begin() as connection:
        written = Prepared(engine, statement, "key", "at").run(connection, rows)
        stored = Lookup(engine, LOADS.c.key, LOADS.c.at).fetch(connection, [1])

    assert written == 71
    assert stored == [(1, 80)]


def test_lookup_of_nothing_asks_no_server(postgresql: Engine) -> None:
    """Without keys there is no round trip, nor even a connection."""
    assert Lookup(postgresql, VISITS.c.key).fetch(cast("Any", None), []) == []


def test_visit_key_packs_and_unpacks() -> None:
    """Day, visitor and path at their bounds fit into a signed 64-bit integer and come out again."""
    key = visit_key(65_535, MAX_VISITOR_ID, MAX_PATH_ID)

    assert key == (1 << 63) - 1
    assert key >> PATH_BITS + VISITOR_BITS == 65_535
    assert visit_key(1, 2, 3) & MAX_PATH_ID == 3
    assert visit_key(1, 2, 3) >> PATH_BITS & MAX_VISITOR_ID == 2


def test_load_key_keeps_a_visitor_and_mixes_all_bits_of_a_load() -> None:
    """Neither part spills into the other, and ids that differ anywhere differ in the key."""
    loads = [0, -1, 7, 8, *(1 << bit for bit in range(1, 63))]

    assert len({load_key(3, load) for load in loads}) == len(set(loads))
    assert {load_key(3, load) >> LOAD_BITS for load in loads} == {3}
    assert 0 < load_key(MAX_VISITOR_ID, -1) < 1 << 63
    assert load_key(3, 7) != load_key(2, 7)


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_uncounted_key_is_never_the_number_of_a_visitor(session: int) -> None:
    """Whatever a browser says its session is, it cannot stand in for a counted one."""
    assert -(1 << 63) <= uncounted_key(session) < 0


@pytest.mark.parametrize(
    ("at", "day"), [(0, 0), (86_399, 0), (86_400, 1), (-1, -1)], ids=["0", "last", "next", "before"]
)
def test_day_of_is_the_utc_day(at: int, day: int) -> None:
    """Days begin at midnight UTC."""
    assert day_of(at) == day


def test_a_new_file_has_small_pages(engine: Engine) -> None:
    """Half a page of the usual size is written for a few rows; a file that exists keeps its own."""
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA page_size").scalar_one() == 2_048


def test_raw_views_have_no_index_but_the_row_id() -> None:
    """Views are only ever appended, so nothing else is kept up with them."""
    assert list(VIEWS.indexes) == []
    assert [column.name for column in HOURS.primary_key] == ["hour"]
