"""Texts become ids, and no more of them than a bound."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    select,
)

from tracker_server.base import Base
from tracker_server.schema import OTHER
from tracker_server.statements import AUDIENCES, PATHS, REFERRERS
from tracker_server.vocabulary import MAX_VARIABLES, Vocabulary

COUNTED = select(func.count()).select_from(REFERRERS).where(REFERRERS.c.text != OTHER)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return a database with all tables, empty."""
    engine = create_engine(f"sqlite:///{tmp_path / 'words.sqlite3'}")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """Return an open connection."""
    with engine.connect() as connection:
        yield connection


@contextmanager
def _statements(engine: Engine) -> Iterator[list[str]]:
    """Give a list that fills with the statements that are executed."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def _texts(connection: Connection) -> dict[str, int]:
    rows = connection.execute(select(REFERRERS.c.text, REFERRERS.c.id))
    return {row[0]: row[1] for row in rows}


def _vocabulary() -> Vocabulary:
    return Vocabulary(REFERRERS, COUNTED)


def test_resolve_gives_every_text_the_id_of_its_row(connection: Connection) -> None:
    """New texts get rows, and their ids are those of the table."""
    ids = _vocabulary().resolve(connection, {"a", "b"}, 10)

    assert ids.items() <= _texts(connection).items()
    assert sorted(_texts(connection)) == [OTHER, "a", "b"]


def test_resolve_gives_the_same_text_the_same_id_again(connection: Connection) -> None:
    """A text is stored once, whoever asks and however often."""
    vocabulary = _vocabulary()
    first = vocabulary.resolve(connection, ["a", "b", "a"], 10)

    assert vocabulary.resolve(connection, {"b", "a"}, 10) == first
    assert _vocabulary().resolve(connection, {"a", "b"}, 10) == first
    assert len(_texts(connection)) == 3


def test_resolve_of_nothing_is_nothing(connection: Connection) -> None:
    """A batch without texts asks for none."""
    assert _vocabulary().resolve(connection, [], 10) == {}


def test_texts_beyond_the_bound_share_one_entry(connection: Connection) -> None:
    """When the table is full, new texts are the entry `OTHER`; those that are there stay."""
    vocabulary = _vocabulary()
    ids = vocabulary.resolve(connection, ["a", "b", "c", "d"], 2)
    later = vocabulary.resolve(connection, ["a", "e"], 2)

    assert ids["c"] == ids["d"] == later["e"] == _texts(connection)[OTHER]
    assert len({ids["a"], ids["b"], ids["c"]}) == 3
    assert later["a"] == ids["a"]
    assert sorted(_texts(connection)) == [OTHER, "a", "b"]


def test_a_table_that_was_filled_before_takes_no_more(connection: Connection) -> None:
    """The bound holds for rows of earlier processes, too, even when it has been lowered."""
    _vocabulary().resolve(connection, ["a", "b", "c"], 10)
    ids = _vocabulary().resolve(connection, ["c", "d"], 1)

    assert ids == {"c": _texts(connection)["c"], "d": _texts(connection)[OTHER]}


def test_a_bound_of_zero_makes_no_row_but_the_shared_one(connection: Connection) -> None:
    """With no room at all everything is `OTHER`."""
    ids = _vocabulary().resolve(connection, ["a", "b"], 0)

    assert ids["a"] == ids["b"]
    assert sorted(_texts(connection)) == [OTHER]


def test_a_text_that_is_called_other_is_the_shared_entry(connection: Connection) -> None:
    """The shared entry is one row, also for a text that happens to read like it."""
    assert _vocabulary().resolve(connection, [OTHER], 10) == {OTHER: _texts(connection)[OTHER]}


def test_a_full_vocabulary_asks_the_database_nothing(
    engine: Engine, connection: Connection
) -> None:
    """An invented text costs no statement once the table is full."""
    vocabulary = _vocabulary()
    vocabulary.resolve(connection, ["a", "b", "c"], 2)
    with _statements(engine) as statements:
        vocabulary.resolve(connection, [f"invented{n}" for n in range(100)] + ["a"], 2)

    assert statements == []


def test_what_is_full_on_one_day_has_room_on_another(
    engine: Engine, connection: Connection
) -> None:
    """Where the bound is one of days, and until then an invented text costs no statement."""
    of_day = select(func.count()).where(PATHS.c.first_day == bindparam("day_"))
    vocabulary = Vocabulary(PATHS, of_day)
    vocabulary.resolve(connection, ["/a/", "/b/"], 1, 10)
    with _statements(engine) as full:
        same_day = vocabulary.resolve(connection, ["/b/", OTHER], 1, 10)
    next_day = vocabulary.resolve(connection, ["/b/", "/c/"], 1, 11)

    assert full == []
    assert same_day["/b/"] == next_day["/c/"] == same_day[OTHER]
    rows = connection.execute(select(PATHS.c.text, PATHS.c.first_day).order_by(PATHS.c.text))
    assert [tuple(row) for row in rows] == [(OTHER, None), ("/a/", 10), ("/b/", 11)]


def test_texts_that_the_bound_does_not_regard(connection: Connection) -> None:
    """They get rows in a full table, too, take no room and are of no day."""
    of_day = select(func.count()).where(PATHS.c.first_day == bindparam("day_"))
    vocabulary, free = Vocabulary(PATHS, of_day), frozenset({"/x/", "/y/"})
    vocabulary.resolve(connection, ["/x/", "/a/", "/b/"], 1, 10, free)
    ids = vocabulary.resolve(connection, ["/y/", "/c/"], 1, 10, free)

    rows = connection.execute(select(PATHS.c.text, PATHS.c.first_day).order_by(PATHS.c.text))
    assert [tuple(row) for row in rows] == [
        (OTHER, None),
        ("/a/", 10),
        ("/x/", None),
        ("/y/", None),
    ]
    assert ids["/y/"] != ids["/c/"]


def test_known_sees_what_others_added_after_a_full_day(connection: Connection) -> None:
    """The memory of a full table is one of its day."""
    of_day = select(func.count()).where(PATHS.c.first_day == bindparam("day_"))
    one, two = Vocabulary(PATHS, of_day), Vocabulary(PATHS, of_day)
    one.resolve(connection, ["/a/", "/b/"], 1, 10)
    added = two.resolve(connection, ["/c/"], 1, 11)
    one.resolve(connection, ["/a/"], 1, 11)

    assert one.known(connection, ["/c/", "/d/"]) == added


def test_a_known_text_asks_the_database_nothing(engine: Engine, connection: Connection) -> None:
    """Only a text that has not been seen yet costs statements."""
    vocabulary = _vocabulary()
    vocabulary.resolve(connection, ["a"], 10)
    with _statements(engine) as known:
        vocabulary.resolve(connection, ["a"], 10)
    with _statements(engine) as unknown:
        vocabulary.resolve(connection, ["a", "b"], 10)

    assert known == []
    assert len(unknown) > 0


def test_forget_reads_the_table_again(connection: Connection) -> None:
    """After a rollback the ids that were handed out are not used any more."""
    vocabulary = _vocabulary()
    connection.commit()
    rolled_back = vocabulary.resolve(connection, ["a", "b"], 10)
    connection.rollback()
    vocabulary.forget()
    rows = [{"id": n, "text": text} for n, text in enumerate(("w", "x", "y", "b"), 1)]
    connection.execute(insert(REFERRERS), rows)
    ids = vocabulary.resolve(connection, ["b"], 10)

    assert ids == {"b": _texts(connection)["b"]}
    assert ids["b"] != rolled_back["b"]


def test_forget_makes_a_full_vocabulary_see_new_room(connection: Connection) -> None:
    """What was full is looked at anew, with whatever bound holds then."""
    vocabulary = _vocabulary()
    vocabulary.resolve(connection, ["a", "b"], 1)
    vocabulary.forget()
    ids = vocabulary.resolve(connection, ["b"], 2)

    assert ids == {"b": _texts(connection)["b"]}


def test_two_vocabularies_on_one_table_agree(connection: Connection) -> None:
    """Two processes, one after the other, never give a text two rows."""
    one, two = _vocabulary(), _vocabulary()
    first = one.resolve(connection, ["a"], 10) | two.resolve(connection, ["b"], 10)

    assert one.resolve(connection, ["a", "b"], 10) == first
    assert two.resolve(connection, ["a", "b"], 10) == first


def test_vocabularies_of_different_tables_are_apart(connection: Connection) -> None:
    """What is full in one table has room in another."""
    audiences = Vocabulary(AUDIENCES, select(func.count()).select_from(AUDIENCES))
    _vocabulary().resolve(connection, ["a", "b"], 1)
    audiences.resolve(connection, ["a", "b"], 10)

    assert sorted(connection.execute(select(AUDIENCES.c.text)).scalars()) == [OTHER, "a", "b"]


@pytest.mark.parametrize("number", [MAX_VARIABLES - 1, MAX_VARIABLES, 2 * MAX_VARIABLES + 1])
def test_more_texts_than_one_statement_takes(
    engine: Engine, connection: Connection, number: int
) -> None:
    """A large batch is asked for in parts, and each text still has its own id."""
    texts = [f"t{n}" for n in range(number)]
    _vocabulary().resolve(connection, texts, 10_000)
    with _statements(engine) as statements:
        ids = _vocabulary().resolve(connection, texts, 10_000)

    assert len(set(ids.values())) == number
    assert ids.items() <= _texts(connection).items()
    assert max(statement.count("?") for statement in statements) <= MAX_VARIABLES
