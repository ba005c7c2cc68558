"""What a message costs the tracker, beside the floors of the same run.

The machine's clock speed and neighbours change from run to run; the ratio to an empty answer,
measured alternately, does not. The server has one core,
the load generator another one.
"""

import json
import random
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import UUID

from bench.floor import group_commit
from bench.load import request_of, send_all
from bench.process import cpu_seconds, memory_mib, running

HERE = Path(__file__).parent
PATHS = 500
CONNECTIONS = 64
ACTIVE_SESSIONS = 100_000
WARM_UP = 5_000
"""Messages to each server that are not accounted: its first ones come to cold caches."""
NOOP_PORT, TRACKER_PORT, WSGI_PORT = 8401, 8402, 8404
WSGI_THREADS = 32

Requests = Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one kind of message."""

    kind: str
    cpu_us: float
    """CPU time of the server's processes per message, microseconds."""
    per_second: float
    p50_ms: float
    p99_ms: float


def message(kind: str, number: int, dice: random.Random) -> bytes:
    """Return the body of one message; every number is another reader."""
    return json.dumps(
        {
            "t": kind,
            "s": str(UUID(int=dice.getrandbits(128), version=4)),
            "l": f"{dice.getrandbits(128):032x}",
            "p": f"/guide/{number % PATHS}/",
            "r": f"https://site{number % 40}.example/",
            "z": "Europe/Vienna",
            "g": "de-AT",
            "w": 1440,
        }
    ).encode()


def endless_views(seed: int) -> Requests:
    """Bodies of views of new sessions, without end."""
    dice = random.Random(seed)
    return (message("view", n, dice) for n in count())


def views(number: int, seed: int) -> Requests:
    """Views of new sessions over the known paths."""
    dice = random.Random(seed)
    return (request_of("/api/collect", message("view", n, dice)) for n in range(number))


def repeated_beats(number: int, seed: int) -> Requests:
    """Heartbeats that write nothing: 200 sessions beat within the window again and again."""
    dice = random.Random(seed)
    beats = [request_of("/api/collect", message("beat", n, dice)) for n in range(200)]
    return (beats[n % len(beats)] for n in range(number))


def changing_beats(number: int, seed: int) -> Requests:
    """Heartbeats that each write: the readers of `views` with this seed went to another page."""
    dice = random.Random(seed)
    return (request_of("/api/collect", message("beat", n + 1, dice)) for n in range(number))


def measure(kind: str, pid: int, port: int, requests: Requests, expected: int) -> Measured:
    """Send requests and account the server's CPU time to them."""
    before = cpu_seconds(pid)
    result = send_all(port, requests, CONNECTIONS)
    cpu = cpu_seconds(pid) - before
    total = result.statuses.total()
    if result.statuses[expected] != total:
        raise SystemExit(f"{kind}: expected {expected} only, got {dict(result.statuses)}")
    return Measured(
        kind,
        cpu / total * 1e6,
        total / result.seconds,
        result.quantile(0.5),
        result.quantile(0.99),
    )


def manifest(folder: Path) -> Path:
    """Write a manifest of the known paths."""
    pages = [
        {
            "path": f"/guide/{n}/",
            "slug": f"guide/{n}",
            "title": f"Page {n}",
            "type": "page",
            "published": True,
        }
        for n in range(PATHS)
    ]
    path = folder / "stats-manifest.json"
    document = {"schema": 1, "site_name": "Bench", "site_url": None, "pages": pages}
    path.write_text(json.dumps(document))
    return path


def run(messages: int, rounds: int, total_views: int) -> dict[str, object]:
    """Alternate the floor and the tracker; then fill the database up and weigh the process.

    Args:
        messages: of each kind in each round.
        rounds: of which the medians are taken.
        total_views: how many views the database has in the end.
    """
    rows: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder:
        noop = [sys.executable, str(HERE / "noop.py"), str(NOOP_PORT)]
        wsgi = [sys.executable, str(HERE / "wsgi_noop.py"), str(WSGI_PORT), str(WSGI_THREADS)]
        tracker = [sys.executable, "-m", "tracker_server", "run", "--port", str(TRACKER_PORT)]
        tracker += ["--manifest", str(manifest(Path(folder)))]
        with (
            running(noop, NOOP_PORT, folder) as (floor, _),
            running(wsgi, WSGI_PORT, folder) as (other, _),
            running(tracker, TRACKER_PORT, folder) as (server, _),
        ):
            kinds: dict[str, tuple[int, int, Callable[[int, int], Requests], int]] = {
                "no-op, the tracker's server": (floor, NOOP_PORT, views, 204),
                "no-op, WSGI": (other, WSGI_PORT, views, 204),
                "view": (server, TRACKER_PORT, views, 204),
                "beat, repeated": (server, TRACKER_PORT, repeated_beats, 202),
                "beat, written": (server, TRACKER_PORT, changing_beats, 202),
            }
            for port in (NOOP_PORT, WSGI_PORT, TRACKER_PORT):
                send_all(port, views(WARM_UP, rounds + 1), CONNECTIONS)
            for turn in range(rounds):
                rows += [
                    measure(kind, pid, port, make(messages, turn), expected)
                    for kind, (pid, port, make, expected) in kinds.items()
                ]
            memory = memory_mib(server)
            more = max(0, total_views - WARM_UP - messages * rounds)
            if more:
                send_all(TRACKER_PORT, views(more, rounds), CONNECTIONS)
                send_all(TRACKER_PORT, changing_beats(ACTIVE_SESSIONS, rounds), CONNECTIONS)
            memory_at_the_end = memory_mib(server)
        stored = _stored_views(Path(folder) / "stats.sqlite3")
    commits = {size: group_commit(size, 400) for size in (1, 16, 64)}
    return {
        "figures": _medians(rows),
        "wsgi_threads": WSGI_THREADS,
        "warm_up": WARM_UP,
        "connections": CONNECTIONS,
        "messages": messages,
        "rounds": rounds,
        "answered": WARM_UP + messages * rounds + more,
        "stored": stored,
        "memory_mib": {"start": memory, "end": memory_at_the_end},
        "sqlite_floor": {size: cpu for size, (cpu, _rate) in commits.items()},
    }


def _stored_views(file: Path) -> int:
    with closing(sqlite3.connect(file)) as base:
        count: int = base.execute("SELECT count(*) FROM view").fetchone()[0]
        return count


def _medians(rows: list[Measured]) -> dict[str, dict[str, float]]:
    return {
        kind: {
            name: statistics.median(getattr(row, name) for row in rows if row.kind == kind)
            for name in ("cpu_us", "per_second", "p50_ms", "p99_ms")
        }
        for kind in dict.fromkeys(row.kind for row in rows)
    }
