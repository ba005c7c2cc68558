"""A tracker whose clock is ahead by as many seconds as the file ``CLOCK`` in its folder says."""

import time
from pathlib import Path

from flask import Flask

from tracker_server import app, cli
from tracker_server.config import Settings

FILE = Path("CLOCK")
"""Its folder is that of the process."""


def _now() -> float:
    return time.time() + float(FILE.read_text())


def _create_app(settings: Settings) -> Flask:
    return app.create_app(settings, _now)


if __name__ == "__main__":
    cli.create_app = _create_app  # type: ignore[assignment, attr-defined]
    cli.main()
