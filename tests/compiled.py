"""SQL and templates that are compiled once for all trackers of a run.

A tracker compiles each statement when it first runs it, and each template when it first renders
it. Tests start thousands of trackers, and a third of their time went into compiling the same
statements for the same two dialects.
"""

from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.util import LRUCache

_STATEMENTS: LRUCache[Any, Any] = LRUCache(4_000)
_DIALECTS: dict[tuple[str, str], Dialect] = {}


class _Templates(BytecodeCache):
    """Those that were rendered so far; jinja looks whether a text is still the same."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give what is known of a template."""
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template."""
        self._codes[bucket.key] = bucket.bytecode_to_string()


_TEMPLATES = _Templates()


def share_templates(app: Flask) -> None:
    """Let an application that has rendered nothing yet use what others have compiled."""
    app.jinja_options = {**app.jinja_options, "bytecode_cache": _TEMPLATES}


def share() -> None:
    """Let all engines of this process have one cache, and one dialect for each kind of database."""
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    own = connection.dialect
    # Entries of the cache are those of one object, so it has to be the same one.
    connection.dialect = _DIALECTS.setdefault((own.name, own.driver), own)
    connection.execution_options(compiled_cache=_STATEMENTS)
