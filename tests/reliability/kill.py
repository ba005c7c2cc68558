"""P1, P4: a view answered with 204 survives a crash of the process, and counts once.

Sixteen clients send views to a real tracker, which is killed with SIGKILL at some moment and
started anew, again and again. What was not answered is sent again, and so is a tenth of what
was. In the end the database must hold every view that was answered, none that was not sent,
each once, and figures that a recount of the raw views gives.

``python -m tests.reliability.kill --cycles 300`` prints the seed, the numbers and PASS or FAIL.
"""

import http.client
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from tests.processes import ROOT, Process
from tests.reliability.promise import arguments, conclude
from tracker_server.model import (
    View,
)
from tracker_server.payload import parse_message

CLIENTS = 16
PATHS = 40
VIEWS = (
    "SELECT session, text, count(*) FROM view JOIN visitor ON visitor.id = visitor_id "
    "JOIN path ON path.id = path_id GROUP BY 1, 2"
)
"""What is stored: session, path, how often."""
RESENT = 0.1
"""The share of answered views that is sent again."""


@dataclass(slots=True)
class Outcome:
    """What the clients know and what the database says."""

    sent: int
    answered: int
    resent: int
    lost: int
    """Answered, and not stored."""
    invented: int
    """Stored, and not sent."""
    doubled: int
    check: str
    """What ``tracker-server check`` complained of."""

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.invented or self.doubled or self.check)

    def __str__(self) -> str:
        return (
            f"{self.answered:,} answered of {self.sent:,} sent, {self.resent:,} sent again: "
            f"{self.lost:,} lost, {self.invented:,} invented, {self.doubled:,} twice"
            + (f"; check: {self.check}" if self.check else "")
        )


@dataclass
class Client:
    """One connection after the other, and what was said over them."""

    dice: random.Random
    sent: set[bytes] = field(default_factory=set)
    answered: list[bytes] = field(default_factory=list)
    unanswered: list[bytes] = field(default_factory=list)
    resent: int = 0
    pause: float = 0.0
    """For how many seconds it waits after a refusal."""

    def talk(self, process: Process, ends: threading.Event) -> None:
        """Send views until the tracker is gone."""
        with closing(process.connect()) as connection:
            while not ends.is_set():
                body = self.next_body()
                try:
                    connection.request("POST", "/api/collect", body)
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException):
                    self.unanswered.append(body)
                    return
                if answer.status == 204:
                    self.answered.append(body)
                else:
                    self.unanswered.append(body)
                    time.sleep(self.pause)

    def next_body(self) -> bytes:
        """Return a view that was not sent yet, was not answered, or is sent again."""
        if self.unanswered:
            self.resent += 1
            return self.unanswered.pop()
        if self.answered and self.dice.random() < RESENT:
            self.resent += 1
            return self.dice.choice(self.answered[-100:])
        number = len(self.sent)
        if number % PATHS == 0:
            self.session = str(UUID(int=self.dice.getrandbits(128), version=4))
        message = {
            "t": "view",
            "s": self.session,
            "l": f"{self.dice.getrandbits(128):032x}",
            "p": f"/{number % PATHS}/",
        }
        body = json.dumps(message).encode()
        self.sent.add(body)
        return body


def run(cycles: int, seed: int, folder: Path, module: str = "tracker_server") -> Outcome:
    """Kill a tracker so many times.

    Args:
        cycles: how often it is killed.
        seed: of all that is random.
        folder: an empty one, for the database and the logs.
        module: what runs in the place of the tracker, to see that this can fail.
    """
    url = f"sqlite:///{folder / 'stats.sqlite3'}"
    dice = random.Random(seed)
    clients = [Client(random.Random(f"{seed}/{number}")) for number in range(CLIENTS)]
    for _ in range(cycles):
        process = Process(folder, url, module)
        try:
            process.wait_until_it_serves()
            _talk_and_kill(process, clients, dice.uniform(0.02, 0.4))
        finally:
            process.kill()
    return compare(clients, url, read_views(folder / "stats.sqlite3"))


def _talk_and_kill(process: Process, clients: list[Client], seconds: float) -> None:
    ends = threading.Event()
    threads = [threading.Thread(target=client.talk, args=(process, ends)) for client in clients]
    for thread in threads:
        thread.start()
    time.sleep(seconds)  # Not a check: a crash comes at any moment.
    process.kill()
    ends.set()
    for thread in threads:
        thread.join()


def compare(clients: list[Client], url: str, stored: dict[tuple[int, str], int]) -> Outcome:
    """Compare what clients know with what a database that is at rest has."""
    check = subprocess.run(
        [sys.executable, "-m", "tracker_server", "check", "--database-url", url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    sent = {key_of(body) for client in clients for body in client.sent}
    answered = {key_of(body) for client in clients for body in client.answered}
    return Outcome(
        sent=len(sent),
        answered=len(answered),
        resent=sum(client.resent for client in clients),
        lost=len(answered - stored.keys()),
        invented=len(stored.keys() - sent),
        doubled=sum(count > 1 for count in stored.values()),
        check="" if check.returncode == 0 else check.stdout + check.stderr,
    )


def key_of(body: bytes) -> tuple[int, str]:
    """Return session and path of a view."""
    view = parse_message(body)
    assert isinstance(view, View)
    return view.session, view.path


def read_views(file: Path) -> dict[tuple[int, str], int]:
    """Return how often each view is in a database of SQLite."""
    with closing(sqlite3.connect(file)) as base:
        rows = base.execute(VIEWS)
        return {(session, path): count for session, path, count in rows}


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, "kill one that answers early", cycles=300, seed=True).parse_args()
    module = "tests.reliability.answers_early" if options.control else "tracker_server"
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.cycles, options.seed, Path(folder), module)
    conclude("P1", outcome, passed=outcome.passed, seed=options.seed)


if __name__ == "__main__":
    main()
