"""P20: backups of a tracker that writes are whole, complete and good to restore.

Clients send views to a real tracker whose database has a hundred MiB. Again and again a backup
is made by the command; each is restored by the command, over the one restored before, and must
be whole, have every view that was answered before the backup began, and the figures of a
recount. After each, another backup is killed with SIGKILL at some moment: under its name there
must be nothing, or all of it. Meanwhile 99 % of the views are answered within 100 ms. The
control is a copy made as one copies files, while the tracker writes.

``python -m tests.reliability.backups`` prints the seed, the numbers and PASS or FAIL.
"""

import http.client
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import ROOT, Process
from tests.reliability import kill
from tests.reliability.promise import arguments, conclude

CLIENTS = 4
MIB = 100
P99_MS = 100.0
PAUSE_SECONDS = 0.02
VIEWS_BETWEEN = 50
PATIENCE_SECONDS = 20.0
ROWS_PER_MIB = 29_000
BALLAST = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
    "INSERT INTO reading (key, path_id, day, at, visible, active, depth, completed, searched) "
    "SELECT (100000000 << 36) + i, 1, 0, {}, 1000 * i % 1000000, i % 50000, i % 100, 0, 0 FROM n"
)
"""Page loads of nobody: they take room, and no figure but those of the first day knows them."""
BALLAST_SUMS = (
    "INSERT INTO day_reading "
    "(key, loads, visible, active, depth, completed, searched, bounced) "
    "VALUES (0, {0}, 0, 0, 0, 0, 0, {0}), (1 << 16, {0}, 0, 0, 0, 0, 0, {0})"
)
"""So that a recount finds them there: no fewer of a class than there are."""


@dataclass(slots=True)
class Outcome:
    """What became of the backups."""

    backups: int
    restored: int
    """Restored, whole, and with the figures of a recount."""
    lost: int
    """Views that were answered before a backup began, and are not in it."""
    killed: int
    halves: int
    """What a killed backup left under its name that was not all of it."""
    mib: float
    """Of the last one."""
    views: int
    p99_ms: float

    def passed(self, allowance: float = 1.0) -> bool:
        """Whether the promise was kept, on a machine that may be so many times slower."""
        return (
            self.restored == self.backups
            and not self.lost
            and not self.halves
            and self.p99_ms <= P99_MS * allowance
        )

    def __str__(self) -> str:
        return (
            f"{self.restored:,} of {self.backups:,} backups of {self.mib:.0f} MiB restored, "
            f"{self.lost:,} views lost; of {self.killed:,} that were killed {self.halves:,} left "
            f"half a file; {self.views:,} views meanwhile, p99 {self.p99_ms:.1f} ms"
        )


@dataclass
class Reader(kill.Client):
    """A client that measures, while it is told to, how long answers take."""

    times: list[float] = field(default_factory=list)

    def read(self, process: Process, ends: threading.Event, measures: threading.Event) -> None:
        """Send views at the pace of people until told to end; all must be stored."""
        with closing(process.connect()) as connection:
            while not ends.is_set():
                body, counts = self.next_body(), measures.is_set()
                begin = time.perf_counter()
                connection.request("POST", "/api/collect", body)
                answer = connection.getresponse()
                answer.read()
                if counts:
                    self.times.append((time.perf_counter() - begin) * 1_000)
                if answer.status != http.client.NO_CONTENT:
                    raise AssertionError(answer.status)
                self.answered.append(body)
                time.sleep(self.dice.uniform(0, PAUSE_SECONDS))


@dataclass
class Trial:
    """A tracker under load, and the backups of it."""

    folder: Path
    dice: random.Random
    readers: list[Reader]
    by_command: bool
    """Whether backups are made by the command; else as one copies a file."""
    lost: int = 0
    restored: int = 0
    halves: int = 0
    measures: threading.Event = field(default_factory=threading.Event)

    @property
    def file(self) -> Path:
        """The database of the tracker."""
        return self.folder / "stats.sqlite3"

    def back_up_and_restore(self) -> tuple[float, float]:
        """Make a backup and put it to the test; return its MiB and how many seconds it took."""
        self._wait_for_views()
        before = {kill.key_of(body) for reader in self.readers for body in list(reader.answered)}
        copy, place = self.folder / "copy.sqlite3", self.folder / "place.sqlite3"
        self.measures.set()
        begin = time.monotonic()
        if self.by_command:
            _command("backup", self.file, copy)
        else:
            shutil.copy(self.file, copy)
        seconds = time.monotonic() - begin
        self.measures.clear()
        mib = copy.stat().st_size / (1 << 20)
        if _command("restore", place, copy) == 0:
            self.restored += 1
            self.lost += len(before - kill.read_views(place).keys())
        for path in (copy, *self.folder.glob("place.sqlite3.before-restore*")):
            path.unlink(missing_ok=True)
        return mib, seconds

    def _wait_for_views(self) -> None:
        """Return when there are views that no backup has."""
        wanted = self._answered() + VIEWS_BETWEEN
        end = time.monotonic() + PATIENCE_SECONDS
        while self._answered() < wanted:
            assert time.monotonic() < end, "waited in vain for views"
            time.sleep(0.01)

    def _answered(self) -> int:
        return sum(len(reader.answered) for reader in self.readers)

    def kill_a_backup(self, seconds: float) -> None:
        """Kill one that would take about so long, and look at what is left of it."""
        copy = self.folder / "killed.sqlite3"
        words = _words("backup", self.file, copy)
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL) as backup:
            time.sleep(self.dice.uniform(0, 1.2 * seconds))
            os.kill(backup.pid, 9)  # Not reaped yet, so nobody else has its number.
        if copy.exists() and _command("restore", self.file, "--verify", copy) != 0:
            self.halves += 1
        for path in self.folder.glob("killed.sqlite3*"):
            path.unlink()


def run(backups: int, mib: int, seed: int, folder: Path, *, by_command: bool = True) -> Outcome:
    """Make so many backups.

    Args:
        backups: how many, and as many that are killed.
        mib: how big the database is.
        seed: of the pauses and of the moments.
        folder: an empty one.
        by_command: else by copying the file, to see that this can fail.
    """
    readers = [Reader(random.Random(f"{seed}/{number}")) for number in range(CLIENTS)]
    trial = Trial(folder, random.Random(seed), readers, by_command)
    process = Process(folder, f"sqlite:///{trial.file}")
    ends, size = threading.Event(), 0.0
    try:
        process.wait_until_it_serves()
        _add_ballast(trial.file, mib)
        arguments = (process, ends, trial.measures)
        threads = [threading.Thread(target=reader.read, args=arguments) for reader in readers]
        for thread in threads:
            thread.start()
        for _ in range(backups):
            size, seconds = trial.back_up_and_restore()
            if by_command:
                trial.kill_a_backup(seconds)
        ends.set()
        for thread in threads:
            thread.join()
    finally:
        ends.set()
        process.stop()
    times = sorted(time for reader in readers for time in reader.times) or [0.0]
    return Outcome(
        backups=backups,
        restored=trial.restored,
        lost=trial.lost,
        killed=backups if by_command else 0,
        halves=trial.halves,
        mib=size,
        views=len(times),
        p99_ms=times[len(times) * 99 // 100],
    )


def _add_ballast(file: Path, mib: int) -> None:
    with closing(sqlite3.connect(file, timeout=20)) as connection:
        connection.execute(BALLAST.format(mib * ROWS_PER_MIB, int(time.time())))
        connection.execute(BALLAST_SUMS.format(mib * ROWS_PER_MIB))
        connection.commit()


def _words(command: str, file: Path, *more: object) -> list[str]:
    begin = [sys.executable, "-m", "tracker_server", command]
    return [*begin, "--database-url", f"sqlite:///{file}", *map(str, more)]


def _command(command: str, file: Path, *more: object) -> int:
    ended = subprocess.run(
        _words(command, file, *more), cwd=ROOT, capture_output=True, check=False, text=True
    )
    if ended.returncode:
        print(ended.stdout + ended.stderr, file=sys.stderr)
    return ended.returncode


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, "copy the file", backups=10, mib=MIB, seed=True).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(
            options.backups,
            options.mib,
            options.seed,
            Path(folder),
            by_command=not options.control,
        )
    conclude("P20", outcome, passed=outcome.passed(), seed=options.seed)


if __name__ == "__main__":
    main()
