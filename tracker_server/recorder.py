"""Group commit: many messages wait for one fsync.

One thread writes. It takes whatever has gathered, commits it, tells those who wait, and takes
what has gathered meanwhile. Under no load a message is committed at once; under load batches
grow by themselves.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from tracker_server.errors import QueueFullError, StorageError
from tracker_server.health import Health
from tracker_server.meter import Counter
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
MAX_RECENT_BEATS = 16_384
"""How many sessions are remembered to spare the database repeated beats; about 4 MiB."""

_FAILED = "the writer has failed"

Told = Callable[[StorageError | None], None]
"""What is called with the error of a commit, ``None`` once it has reached the disk."""

_Row = tuple[str, int, int]
"""Path, page load and time of an active session's row."""


@dataclass(slots=True, eq=False)
class _Batch:
    began: float
    """When its first message came."""
    received: list[Received] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)


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
        self.health = Health()
        self.beats_repeated = Counter()
        """Heartbeats that were answered from memory."""
        self._timer = timer
        self._store = store
        self._clock = clock
        self._max_waiting = max_waiting
        self._beats = _RecentBeats(heartbeat_window_seconds) if store.single_writer else None
        self._committing = threading.Lock()
        self._gathered = threading.Condition()
        """Guards what is below; notified when the writer has something to do."""
        self._batch = _Batch(0.0)
        self._waiting = 0
        self._writer: threading.Thread | None = None
        self._closing = False

    def submit(self, message: Message, told: Told) -> bool:
        """Take a message; tell whether there is nothing to wait for.

        Otherwise `told` is called from another thread, once, when the commit that contains the
        message has reached the disk or was not confirmed; sending it again is safe.

        Raises:
            QueueFullError: too many messages wait already; nothing was taken.
            StorageError: the writer has failed; nothing is taken any more.
        """
        received = Received(int(self._clock()), message)
        if self._beats is not None and self._beats.repeats(received):
            self.beats_repeated.add()
            return True
        if self.health.is_broken:
            raise StorageError(_FAILED)
        with self._gathered:
            if self._waiting >= self._max_waiting:
                raise QueueFullError(f"{self._waiting} messages wait for the disk")
            self._waiting += 1
            batch = self._batch
            if not batch.received:
                batch.began = self._timer()
            batch.received.append(received)
            batch.told.append(told)
            if len(batch.received) == 1:
                self._gathered.notify()
            if self._writer is None:
                self._start_writer()
        return False

    def record(self, message: Message) -> None:
        """Store a message; return when the commit that contains it has reached the disk.

        Raises:
            QueueFullError: too many messages wait already; nothing was stored.
            StorageError: the commit was not confirmed; sending it again is safe.
        """
        outcome: list[StorageError | None] = []
        done = threading.Lock()
        done.acquire()

        def told(error: StorageError | None) -> None:
            outcome.append(error)
            done.release()

        if self.submit(message, told):
            return
        with done:
            error = outcome[0]
        if error is not None:
            raise error

    def replace_pages(self, manifest: Manifest, digest: str) -> None:
        """Put a manifest in force between two batches."""
        with self._committing, self._heard():
            self._store.replace_pages(manifest, digest, int(self._clock()))

    def clean_up(self) -> None:
        """Delete what is of no more use, in steps between which messages are stored."""
        for _ in range(MAX_CLEANUP_STEPS):
            with self._committing, self._heard(is_proof=False):
                now = int(self._clock())
                complete = self._store.clean_up(now, self.pressure.patience(now))
                if self._beats is not None:
                    self._beats.forget()
            if complete:
                return
            # Whoever waits for the lock gets it only when this thread does not ask at once.
            time.sleep(CLEANUP_PAUSE_SECONDS)

    def recover(self) -> None:
        """See whether messages would be stored again, when the latest one was not.

        Nobody sends messages to a tracker that says it is not ready, so it has to look itself.
        """
        if not self.health.is_ready and not self.health.is_broken:
            with suppress(StorageError), self._committing, self._heard():
                self._store.probe()

    def waiting(self) -> int:
        """Return how many messages wait for the disk."""
        return self._waiting

    def close(self) -> None:
        """Commit what waits and close the store."""
        with self._gathered:
            writer, self._closing = self._writer, True
            self._gathered.notify()
        if writer is not None:
            writer.join()
        with self._committing:
            self._store.close()

    def interval_doublings(self) -> int:
        """Return how many times a browser is to double its interval between heartbeats."""
        return self.pressure.level(self._clock())

    def _start_writer(self) -> None:
        self._closing = False
        self._writer = threading.Thread(target=self._write_batches, name="writer", daemon=True)
        self._writer.start()

    def _write_batches(self) -> None:
        while self._wait():
            with self._committing:
                with self._gathered:
                    batch, self._batch = self._batch, _Batch(0.0)
                error = self._commit(batch)
            self.pressure.note(self._timer() - batch.began)
            with self._gathered:
                self._waiting -= len(batch.received)
            self._tell(batch, error)

    def _tell(self, batch: _Batch, error: StorageError | None) -> None:
        for told in batch.told:
            try:
                told(error)
            except Exception as defect:  # noqa: BLE001  # the others wait
                self.health.hear_unexpected(defect)

    def _wait(self) -> bool:
        """Wait for messages; tell whether there are any, and not rather an end."""
        with self._gathered:
            self._gathered.wait_for(lambda: self._batch.received or self._closing)
            if not self._batch.received:
                self._writer = None
            return bool(self._batch.received)

    def _commit(self, batch: _Batch) -> StorageError | None:
        if self.health.is_broken:  # Who came when it was not broken yet waits all the same.
            return StorageError(_FAILED)
        try:
            with self._heard():
                self._store.write(batch.received)
            if self._beats is not None:
                self._beats.note(batch.received)
        except StorageError as error:
            return error
        except Exception as error:  # noqa: BLE001  # nobody may believe in this commit
            self.health.hear_unexpected(error)
            return StorageError(f"unexpected: {type(error).__name__}")
        return None

    @contextmanager
    def _heard(self, *, is_proof: bool = True) -> Iterator[None]:
        """Tell the health how what is done in this block ended.

        Args:
            is_proof: whether, where this can be done, messages can be stored. What deletes goes on
                on a disk that has no room for them.
        """
        try:
            yield
        except StorageError as error:
            self.health.hear_failure(error, self._clock())
            raise
        if is_proof:
            self.health.hear_success()


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
        """Tell whether this is a beat of a row written within the window, and nothing more.

        What it says of reading is for the tables, whenever it comes.
        """
        message = received.message
        if type(message) is not Beat or message.engagement is not None:
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
