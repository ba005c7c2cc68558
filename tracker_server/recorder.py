"""Group commit: many requests wait for one fsync.

The first message of a batch leads: it waits until the batch before has been
committed, takes whatever has gathered meanwhile, and commits for all. Under no load
a message commits at once; under load batches grow by themselves, because a leader
whose predecessor had company waits a moment for those who were answered with it.
There is no writer thread.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tracker_server.errors import QueueFullError, StorageError
from tracker_server.model import (
    OF_NO_SESSION,
    Beat,
    Leave,
    Manifest,
    Message,
    Received,
)
from tracker_server.pressure import Pressure
from tracker_server.store import Store

MAX_CLEANUP_STEPS = 5_000
"""After how many steps a clean-up stops; the next one goes on from there."""
CLEANUP_PAUSE_SECONDS = 0.001
MAX_LINGER_SECONDS = 0.001
"""How long a leader waits for the messages that are on their way to it, at most."""
MAX_RECENT_BEATS = 16_384
"""How many sessions are remembered to spare the database repeated beats; about 4 MiB."""


_Row = tuple[str, int, int]
"""Path, page load and time of an active session's row."""


@dataclass(slots=True, eq=False)
class _Batch:
    received: list[Received] = field(default_factory=list)
    done: threading.Lock = field(default_factory=threading.Lock)
    """Held until the batch has been committed, then handed from one waiting thread to the next.

    An `Event` would wake them all at once to fight for the interpreter.
    """
    error: StorageError | None = None
    wanted: int = 0
    """With how many messages the leader stops waiting for more; 0 while it does not wait."""
    full: threading.Lock = field(default_factory=threading.Lock)
    """Held while the leader waits; whoever brings the last of them lets it go."""


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
            elif len(batch.received) == batch.wanted:
                batch.full.release()
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
            self._linger(batch)
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

    def _linger(self, batch: _Batch) -> None:
        """Wait for as many messages as were answered just now, but not for long; close the batch.

        Who was answered sends the next message at once, where many readers come together. A
        batch that takes them in as well costs half as much a message, and a lone reader waits
        for nobody.
        """
        with self._joining:
            expected = len(self._before.received) + len(batch.received) - 1
            if len(self._before.received) > 1:
                batch.wanted = expected
                batch.full.acquire()
        if batch.wanted:
            batch.full.acquire(timeout=MAX_LINGER_SECONDS)
        with self._joining:
            self._batch = _Batch()


class _RecentBeats:
    """Which heartbeats would write nothing, known without asking the database.

    Mirrors the condition of the upsert over the rows written within the window, in the
    order of the commits. Right only while no other process writes.
    """

    def __init__(self, window_seconds: int) -> None:
        self._window = window_seconds
        self._rows: dict[int, _Row] = {}
        self._older: dict[int, _Row] = {}
        """Those of the generation before; what has a row above is out of date here."""
        self._began = 0
        """When the younger generation did."""

    def forget(self) -> None:
        """Know nothing: after a clean-up, which may have deleted rows of any time."""
        self._rows = {}
        self._older = {}

    def repeats(self, received: Received) -> bool:
        """Tell whether this is a beat of a row written within the window."""
        message = received.message
        if type(message) is not Beat:
            return False
        row = self._row_of(message.session)
        return (
            row is not None and row[0] == message.path and abs(received.at - row[2]) < self._window
        )

    def note(self, batch: list[Received]) -> None:
        """Follow a committed batch."""
        for received in batch:
            message, at = received.message, received.at
            kind = type(message)
            if kind in OF_NO_SESSION:
                continue
            row = self._row_of(message.session)
            if kind is Leave:
                if row is None or row[1] == message.load:
                    self._rows.pop(message.session, None)
                    self._older.pop(message.session, None)
            elif not self._unchanged(row, message, at):
                self._rows[message.session] = (message.path, message.load, at)
        self._age(batch[-1].at)

    def _row_of(self, session: int) -> _Row | None:
        return self._rows.get(session) or self._older.get(session)

    def _unchanged(self, row: _Row | None, message: Message, at: int) -> bool:
        if row is None or row[0] != message.path or abs(at - row[2]) >= self._window:
            return False
        return type(message) is Beat or row[1] == message.load

    def _age(self, now: int) -> None:
        """Forget the older generation when the younger one is full or outside the window.

        What is not remembered is asked of the database. One by one, the oldest row would have to
        be searched behind the gaps that those before it left: 16 % of a view's time.
        """
        if len(self._rows) >= MAX_RECENT_BEATS // 2 or abs(now - self._began) >= self._window:
            self._began = now
            self._older = self._rows
            self._rows = {}
