"""A tracker that breaks its promise: it answers at once and writes 50 ms later (P3)."""

import threading
import time
from queue import SimpleQueue
from typing import Any

import granian
from flask import Flask

from tracker_server import cli
from tracker_server.model import (
    Message,
)

DELAY_SECONDS = 0.05


def load_app() -> Flask:
    """Build the application of the tracker, with a recorder that does not wait."""
    app = cli.load_app()
    recorder = app.extensions["tracker"].recorder
    record, waiting = recorder.record, SimpleQueue[Message]()

    def write() -> None:
        while True:
            time.sleep(DELAY_SECONDS)
            for _ in range(waiting.qsize()):
                record(waiting.get())

    recorder.record = waiting.put
    threading.Thread(target=write, daemon=True).start()
    return app


if __name__ == "__main__":
    start: Any = granian.Granian
    granian.Granian = lambda _target, **options: start(  # type: ignore[assignment]
        "tests.reliability.answers_early:load_app", **options
    )
    cli.main()
