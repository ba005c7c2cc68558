"""P6, P4: a flush that fails is never reported as a success, and a retry counts once.

The flushes of a real tracker fail, each of the first 200 that it makes on a new database in one of
25 lives (`watched_disk`): while it makes its tables, when a batch is committed, when the log is
moved into the database. A client sends one view after the other. What is not answered with 204
must be answered with 503 and ``Retry-After``, ``/readyz`` must be red at once, and the view is sent
again until it is stored; after the last failure only when the tracker was killed and started
anew. All is noted in one order, and the power goes at random moments (`power`): after a failure
Linux takes for written what is not, and yet every view that was answered must be there.

The control is a tracker that is not told of the failures.

``python -m tests.reliability.fsync`` prints the numbers and PASS or FAIL.
"""

import http.client
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path

from tests.processes import Process
from tests.reliability import power
from tests.reliability.disk import ANSWER, SYNC_FAILS, Notes, read_notes
from tests.reliability.load import view
from tests.reliability.promise import arguments, conclude
from tracker_server import maintenance
from tracker_server.config import Settings

FAILURES = 200
APART = 25
"""Of a life, every so manieth flush fails."""
STATES = 4_000
CHECKPOINT_PAGES = 100
PATIENCE_SECONDS = 5.0
RED_SECONDS = 1.0


@dataclass(slots=True)
class Outcome:
    """What the failures came to."""

    failed: int = 0
    """Flushes that failed."""
    refused: int = 0
    """Views that were answered with 503."""
    stopped: int = 0
    """Starts that ended with one line and exit code 1."""
    unsaid: int = 0
    """Refusals without a red ``/readyz`` or without ``Retry-After``."""
    odd: list[str] = field(default_factory=list)
    """Any other answer, and starts that ended otherwise."""
    doubled: int = 0
    missing: int = 0
    """Views that are not there in the end, though each was sent until it was answered."""
    check: list[str] = field(default_factory=list)
    cuts: power.Outcome = field(default_factory=power.Outcome)

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        bad = self.unsaid or self.odd or self.doubled or self.missing or self.check
        return bool(self.refused) and not bad and self.cuts.passed

    def add(self, other: "Outcome") -> None:
        """Take in what other failures came to."""
        self.cuts.add(other.cuts)
        for each in fields(self):
            if each.name != "cuts":
                setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        return (
            f"{self.failed} flushes failed: {self.refused} views refused, {self.stopped} starts, "
            f"{self.unsaid} not told of; {self.doubled} twice, {self.missing} missing; then power "
            f"cuts, {self.cuts}" + "".join(f"; {text}" for text in [*self.odd, *self.check][:3])
        )


def run(failures: int, seed: int, states: int, *, lies: bool = False) -> Outcome:
    """Let each of the first flushes fail, and the power go so often.

    Args:
        failures: how many.
        seed: of when the power goes, and of what is left.
        states: how often it does.
        lies: the control.
    """
    outcome, firsts = Outcome(), range(1, APART + 1)
    with ProcessPoolExecutor(power.WORKERS) as workers:
        one = partial(live, failures=failures, seed=seed, states=states // APART, lies=lies)
        for part in workers.map(one, firsts):
            outcome.add(part)
    return outcome


def live(first: int, *, failures: int, seed: int, states: int, lies: bool = False) -> Outcome:
    """Do so in one life, with every `APART`th failure from the first on."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as folder:
        fails = list(range(first, failures + 1, APART))
        recording = _Life(Path(folder), fails, outcome, lies=lies).run()
        outcome.cuts.add(power.cut(recording, states, f"{seed}/{first}"))
    return outcome


class _Life:
    """One database, the trackers on it, and who sends views to them."""

    def __init__(self, folder: Path, fails: list[int], outcome: Outcome, *, lies: bool) -> None:
        self._folder, self._outcome = folder, outcome
        self._disk = folder / "disk"
        self._disk.mkdir()
        self._url = f"sqlite:///{self._disk / power.BASE}"
        self._fails = fails
        self._notes = Notes(folder / "notes")
        self._variables = {
            "DISK_LOG": str(folder / "notes"),
            "DISK_CHECKPOINT_PAGES": str(CHECKPOINT_PAGES),
        } | ({"DISK_LIES": "1"} if lies else {})
        self._sent = 0

    def run(self) -> power.Recording:
        """Send views until each flush that is to fail has failed; return what was done."""
        process = self._start()
        try:
            while self._sent < 2 * self._fails[-1]:
                self._sent += 1
                is_stored = self._send_until_stored(process)
                if not is_stored or (self._sent % 8 == 0 and self._failed() == len(self._fails)):
                    break
        finally:
            process.kill()
        self._fails = []
        self._send_again()
        return self._look()

    def _start(self) -> Process:
        """Start trackers until one serves: those whose first flushes fail must say so and end."""
        while True:
            left = self._fails[self._failed() :]
            process = self._new(",".join(map(str, left)))
            try:
                process.wait_until_it_serves()
            except AssertionError:
                process.kill()
                self._note_end(process)
                if not left:
                    raise
            else:
                return process

    def _new(self, fails: str = "") -> Process:
        return Process(
            self._folder,
            self._url,
            "tests.reliability.watched_disk",
            DISK_FAILS=fails,
            **self._variables,
        )

    def _note_end(self, process: Process) -> None:
        said = process.output().splitlines()
        is_one_line = bool(said) and said[-1].startswith("Error: ") and len(said) <= 2
        if process.wait() == 1 and is_one_line:
            self._outcome.stopped += 1
        else:
            self._outcome.odd.append(f"a start ended with {process.wait()}: {said[-1:]}")

    def _failed(self) -> int:
        return sum(note.kind == SYNC_FAILS for note in read_notes(self._folder / "notes"))

    def _send_until_stored(self, process: Process) -> bool:
        """Send the next view; false when no more flushes will fail and it is not stored."""
        end = time.monotonic() + PATIENCE_SECONDS
        with closing(process.connect()) as connection:
            while self._send(process, connection, self._sent) == 503 and time.monotonic() < end:
                if self._failed() == len(self._fails):
                    return False
        return True

    def _send(self, process: Process, connection: http.client.HTTPConnection, number: int) -> int:
        body = view(number)
        connection.request("POST", "/api/collect", body)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 204:
            self._notes.add(ANSWER, data=body)
        elif answer.status == 503:
            self._outcome.refused += 1
            told = answer.getheader("Retry-After") and _is_red(process, connection)
            self._outcome.unsaid += not told
        else:
            self._outcome.odd.append(f"an answer of {answer.status}")
        return answer.status

    def _send_again(self) -> None:
        """Send all views once more, to another process: none may count twice."""
        process = self._new()
        try:
            process.wait_until_it_serves()
            with closing(process.connect()) as connection:
                for number in range(1, self._sent + 1):
                    self._send(process, connection, number)
        finally:
            process.stop()

    def _look(self) -> power.Recording:
        outcome = self._outcome
        outcome.failed += self._failed()
        recording = power.read_recording(self._disk, self._folder / "notes")
        outcome.doubled += len(recording.views) - len(set(recording.views))
        outcome.missing += self._sent - len(set(recording.views))
        checked = maintenance.check(Settings(database_url=self._url))
        outcome.check += [] if checked.is_clean else checked.lines
        return recording


def _is_red(process: Process, connection: http.client.HTTPConnection) -> bool:
    """Tell whether a tracker says that it does not store, or has said so and stores again."""
    asked = time.monotonic()
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    answer.read()
    is_red = answer.status == 503 or "storage_recovered" in process.output()
    return is_red and time.monotonic() - asked < RED_SECONDS


def main() -> None:
    """Run from the command line."""
    options = arguments(
        __doc__, "tell nobody of a failure", failures=FAILURES, states=STATES, seed=True
    ).parse_args()
    outcome = run(options.failures, options.seed, options.states, lies=options.control)
    passed = not outcome.cuts.lost if options.control else outcome.passed
    conclude("P6", outcome, passed=passed, seed=options.seed)


if __name__ == "__main__":
    main()
