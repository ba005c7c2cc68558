"""Texts that readers choose, turned into small numbers, and no more of them than a bound."""

from collections.abc import Collection, Iterable
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
        """`table` has the columns ``id`` and ``text``; `counted` counts what the bound regards."""
        self._table = table
        self._counted = counted
        self._ids: dict[str, int] = {}
        self._full = False

    def forget(self) -> None:
        """Drop what is remembered: after a rollback, or when somebody else changed the table."""
        self._ids = {}
        self._full = False

    def resolve(self, connection: Connection, texts: Collection[str], bound: int) -> dict[str, int]:
        """Return the id of each text, making new rows while there are fewer than `bound`."""
        missing = sorted({*texts, OTHER} - self._ids.keys())
        if missing and not self._full:
            self._recall(connection, missing)
            self._extend(connection, [text for text in missing if text not in self._ids], bound)
        other = self._ids[OTHER]
        return {text: self._ids.get(text, other) for text in texts}

    def known(self, connection: Connection, texts: Collection[str]) -> dict[str, int]:
        """Return the ids of those texts that have one; nothing is added."""
        missing = sorted({*texts} - self._ids.keys())
        if not self._full:
            self._recall(connection, missing)
        return {text: self._ids[text] for text in texts if text in self._ids}

    def _recall(self, connection: Connection, texts: list[str]) -> None:
        columns = self._table.c
        for start in range(0, len(texts), MAX_VARIABLES):
            some = texts[start : start + MAX_VARIABLES]
            rows = connection.execute(
                select(columns.text, columns.id).where(columns.text.in_(some))
            )
            self._ids.update(_pairs(rows))

    def _extend(self, connection: Connection, texts: list[str], bound: int) -> None:
        if not texts:
            return
        room = max(0, bound - connection.execute(self._counted).scalar_one())
        fresh = [text for text in texts if text != OTHER][:room]
        if OTHER in texts:
            fresh.append(OTHER)
        if fresh:
            self._ids.update(append(connection, self._table, fresh))
        if len(fresh) < len(texts):
            # Nothing can be added any more: remember all there is, and ask no more.
            columns = self._table.c
            self._ids = _pairs(connection.execute(select(columns.text, columns.id)))
            self._full = True


def append(connection: Connection, table: Table, texts: Collection[str]) -> dict[str, int]:
    """Add rows for new texts and return their ids. Only for a connection that holds the lock.

    The ids go on from the highest: those of a sequence would leave a gap with each
    rollback, and outgrow the bits that `tracker_server.packing.visit_key` has for them.
    """
    highest = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    ids = {text: number for number, text in enumerate(texts, highest + 1)}
    if ids:
        rows = [{"id": number, "text": text} for text, number in ids.items()]
        connection.execute(insert(table), rows)
    return ids


def _pairs(rows: Iterable[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in rows}
