"""P13: the number of active readers is right after a crash, and counts nobody twice.

Readers view pages, beat, go, and come in a second tab; what they send is sent again now and
then. The clock of the tracker is moved, so that some of them are not heard of for longer than
the two minutes after which a reader is no longer active. Then the tracker is killed with SIGKILL
while messages come, and within five seconds the one that is started anew must say how many are
active, and where: as many as a model of a few lines. The control starts without the table of
sessions, as a tracker does that keeps them in memory.

``python -m tests.reliability.presence`` prints the seed, the numbers and PASS or FAIL.
"""

import http.client
import json
import random
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from tests.processes import Process
from tests.reliability.moved_clock import FILE
from tests.reliability.promise import arguments, conclude

TIMEOUT_SECONDS = 120
WITHIN_SECONDS = 5.0
MARGIN = range(100, TIMEOUT_SECONDS + 1)
"""Nobody was last heard of so many seconds ago when figures are compared: a heartbeat counts for
up to ten seconds more, and time goes on meanwhile."""
MESSAGES = 40
"""Between two kills."""
PATHS = 6
MIN_JUMP = 15
"""Seconds by which the clock moves at least: for longer a heartbeat is not remembered."""


@dataclass(slots=True)
class Outcome:
    """What the tracker said after each kill, beside what the model says."""

    kills: int = 0
    readers: int = 0
    """All that there ever were."""
    active: int = 0
    """Those of the model, all kills together."""
    deviations: list[str] = field(default_factory=list)
    slowest: float = 0.0
    """After how many seconds the figures were right, at most."""

    def passed(self, allowance: float = 1.0) -> bool:
        """Whether the promise was kept, on a machine that may be so many times slower."""
        return not self.deviations and self.slowest <= WITHIN_SECONDS * allowance

    def __str__(self) -> str:
        first = f": {self.deviations[0]}" if self.deviations else ""
        return (
            f"{self.kills:,} kills, {self.readers:,} readers of whom "
            f"{self.active / self.kills:.0f} were active on average: "
            f"{len(self.deviations):,} deviations{first}; right within {self.slowest:.1f} s"
        )


@dataclass(slots=True)
class Reader:
    """One session, and what the model knows of it."""

    session: str
    path: str = ""
    load: int = 0
    heard: float = 0.0
    """By the clock of the tracker; in 1970 once it has gone."""


@dataclass
class Model:
    """Readers, the clock of the tracker, and which of them are active."""

    dice: random.Random
    folder: Path
    ahead: float = 0.0
    readers: list[Reader] = field(default_factory=list)

    def now(self) -> float:
        """Return what the clock of the tracker says."""
        return time.time() + self.ahead

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self.ahead += seconds
        (self.folder / FILE).write_text(str(self.ahead))

    def move_off_the_edge(self) -> None:
        """Let time pass until nobody is about to be no longer active."""
        while any(int(self.now() - reader.heard) in MARGIN for reader in self.readers):
            self.move(1)

    def active(self) -> Counter[str]:
        """Return how many are active, by path."""
        now = self.now()
        return Counter(r.path for r in self.readers if now - r.heard < TIMEOUT_SECONDS)

    def send(self, connection: http.client.HTTPConnection) -> None:
        """Let one reader do something; now and then all of it is sent twice."""
        dice = self.dice
        here = [r for r in self.readers if self.now() - r.heard < TIMEOUT_SECONDS]
        if not here or dice.random() < 0.3:
            self.readers.append(Reader(str(UUID(int=dice.getrandbits(128), version=4))))
            here, kind = [self.readers[-1]], "view"
        else:
            kind = dice.choices(("view", "beat", "leave"), (4, 4, 2))[0]
        reader = dice.choice(here)
        if kind == "view":
            reader.path, reader.load = f"/{dice.randrange(PATHS)}/", reader.load + 1
        message = {"t": kind, "s": reader.session, "p": reader.path, "l": f"{reader.load:032x}"}
        for _ in range(1 + (dice.random() < 0.2)):
            self._post(connection, json.dumps(message))
        reader.heard = 0.0 if kind == "leave" else self.now()

    @staticmethod
    def _post(connection: http.client.HTTPConnection, body: str) -> None:
        connection.request("POST", "/api/collect", body)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in {202, 204}:
            raise AssertionError(answer.status)


def run(kills: int, seed: int, folder: Path, *, forgets: bool = False) -> Outcome:
    """Kill a tracker so many times.

    Args:
        kills: how often.
        seed: of what readers do.
        folder: an empty one, for the database, the clock and the logs.
        forgets: delete what it knows of sessions each time, to see that this can fail.
    """
    model, outcome = Model(random.Random(seed), folder), Outcome()
    model.move(0)
    process = _start(folder)
    try:
        for _ in range(kills):
            process.wait_until_it_serves()
            _read_and_kill(process, model)
            if forgets:
                _forget(folder)
            model.move_off_the_edge()
            begin = time.monotonic()
            process = _start(folder)
            process.wait_until_it_serves()
            _compare(process, model, outcome, begin)
    finally:
        process.kill()
    outcome.readers = len(model.readers)
    return outcome


def _start(folder: Path) -> Process:
    url = f"sqlite:///{folder / 'stats.sqlite3'}"
    return Process(folder, url, "tests.reliability.moved_clock")


def _read_and_kill(process: Process, model: Model) -> None:
    with closing(process.connect()) as connection:
        for number in range(MESSAGES):
            model.send(connection)
            if number % 10 == 0:
                model.move(model.dice.uniform(MIN_JUMP, 60))
    process.kill()


def _forget(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "stats.sqlite3", isolation_level=None)) as base:
        base.execute("DELETE FROM active_session")


def _compare(process: Process, model: Model, outcome: Outcome, begin: float) -> None:
    """Ask until the figures are right, or the time for that is over."""
    outcome.kills += 1
    expected, said = model.active(), Counter[str]()
    outcome.active += expected.total()
    while time.monotonic() - begin < 4 * WITHIN_SECONDS:
        with closing(process.connect()) as connection:
            connection.request("GET", "/api/stats")
            figures = json.loads(connection.getresponse().read())
        said = Counter({row["path"]: row["visitors"] for row in figures["activeByPath"]})
        if said == expected and figures["activeVisitors"] == expected.total():
            outcome.slowest = max(outcome.slowest, time.monotonic() - begin)
            return
        if said.total() > expected.total():
            break  # Somebody counts twice.
        time.sleep(0.2)
    outcome.deviations.append(f"{dict(said)} instead of {dict(expected)}")


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, "forget the sessions", kills=20, seed=True).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.kills, options.seed, Path(folder), forgets=options.control)
    conclude("P13", outcome, passed=outcome.passed(), seed=options.seed)


if __name__ == "__main__":
    main()
