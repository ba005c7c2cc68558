"""Group commit: many requests wait for one fsync.

The first message of a batch leads: it waits until the batch before has been
committed, takes whatever has gathered meanwhile, and commits for all. Under no load
a message commits at once; under load batches grow by themselves. There is no timer
and no writer thread.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tracker_server.errors import QueueFullError, StorageError
from tracker_server.model import Beat, Event, Leave, Manifest, Message, NotFound, Received
from tracker_server.pressure import Pressure
from tracker_server.store import Store

MAX_CLEANUP_STEPS = 5_000
"""After how many steps a clean-up stops; the next one goes on from there."""
CLEANUP_PAUSE_SECONDS = 0.001
MAX_RECENT_BEATS = 16_384
"""How many sessions are remembered to spare the database repeated beats; about 4 MiB."""


@dataclass(slots=True, eq=False)
class _Batch:
    received: list[Received] = field(default_factory=list)
    done: threading.Lock = field(default_factory=threading.Lock)
    """Held until the batch has been committed, then handed from one waiting thread to the next.

    An `Event` would wake them all at once to fight for the interpreter.
    """
    error: StorageError | None = None


class Recorder:
    """The only caller of the store's writing side; safe to use from any thread."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        *,
        heartbeat_window_seconds: int,
        max_waiting: int,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.pressure = Pressure()
        self._timer = timer
        self._store = store
        self._clock = clock
        self._max_waiting = max_waiting
        self._beats = _RecentBeats(heartbeat_window_seconds) if store.single_writer else None
        self._joining = threading.Lock()
        self._committing = threading.Lock()
        self._batch = _Batch()
        self._before = _Batch()
        """The batch whose commit was the last."""
        self._waiting = 0

    def record(self, message: Message) -> None:
        """Store a message; return when the commit that contains it has reached the disk.

        Raises:
            QueueFullError: too many messages wait already; nothing was stored.
            StorageError: the commit was not confirmed; sending it again is safe.
        """
        received = Received(int(self._clock()), message)
        if self._beats is not None and self._beats.repeats(received):
            return
        with self._joining:
            if self._waiting >= self._max_waiting:
                raise QueueFullError(f"{self._waiting} messages wait for the disk")
            self._waiting += 1
            batch = self._batch
            batch.received.append(received)
            leads = len(batch.received) == 1
            if leads:
                batch.done.acquire()
        if leads:
            self._commit(batch)
        else:
            with batch.done:
                pass
        if batch.error is not None:
            raise batch.error

    def replace_pages(self, manifest: Manifest, digest: str) -> None:
        """Put a manifest in force between two batches."""
        with self._committing:
            self._store.replace_pages(manifest, digest, int(self._clock()))

    def clean_up(self) -> None:
        """Delete what is of no more use, in steps between which messages are stored."""
        for _ in range(MAX_CLEANUP_STEPS):
            with self._committing:
                now = int(self._clock())
                complete = self._store.clean_up(now, self.pressure.patience(now))
                if self._beats is not None:
                    self._beats.forget()
            if complete:
                return
            # Whoever waits for the lock gets it only when this thread does not ask at once.
            time.sleep(CLEANUP_PAUSE_SECONDS)

    def close(self) -> None:
        """Wait for the batch in work and close the store."""
        with self._committing:
            self._store.close()

    def interval_doublings(self) -> int:
        """Return how many times a browser is to double its interval between heartbeats."""
        return self.pressure.level(self._clock())

    def _commit(self, batch: _Batch) -> None:
        began = self._timer()
        with self._committing:
            # Those of the batch before go first: until they have answered nobody sends anything
            # new, and two halves of the readers would take turns with batches of half the size.
            with self._before.done:
                pass
            with self._joining:
                self._batch = _Batch()
            self._before = batch
            try:
                self._store.write(batch.received)
                if self._beats is not None:
                    self._beats.note(batch.received)
            except StorageError as error:
                batch.error = error
            except BaseException as error:
                # The leader fails with what happened; nobody behind it may believe in a commit.
                batch.error = StorageError(f"unexpected: {error!r}")
                raise
            finally:
                self.pressure.note(self._timer() - began)
                with self._joining:
                    self._waiting -= len(batch.received)
                batch.done.release()


class _RecentBeats:
    """Which heartbeats would write nothing, known without asking the database.

    Mirrors the condition of the upsert over the rows written within the window, in the
    order of the commits. Right only while no other process writes.
    """

    def __init__(self, window_seconds: int) -> None:
        self._window = window_seconds
        self._rows: dict[int, tuple[str, int, int]] = {}
        """Session to path, page load and time of its row."""
        self._swept = 0

    def forget(self) -> None:
        """Know nothing: after a clean-up, which may have deleted rows of any time."""
        self._rows = {}

    def repeats(self, received: Received) -> bool:
        """Tell whether this is a beat of a row written within the window."""
        message = received.message
        if type(message) is not Beat:
            return False
        row = self._rows.get(message.session)
        return (
            row is not None and row[0] == message.path and abs(received.at - row[2]) < self._window
        )

    def note(self, batch: list[Received]) -> None:
        """Follow a committed batch."""
        for received in batch:
            message, at = received.message, received.at
            if isinstance(message, NotFound | Event):
                continue
            row = self._rows.get(message.session)
            if isinstance(message, Leave):
                if row is None or row[1] == message.load:
                    self._rows.pop(message.session, None)
            elif not self._unchanged(row, message, at):
                self._rows[message.session] = (message.path, message.load, at)
        while len(self._rows) > MAX_RECENT_BEATS:
            # What is not remembered is asked of the database; the oldest beat next the latest.
            del self._rows[next(iter(self._rows))]
        self._sweep(batch[-1].at)

    def _unchanged(self, row: tuple[str, int, int] | None, message: Message, at: int) -> bool:
        if row is None or row[0] != message.path or abs(at - row[2]) >= self._window:
            return False
        return isinstance(message, Beat) or row[1] == message.load

    def _sweep(self, now: int) -> None:
        """Forget rows older than the window; once a window, because it looks at all of them."""
        if abs(now - self._swept) >= self._window:
            self._swept = now
            self._rows = {
                s: row for s, row in self._rows.items() if abs(now - row[2]) < self._window
            }
