"""P2: a view answered with 204 survives a power cut, and the database is whole.

Clients send views to a real tracker, which is killed, started anew, stopped and started again,
while everything that its SQLite writes, flushes, cuts and deletes is noted in one order with
the answers that the clients get (`watched_disk`). Then the power goes at random moments: of what
was not flushed each sector is on the disk or not (`disk`). What is left is opened by SQLite,
and must be whole and hold the first so many of all views, among them each that was answered. Of
some, a tracker is started on it and every figure compared with a recount.

The control is a tracker with ``STATS_SYNCHRONOUS=normal``: it loses answered views in most
states. Besides, a view is taken out of states that are right, which must be noticed each time.

``python -m tests.reliability.power --states 50000`` prints the numbers and PASS or FAIL.
"""

import random
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import NamedTuple

from tests.processes import Process
from tests.reliability.disk import ANSWER, Disk, Note, Notes, read_notes
from tests.reliability.kill import Client
from tests.reliability.promise import arguments, conclude
from tracker_server import maintenance
from tracker_server.app import create_app
from tracker_server.config import Settings
from tracker_server.errors import TrackerError
from tracker_server.model import View
from tracker_server.payload import parse_message

STATES = 50_000
RECORDINGS = 6
CLIENTS = 6
VIEWS = 120
"""How many each life of a tracker answers, of which a recording has three."""
CHECKPOINT_PAGES = 150
SYNC_MS = 1.0
RECOUNTED = 1_000
"""Of so many states one is started on and recounted."""
LOST_BY_NORMAL = 0.5
WORKERS = 2
BASE = "stats.sqlite3"
_VIEWS = (
    "SELECT session, text FROM view JOIN visitor ON visitor.id = visitor_id "
    "JOIN path ON path.id = path_id ORDER BY view.id"
)

Key = tuple[int, str]
"""Session and path of a view."""
_Spoil = Callable[[Path, random.Random], None]


@dataclass(slots=True)
class Outcome:
    """What so many states came to."""

    states: int = 0
    lost: int = 0
    """States without a view that was answered."""
    corrupt: int = 0
    """States that SQLite cannot read, or finds damaged."""
    disordered: int = 0
    """States with a view and without one before it, or with sums that do not fit."""
    recounted: int = 0
    differing: int = 0
    """Of those, how many had a figure that a recount does not give."""
    unnoticed: int = 0
    """States in which nothing of this was found."""
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return self.unnoticed == self.states

    def add(self, other: "Outcome") -> None:
        """Take in what other states came to."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        return (
            f"{self.states:,} states: {self.lost:,} lost answered views, {self.corrupt:,} corrupt, "
            f"{self.disordered:,} no prefix; "
            f"{self.recounted:,} recounted, {self.differing:,} differ"
            + (f"; {self.problems[0]}" if self.problems else "")
        )


class Recording(NamedTuple):
    """What a tracker did to its disk, and what it said meanwhile."""

    folder: str
    notes: list[Note]
    views: list[Key]
    """All, in the order in which they were stored."""


class _Answered(list[bytes]):
    """What a client was answered, noted at once among what the tracker does."""

    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def append(self, body: bytes) -> None:
        self._notes.add(ANSWER, data=body)
        super().append(body)


def record(folder: Path, seed: str, synchronous: str = "full") -> Recording:
    """Let a tracker live three times: it is killed, stopped, and killed again.

    Args:
        folder: an empty one.
        seed: of what the clients send.
        synchronous: the setting.
    """
    log = folder / "notes"
    notes = Notes(log)
    clients = [
        Client(random.Random(f"{seed}/{n}"), answered=_Answered(notes)) for n in range(CLIENTS)
    ]
    disk = folder / "disk"
    disk.mkdir()
    for ends in (Process.kill, Process.stop, Process.kill):
        process = Process(
            folder,
            f"sqlite:///{disk / BASE}",
            "tests.reliability.watched_disk",
            DISK_LOG=str(log),
            DISK_SYNC_MS=str(SYNC_MS),
            DISK_CHECKPOINT_PAGES=str(CHECKPOINT_PAGES),
            STATS_SYNCHRONOUS=synchronous,
        )
        try:
            process.wait_until_it_serves()
            _talk(process, clients, ends)
        finally:
            process.kill()
    return read_recording(disk, log)


def read_recording(disk: Path, log: Path) -> Recording:
    """Return what was noted, and the views that are there."""
    return Recording(str(disk), list(read_notes(log)), read_views(disk / BASE))


def read_views(file: Path) -> list[Key]:
    """Return the views of a database in the order in which they were stored."""
    with closing(sqlite3.connect(file)) as base:
        return base.execute(_VIEWS).fetchall()


def _talk(process: Process, clients: list[Client], end: Callable[[Process], None]) -> None:
    over = threading.Event()
    wanted = sum(len(client.answered) for client in clients) + VIEWS
    threads = [threading.Thread(target=client.talk, args=(process, over)) for client in clients]
    for thread in threads:
        thread.start()
    while sum(len(client.answered) for client in clients) < wanted:
        assert any(thread.is_alive() for thread in threads), process.output()
        over.wait(0.005)
    if end is Process.kill:  # In the middle of it.
        process.kill()
    over.set()
    for thread in threads:
        thread.join()
    end(process)


def cut(recording: Recording, states: int, seed: str, spoil: _Spoil | None = None) -> Outcome:
    """Let the power go at so many random moments, and look at what is left.

    Args:
        recording: what had happened until then.
        states: how many.
        seed: of the moments, and of what is left.
        spoil: what else is done to what is left; then each state must be noticed.
    """
    dice, outcome = random.Random(seed), Outcome()
    moments = sorted(dice.choices(range(len(recording.notes) + 1), k=states))
    places = {key: place for place, key in enumerate(recording.views, 1)}
    disk, needed, at = Disk(recording.folder, random.Random(seed)), 0, 0
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        for moment in moments:
            for note in recording.notes[at:moment]:
                disk.hear(note)
                if note.kind == ANSWER:
                    needed = max(needed, places.get(_key(note.data), len(places) + 1))
            at = max(at, moment)
            state = Path(folder) / BASE
            _write(state, disk.cut(dice))
            if spoil is not None:
                if not needed:
                    continue
                spoil(state, dice)
            recount = dice.randrange(RECOUNTED) == 0
            outcome.add(look(state, recording.views, needed, recount=recount))
    return outcome


def _memory() -> str | None:
    """Return a folder in memory, where there is one: all this is written and read once."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _key(body: bytes) -> Key:
    view = parse_message(body)
    assert isinstance(view, View)
    return view.session, view.path


def _write(state: Path, files: dict[str, bytes]) -> None:
    for file in state.parent.iterdir():
        file.unlink()
    for name, content in files.items():
        state.with_name(name).write_bytes(content)


def look(state: Path, views: list[Key], needed: int, *, recount: bool) -> Outcome:
    """Open what a power cut has left as SQLite does after it, and compare.

    Args:
        state: the database; there may be none.
        views: all that were ever stored, in this order.
        needed: how many of these must be there, as the last of them was answered.
        recount: start a tracker on it, and recount every figure.
    """
    try:
        with closing(sqlite3.connect(state)) as base:
            whole = base.execute("PRAGMA quick_check").fetchall() == [("ok",)]
            has_tables = base.execute("SELECT 1 FROM sqlite_master WHERE name = 'view'").fetchall()
            found = base.execute(_VIEWS).fetchall() if has_tables else []
            total = base.execute("SELECT views FROM totals").fetchall() if found else []
    except sqlite3.Error as error:
        return Outcome(states=1, corrupt=1, problems=[str(error)])
    orderly = found == views[: len(found)] and sum(map(sum, total)) == len(found)
    lost = len(found) < needed
    orderly = found == views[: len(found)] and sum(map(sum, total)) == len(found)
    problem = _recount(state) if recount else ""
    return Outcome(
        states=1,
        lost=lost,
        corrupt=not whole,
        disordered=not orderly,
        recounted=recount,
        differing=bool(problem),
        unnoticed=not lost and whole and orderly and not problem,
        problems=[problem] if problem else [],
    )


def _recount(state: Path) -> str:
    """Start a tracker as after a power cut, stop it, and return what a check then says."""
    settings = Settings(database_url=f"sqlite:///{state}")
    try:
        create_app(settings).extensions["tracker"].close()
        checked = maintenance.check(settings)
    except TrackerError as error:
        return str(error)
    return "" if checked.is_clean else "; ".join(checked.lines)


def lose_a_view(state: Path, dice: random.Random) -> None:
    """Take a view out of a database, as a bug would that loses one."""
    with closing(sqlite3.connect(state)) as base:
        ids = base.execute("SELECT id FROM view").fetchall()
        base.execute("DELETE FROM view WHERE id = ?", dice.choice(ids))
        base.commit()


def run(
    states: int, seed: int, *, synchronous: str = "full", recordings: int = RECORDINGS
) -> Outcome:
    """Record so often, and look at so many states in all."""
    each = [states // recordings + (n < states % recordings) for n in range(recordings)]
    seeds = [f"{seed}/{number}" for number in range(recordings)]
    with ProcessPoolExecutor(WORKERS) as workers:
        outcome = Outcome()
        for part in workers.map(_run_one, each, seeds, [synchronous] * recordings):
            outcome.add(part)
    return outcome


def _run_one(states: int, seed: str, synchronous: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return cut(record(Path(folder), seed, synchronous), states, seed)


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, "flush now and then", states=STATES, seed=True).parse_args()
    if not options.control:
        outcome = run(options.states, options.seed)
        conclude("P2", outcome, passed=outcome.passed, seed=options.seed)
    outcome = run(options.states, options.seed, synchronous="normal")
    with tempfile.TemporaryDirectory() as folder:
        recording = record(Path(folder), str(options.seed))
        spoilt = cut(recording, options.states // 4, str(options.seed), lose_a_view)
    reached = (
        f"{outcome}; of {spoilt.states:,} with a view taken out {spoilt.unnoticed:,} not noticed"
    )
    found_out = outcome.lost >= LOST_BY_NORMAL * outcome.states and not spoilt.unnoticed
    conclude("P2", reached, passed=not found_out, seed=options.seed)


if __name__ == "__main__":
    main()
