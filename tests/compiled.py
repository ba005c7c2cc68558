"""SQL that is compiled once for all trackers of a run.

A tracker compiles each statement when it first runs it. Tests start thousands of trackers, and a
third of their time went into compiling the same statements for the same two dialects.
"""

from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.util import LRUCache

_STATEMENTS: LRUCache[Any, Any] = LRUCache(4_000)
_DIALECTS: dict[tuple[str, str], Dialect] = {}


def share() -> None:
    """Let all engines of this process have one cache, and one dialect for each kind of database."""
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    own = connection.dialect
    # Entries of the cache are those of one object, so it has to be the same one.
    connection.dialect = _DIALECTS.setdefault((own.name, own.driver), own)
    connection.execution_options(compiled_cache=_STATEMENTS)
