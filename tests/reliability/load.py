"""Readers and idlers for the promises about load: who they are, and how long readers wait."""

import http.client
import json
import resource
import socket
import time
from contextlib import closing
from uuid import UUID

from tests.processes import Process

PATIENCE_SECONDS = 20.0
READERS = "127.0.200.1"
"""Where readers are, in a network of their own."""


def allow_files(wanted: int) -> int:
    """Let this process have so many files open, or as many as the system allows; return how many.

    A few are kept for what it needs itself.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted + 100:
        soft = min(wanted + 100, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(wanted, soft - 100)


def view(number: int) -> bytes:
    """Return a view by a new reader."""
    message = {"t": "view", "s": str(UUID(int=number)), "l": f"{number:032x}", "p": "/"}
    return json.dumps(message).encode()


def connect(process: Process, source: str) -> socket.socket:
    """Return a connection from some address."""
    return socket.create_connection(
        ("127.0.0.1", process.port), timeout=PATIENCE_SECONDS, source_address=(source, 0)
    )


def send_views(port: int, numbers: range, source: str = READERS) -> tuple[int, float]:
    """Send views, each over a connection of its own, one after the other.

    Returns:
        How many were stored, and within how many milliseconds 99 % of all were answered.
    """
    stored, milliseconds = 0, []
    for number in numbers:
        began = time.perf_counter()
        reader = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=PATIENCE_SECONDS, source_address=(source, 0)
        )
        with closing(reader):
            try:
                reader.request("POST", "/api/collect", view(number))
                stored += reader.getresponse().status == 204
            except (OSError, http.client.HTTPException):
                pass  # Not stored, and the time counts.
        milliseconds.append((time.perf_counter() - began) * 1_000)
    return stored, sorted(milliseconds)[len(milliseconds) * 99 // 100 - 1]
