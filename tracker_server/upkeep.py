"""What a tracker does by itself, once a second: read a new manifest, delete ended sessions."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from tracker_server.errors import InvalidManifestError, StorageError
from tracker_server.health import reason_of
from tracker_server.manifest import MAX_MANIFEST_BYTES, digest_of, parse_manifest
from tracker_server.recorder import Recorder

TICK_SECONDS = 1.0
END_SECONDS = 10.0
"""How long a process that is to end has for it."""

_log = logging.getLogger("tracker_server")


class Upkeep:
    """The chores of one process. `tick` does what is due; `start` calls it from a thread."""

    def __init__(
        self,
        recorder: Recorder,
        clock: Callable[[], float],
        *,
        manifest_path: str,
        cleanup_seconds: int,
        warm_up: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare.

        Args:
            recorder: what writes.
            clock: seconds since the epoch.
            manifest_path: of the file to watch; empty for none.
            cleanup_seconds: how often ended sessions are deleted.
            warm_up: called once in the background, a moment after the start.
        """
        self._warm_up = warm_up
        self._is_warm = False
        self._recorder = recorder
        self._clock = clock
        self._manifest = Path(manifest_path) if manifest_path else None
        self._seen: tuple[int, int, int] | None = None
        self._missing = False
        self._cleanup_seconds = cleanup_seconds
        self._cleaned = clock()
        self._stop_process: Callable[[], None] = lambda: None
        self._end_process: Callable[[], None] = lambda: None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(
        self,
        stop_process: Callable[[], None] = lambda: None,
        end_process: Callable[[], None] = lambda: None,
    ) -> None:
        """Run the chores in the background until `stop`.

        When the writer or a chore has failed in a way that nobody thought of, `stop_process` is
        called, and `end_process` if there has been no `stop` for `END_SECONDS` after that.
        """
        self._stop_process, self._end_process = stop_process, end_process
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background thread; it finishes what it is at."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def tick(self) -> None:
        """Do what is due. What the database refuses is logged and tried again."""
        try:
            self._recorder.recover()
            self._watch_manifest()
            self._clean_up()
        except StorageError as error:
            _log.error(
                "upkeep: the database refused: %r", reason_of(error), extra={"event": "upkeep"}
            )

    def _run(self) -> None:
        try:
            while not self._stopping.wait(TICK_SECONDS):
                self.tick()
                self._warm_up_once()
                if self._recorder.health.is_broken:
                    break
            else:
                return
        except Exception as error:  # noqa: BLE001  # nobody would do the chores any more
            self._recorder.health.hear_unexpected(error)
        self._stop_process()
        if not self._stopping.wait(END_SECONDS):
            self._end_process()

    def _warm_up_once(self) -> None:
        """Not at once: readers' messages come first, and who stops soon needs none of it."""
        if not self._is_warm:
            self._is_warm = True
            self._warm_up()

    def _clean_up(self) -> None:
        now = self._clock()
        if abs(now - self._cleaned) >= self._cleanup_seconds:
            self._cleaned = now
            self._recorder.clean_up()

    def _watch_manifest(self) -> None:
        if self._manifest is None:
            return
        try:
            state = self._manifest.stat()
        except OSError as error:
            if not self._missing:
                self._missing = True
                _log.warning(
                    "manifest %r: %s; waiting for it",
                    str(self._manifest),
                    error.strerror,
                    extra={"event": "manifest_missing"},
                )
            return
        self._missing = False
        signature = (state.st_mtime_ns, state.st_size, state.st_ino)
        if signature != self._seen:
            self._load_manifest(self._manifest)
            self._seen = signature

    def _load_manifest(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_MANIFEST_BYTES + 1)
            manifest = parse_manifest(data)
            self._recorder.replace_pages(manifest, digest_of(data))
        except (OSError, InvalidManifestError) as error:
            _log.error(
                "manifest %r refused, the one before stays: %r",
                str(path),
                str(error),
                extra={"event": "manifest_refused"},
            )
            return
        _log.info(
            "manifest %r in force: %d pages",
            str(path),
            len(manifest.pages),
            extra={"event": "manifest"},
        )
