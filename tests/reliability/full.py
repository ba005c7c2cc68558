"""P5: a full disk is an outage of writes only, which ends by itself as soon as there is room.

A real tracker has its database on a disk of its own, of 24 MiB, in memory (a tmpfs in a namespace).
Again and again the disk is filled: really, for a tracker that keeps no reserve, or down into
the reserve of one that does. Views must then be answered with 503 and ``Retry-After``,
``/readyz`` must be red, pages and reports must be there, and the clean-up must go on; when there is
room, the refused view must be stored within two seconds, by the same process. In the end each view
that was answered must be there once and a check find nothing. Then old views are pruned on a disk
that is short, and what they leave must do for new ones.

Where no namespace can be had the size of files is limited instead (``--limit``), which is all of
it but the reserve.

``python -m tests.reliability.full`` prints the numbers and PASS or FAIL.
"""

import http.client
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from tests.processes import ROOT, Process
from tests.reliability.load import view
from tests.reliability.power import BASE, read_views
from tests.reliability.promise import arguments, conclude
from tracker_server import maintenance
from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.model import Received, View

ROUNDS = 50
DISK_MIB, RESERVE_MIB, LEFT_MIB = 24, 4, 2
MIB = 1 << 20
OLD_VIEWS = 15_000
OLD_DAYS = 10
VIEWS = 10
"""How many are stored between two outages."""
MOST_VIEWS = 4_000
"""How many may still be stored on a full disk: the log has room that it had before."""
RECOVERY_SECONDS = 2.0
READ = ("/api/stats", "/api/report?period=7d", "/stats", "/api/counters?path=/", "/healthz")
UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


@dataclass(slots=True)
class Outcome:
    """What so many outages came to."""

    how: str
    rounds: int = 0
    stored: int = 0
    refused: int = 0
    slowest: float = 0.0
    """Seconds until a refused view was stored once there was room."""
    pruned: bool = False
    odd: list[str] = field(default_factory=list)
    """Whatever was not as it should be."""

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return self.rounds > 0 and self.slowest < RECOVERY_SECONDS and not self.odd

    def __str__(self) -> str:
        return (
            f"{self.rounds} times a full disk ({self.how}): {self.refused} views refused, "
            f"{self.stored:,} stored; stored again {self.slowest:.2f} s after there was room at "
            f"most; pruned on it: {'yes' if self.pruned else 'no'}"
            + "".join(f"; {text}" for text in self.odd[:3])
        )


class _Disk(Protocol):
    """Something that can be full."""

    def fill(self, process: Process, left_mib: int) -> None: ...

    def free(self, process: Process) -> None: ...


class _Tmpfs:
    """A disk of its own, and a file on it that takes the room."""

    def __init__(self, folder: Path) -> None:
        command = ("mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tracker", str(folder))
        subprocess.run(command, check=True)
        self._folder, self._ballast = folder, folder / "ballast"

    def fill(self, _process: Process | None, left_mib: int) -> None:
        with self._ballast.open("ab", buffering=0) as file, suppress(OSError):
            size = shutil.disk_usage(self._folder).free - left_mib * MIB
            while size > 0:
                size -= file.write(bytes(min(size, 4_096)))

    def free(self, _process: Process | None) -> None:
        self._ballast.unlink()


class _Limit:
    """The size that a file of one process may have."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def fill(self, process: Process, _left_mib: int) -> None:
        most = max(file.stat().st_size for file in self._folder.iterdir())
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def free(self, process: Process) -> None:
        both = resource.RLIM_INFINITY, resource.RLIM_INFINITY
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, both)


class _Life:
    """One database on such a disk."""

    def __init__(self, folder: Path, disk: _Disk, reserve_mib: int, outcome: Outcome) -> None:
        self._logs = Path(tempfile.mkdtemp(dir=folder.parent))
        self._disk, self._reserve, self._outcome = disk, reserve_mib, outcome
        self._base = folder / BASE
        self._url = f"sqlite:///{self._base}"
        self._sent = self._answered = 0

    def run(self, rounds: int) -> None:
        """Fill the disk so often, and look whether all is there."""
        with self._tracker() as process, closing(process.connect()) as connection:
            for _ in range(rounds):
                self._round(process, connection)
            if "upkeep: the database refused" in process.output() and self._reserve:
                self._outcome.odd.append("the clean-up was refused")
        self._look()

    def prune(self) -> None:
        """Delete old views on a disk that is short, and store new ones in the room they leave."""
        self._add_old_views()
        self._disk.fill(None, LEFT_MIB)  # type: ignore[arg-type]  # Nobody runs.
        command = ("-m", "tracker_server", "prune", "--retention-days", "1", "--database-url")
        whole = [sys.executable, *command, self._url]
        done = subprocess.run(whole, cwd=ROOT, capture_output=True, text=True, check=False)
        self._outcome.pruned = done.stdout.startswith(f"{OLD_VIEWS:,} raw views")
        if not self._outcome.pruned:
            self._outcome.odd.append(f"not pruned: {done.stdout}{done.stderr}")
        with self._tracker() as process, closing(process.connect()) as connection:
            if not all(self._send(connection) == 204 for _ in range(VIEWS)):
                self._outcome.odd.append("what was pruned is no room for views")

    @contextmanager
    def _tracker(self) -> Iterator[Process]:
        process = Process(
            self._logs, self._url, STATS_RESERVE_MIB=str(self._reserve), STATS_CLEANUP_SECONDS="1"
        )
        try:
            process.wait_until_it_serves()
            yield process
        finally:
            process.stop()

    def _round(self, process: Process, connection: http.client.HTTPConnection) -> None:
        odd = self._outcome.odd
        if not all(self._send(connection) == 204 for _ in range(VIEWS)):
            odd.append("a view was refused while there was room")
        self._disk.fill(process, LEFT_MIB if self._reserve else 0)
        for _ in range(MOST_VIEWS):
            if self._send(connection) != 204:
                break
        else:
            odd.append("a full disk that takes views")
        # Without a reserve there may be room for the write by which a tracker tries, and no more.
        is_red = _status(connection, "/readyz") == 503
        if not is_red and (self._reserve or "storage_recovered" not in process.output()):
            odd.append("/readyz is not red")
        odd += [f"{path} {n}" for path in READ if (n := _status(connection, path)) != 200]
        self._disk.free(process)
        began = time.monotonic()
        while self._send(connection, again=True) != 204:
            if time.monotonic() > began + 5 * RECOVERY_SECONDS:
                odd.append("it does not store again")
                break
            time.sleep(0.02)
        self._outcome.slowest = max(self._outcome.slowest, time.monotonic() - began)
        self._outcome.rounds += 1

    def _send(self, connection: http.client.HTTPConnection, *, again: bool = False) -> int:
        self._sent += not again
        connection.request("POST", "/api/collect", view(self._sent))
        answer = connection.getresponse()
        answer.read()
        if answer.status == 204:
            self._answered += 1
            self._outcome.stored += 1
        elif answer.status == 503 and answer.getheader("Retry-After"):
            self._outcome.refused += 1
        else:
            self._outcome.odd.append(f"a view was answered with {answer.status}")
        return answer.status

    def _look(self) -> None:
        found = read_views(self._base)
        if len(found) != self._answered or len(set(found)) != len(found):
            odd = f"{self._answered} answered, {len(found)} stored, {len(set(found))} different"
            self._outcome.odd.append(odd)
        checked = maintenance.check(Settings(database_url=self._url))
        self._outcome.odd += [] if checked.is_clean else checked.lines

    def _add_old_views(self) -> None:
        at = int(time.time()) - OLD_DAYS * 86_400
        app = create_app(Settings(database_url=self._url, reserve_mib=0), lambda: at)
        tracker = app.extensions["tracker"]
        for first in range(0, OLD_VIEWS, 500):
            some = range(first + 1, first + 501)
            tracker.store.write([Received(at, View(-n, n, "/old/")) for n in some])
        tracker.close()


def _status(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def run(rounds: int, *, limit: bool = False) -> Outcome:
    """Fill a disk so often: one of its own, where that can be had."""
    with tempfile.TemporaryDirectory() as folder:
        if limit or not has_namespaces():
            return _run_inside(rounds, Path(folder), limit=True)
        command = [*UNSHARE, sys.executable, "-m", "tests.reliability.full", "--inside", folder]
        done = subprocess.run(
            [*command, "--rounds", str(rounds)], cwd=ROOT, stdout=-1, text=True, check=True
        )
        return Outcome(**json.loads(done.stdout))


def has_namespaces() -> bool:
    """Tell whether a disk can be mounted."""
    probe = "mount -t tmpfs tracker /mnt"
    with suppress(OSError):
        return not subprocess.run([*UNSHARE, "sh", "-c", probe], stderr=-1, check=False).returncode
    return False


def _run_inside(rounds: int, folder: Path, *, limit: bool) -> Outcome:
    outcome = Outcome("a limit of the size of files" if limit else f"{DISK_MIB} MiB in memory")
    if limit:
        (disk := folder / "disk").mkdir()
        _Life(disk, _Limit(disk), 0, outcome).run(rounds)
        return outcome
    for name, reserve in (("full", 0), ("short", RESERVE_MIB)):
        (disk := folder / name).mkdir()
        life = _Life(disk, _Tmpfs(disk), reserve, outcome)
        life.run(rounds // 2)
    life.prune()
    return outcome


def main() -> None:
    """Run from the command line."""
    parser = arguments(__doc__, rounds=ROUNDS)
    parser.add_argument("--limit", action="store_true", help="limit the size of files")
    parser.add_argument("--inside", type=Path, help="a folder, of a process that may mount")
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(asdict(_run_inside(options.rounds, options.inside, limit=False))))
        return
    outcome = run(options.rounds, limit=options.limit)
    conclude("P5", outcome, passed=outcome.passed)


if __name__ == "__main__":
    main()
