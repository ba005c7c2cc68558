"""A tracker that breaks its promise: it answers at once and writes 50 ms later (P3)."""

import threading
import time
from queue import SimpleQueue

from tracker_server import app, cli
from tracker_server.model import (
    Message,
)
from tracker_server.recorder import Recorder, Told

DELAY_SECONDS = 0.05


class _Hasty(Recorder):
    """A recorder that does not wait."""

    def submit(self, message: Message, told: Told) -> bool:
        """Say that there is nothing to wait for."""
        del told
        _waiting.put((self, message))
        return True


_waiting = SimpleQueue[tuple[Recorder, Message]]()


def _write() -> None:
    while True:
        time.sleep(DELAY_SECONDS)
        for _ in range(_waiting.qsize()):
            recorder, message = _waiting.get()
            Recorder.submit(recorder, message, lambda _error: None)


if __name__ == "__main__":
    threading.Thread(target=_write, daemon=True).start()
    app.Recorder = _Hasty  # type: ignore[attr-defined]
    cli.main()
