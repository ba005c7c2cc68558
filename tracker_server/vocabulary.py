"""Texts that readers choose, turned into small numbers, and no more of them than a bound."""

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import Connection, Select, Table, func, insert, select

from tracker_server.schema import OTHER

MAX_VARIABLES = 500
"""How many texts one statement asks for; SQLite before 3.32 takes 999 variables."""


class Vocabulary:
    """Ids of texts. What does not fit any more shares the entry `OTHER`.

    Without a bound, ten million invented paths would cost a gigabyte; with it,
    a miss costs no statement at all once the table is full.
    """

    def __init__(self, table: Table, counted: Select[Any]) -> None:
        """`table` has the columns ``id`` and ``text``; `counted` counts what the bound regards.

        In a table with a column ``first_day`` what the bound regards has the day there, and
        `counted` may ask for those of its parameter ``day_``.
        """
        self._table = table
        self._counted = counted
        self._ids: dict[str, int] = {}
        self._full_on: int | None = None

    def forget(self) -> None:
        """Drop what is remembered: after a rollback, or when somebody else changed the table."""
        self._ids = {}
        self._full_on = None

    def resolve(
        self,
        connection: Connection,
        texts: Collection[str],
        bound: int,
        day: int = 0,
        free: AbstractSet[str] = frozenset(),
    ) -> dict[str, int]:
        """Return the id of each text, making new rows while there are fewer than `bound`.

        Args:
            connection: in a transaction that holds the lock.
            texts: which ones.
            bound: how many there may be.
            day: what is full on one is looked at anew on another.
            free: texts that the bound does not regard.
        """
        if self._full_on != day:
            self._full_on = None
        missing = {*texts, OTHER} - self._ids.keys()
        if self._full_on is not None:
            missing &= free
        if missing:
            self._recall(connection, missing)
            self._extend(connection, sorted(missing - self._ids.keys()), bound, day, free)
        other = self._ids[OTHER]
        return {text: self._ids.get(text, other) for text in texts}

    def known(self, connection: Connection, texts: Collection[str]) -> dict[str, int]:
        """Return the ids of those texts that have one; nothing is added."""
        if self._full_on is None:
            self._recall(connection, {*texts} - self._ids.keys())
        return {text: self._ids[text] for text in texts if text in self._ids}

    def _recall(self, connection: Connection, texts: Collection[str]) -> None:
        columns, wanted = self._table.c, sorted(texts)
        for start in range(0, len(wanted), MAX_VARIABLES):
            some = wanted[start : start + MAX_VARIABLES]
            rows = connection.execute(
                select(columns.text, columns.id).where(columns.text.in_(some))
            )
            self._ids.update(_pairs(rows))

    def _extend(
        self, connection: Connection, texts: list[str], bound: int, day: int, free: AbstractSet[str]
    ) -> None:
        named = [text for text in texts if text == OTHER or text in free]
        regarded = [text for text in texts if text != OTHER and text not in free]
        room = 0
        if regarded:
            counted = connection.execute(self._counted, {"day_": day}).scalar_one()
            room = max(0, bound - counted)
            first_day = {"first_day": day} if "first_day" in self._table.c else {}
            self._ids |= append(connection, self._table, regarded[:room], **first_day)
        self._ids |= append(connection, self._table, named)
        if room < len(regarded):
            # Nothing can be added any more: remember all there is, and ask no more.
            columns = self._table.c
            self._ids = _pairs(connection.execute(select(columns.text, columns.id)))
            self._full_on = day


def append(
    connection: Connection, table: Table, texts: Collection[str], **columns: int
) -> dict[str, int]:
    """Add rows for new texts and return their ids. Only for a connection that holds the lock.

    The ids go on from the highest: those of a sequence would leave a gap with each
    rollback, and outgrow the bits that `tracker_server.packing.visit_key` has for them.
    `columns` are what else all these rows have.
    """
    if not texts:
        return {}
    highest = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    ids = {text: number for number, text in enumerate(texts, highest + 1)}
    rows = [{"id": number, "text": text, **columns} for text, number in ids.items()]
    connection.execute(insert(table), rows)
    return ids


def _pairs(rows: Iterable[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in rows}
