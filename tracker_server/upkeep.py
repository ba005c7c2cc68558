"""What a tracker does by itself, once a second: read a new manifest, delete ended sessions."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from tracker_server.errors import InvalidManifestError, StorageError
from tracker_server.manifest import MAX_MANIFEST_BYTES, digest_of, parse_manifest
from tracker_server.recorder import Recorder

TICK_SECONDS = 1.0

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
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._manifest = Path(manifest_path) if manifest_path else None
        self._seen: tuple[int, int, int] | None = None
        self._missing = False
        self._cleanup_seconds = cleanup_seconds
        self._cleaned = clock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run the chores in the background until `stop`."""
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the background thread; it finishes what it is at."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def tick(self) -> None:
        """Do what is due. What fails is logged and tried again; it never ends the process."""
        try:
            self._watch_manifest()
            self._clean_up()
        except StorageError as error:
            _log.error("upkeep: the database refused: %r", str(error))

    def _run(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            self.tick()

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
                _log.warning("manifest %r: %s; waiting for it", str(self._manifest), error.strerror)
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
            _log.error("manifest %r refused, the one before stays: %r", str(path), str(error))
            return
        _log.info("manifest %r in force: %d pages", str(path), len(manifest.pages))
