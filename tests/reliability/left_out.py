"""P17: programs, pages fetched ahead, and who asks not to be counted are not counted.

Every message of the script with every header that says so must change no row of any table.
Views with each user agent that programs of the list are known to send must not count, but for
one in a hundred, and those of browsers must. A tracker that sees neither is the control.

``python -m tests.reliability.left_out`` prints the numbers and PASS or FAIL.
"""

import json
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]
from flask.testing import FlaskClient

from tests.reliability.promise import arguments, conclude
from tests.server.signal_headers import SAID
from tests.server.user_agents import BROWSERS
from tracker_server import ingest
from tracker_server.app import Tracker, create_app
from tracker_server.config import Settings
from tracker_server.statements import TABLES

NOON = 1_767_268_800.0
KINDS = ("view", "beat", "leave", "event")
PROGRAMS = tuple(agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"])
SIGNALS = tuple(said for signal, those in SAID.items() if signal for said in those)
LEAST = 0.99
"""Which share of the programs is told."""


@dataclass(slots=True)
class Outcome:
    """What counted."""

    signals: int
    """Messages with a header that says not to count them."""
    rows: int
    """Rows that these changed."""
    programs: int
    programs_counted: int
    browsers: int
    browsers_counted: int

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        left_out = self.programs - self.programs_counted
        return (
            not self.rows
            and left_out >= LEAST * self.programs
            and self.browsers_counted == self.browsers
        )

    def __str__(self) -> str:
        return (
            f"{self.signals:,} messages with a signal changed {self.rows:,} rows; counted: "
            f"{self.programs_counted:,} of {self.programs:,} programs, "
            f"{self.browsers_counted:,} of {self.browsers:,} browsers"
        )


def run(folder: Path, programs: Iterable[str] = PROGRAMS, *, is_blind: bool = False) -> Outcome:
    """Send all of it.

    Args:
        folder: an empty one, for the database.
        programs: user agents of programs.
        is_blind: whether the tracker sees neither headers nor programs, so that this must fail.
    """
    settings = Settings(
        database_url=f"sqlite:///{folder / 'stats.sqlite3'}",
        synchronous="normal",  # No power cut is part of this.
        rate_limit=0,
    )
    app = create_app(settings, lambda: NOON)
    tracker: Tracker = app.extensions["tracker"]
    blind = patch.multiple(ingest, signal_of=_none, bot_of=_none)
    try:
        with blind if is_blind else nullcontext():
            return _run(tracker, _Sender(app.test_client()), tuple(programs))
    finally:
        tracker.close()


def _none(_said: object, **_how: object) -> str:
    return ""


class _Sender:
    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self._numbers = count(1)

    def send(self, kind: str, headers: Mapping[str, str]) -> None:
        """Send a message of a new reader."""
        number = next(self._numbers)
        session = str(UUID(int=number, version=4))
        body = {"t": kind, "s": session, "l": f"{number:032x}", "p": "/", "n": "copy"}
        answer = self._client.post("/api/collect", data=json.dumps(body), headers=dict(headers))
        assert answer.status_code in {202, 204}


def _run(tracker: Tracker, sender: _Sender, programs: tuple[str, ...]) -> Outcome:
    sender.send("view", {"User-Agent": BROWSERS[0]})  # A tracker that has something to change.
    before = _rows(tracker)
    for said in SIGNALS:
        for kind in KINDS:
            sender.send(kind, said)
    changed = len(before ^ _rows(tracker))
    counted = []
    for agents in (programs, BROWSERS):
        views = _views(tracker)
        for agent in agents:
            sender.send("view", {"User-Agent": agent})
        counted.append(_views(tracker) - views)
    return Outcome(
        *(len(SIGNALS) * len(KINDS), changed),
        *(len(programs), counted[0], len(BROWSERS), counted[1]),
    )


def _rows(tracker: Tracker) -> set[tuple[object, ...]]:
    with tracker.engine.connect() as connection:
        return {
            (table, *row)
            for table in TABLES
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
        }


def _views(tracker: Tracker) -> int:
    with tracker.engine.connect() as connection:
        return int(connection.exec_driver_sql("SELECT views FROM totals").scalar_one())


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, "a tracker that sees nothing").parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(Path(folder), is_blind=options.control)
    conclude("P17", outcome, passed=outcome.passed)


if __name__ == "__main__":
    main()
