"""CPU per message of the tracker, beside the floor of the same server in the same run.

Run by ``make bench``. The machine's clock speed and neighbours change from run to run; the
ratio to the no-op application on the same server, measured alternately, does not.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bench.load import Result, request_of, send_all

HERE = Path(__file__).parent
PATHS = 500
CONNECTIONS = 64
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one kind of message."""

    kind: str
    cpu_us: float
    """CPU time of the server's processes per message, microseconds."""
    per_second: float
    p50_ms: float
    p99_ms: float


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and its children."""
    total = 0.0
    for child in [pid, *children_of(pid)]:
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2].split()
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


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


def views(count: int, seed: int) -> Iterator[bytes]:
    """Views of new sessions over the known paths."""
    dice = random.Random(seed)
    return (request_of("/api/collect", message("view", n, dice)) for n in range(count))


def repeated_beats(count: int, seed: int) -> Iterator[bytes]:
    """Heartbeats that write nothing: 200 sessions beat within the window again and again."""
    dice = random.Random(seed)
    beats = [request_of("/api/collect", message("beat", n, dice)) for n in range(200)]
    return (beats[n % len(beats)] for n in range(count))


def changing_beats(count: int, seed: int) -> Iterator[bytes]:
    """Heartbeats that each write: every one is of another session."""
    dice = random.Random(seed)
    return (request_of("/api/collect", message("beat", n, dice)) for n in range(count))


def measure(kind: str, pid: int, port: int, requests: Iterator[bytes], expected: int) -> Measured:
    """Send requests and account the server's CPU time to them."""
    before = cpu_seconds(pid)
    result: Result = send_all(port, requests, CONNECTIONS)
    cpu = cpu_seconds(pid) - before
    count = result.statuses.total()
    if result.statuses[expected] != count:
        raise SystemExit(f"{kind}: expected {expected} only, got {dict(result.statuses)}")
    return Measured(
        kind,
        cpu / count * 1e6,
        count / result.seconds,
        result.quantile(0.5),
        result.quantile(0.99),
    )


@contextmanager
def running(command: list[str], port: int, folder: str) -> Iterator[int]:
    """Run a server until the block ends; yields its process id."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


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


def main() -> None:
    """Alternate the floor and the tracker, and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    options = parser.parse_args()
    rows: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder:
        noop = [sys.executable, str(HERE / "noop.py"), "8401"]
        tracker = [sys.executable, "-m", "tracker_server", "run", "--port", "8402"]
        tracker += ["--manifest", str(manifest(Path(folder)))]
        with running(noop, 8401, folder) as floor, running(tracker, 8402, folder) as server:
            for turn in range(options.rounds):
                n = options.messages
                rows += [
                    measure("no-op", floor, 8401, views(n, turn), 204),
                    measure("view", server, 8402, views(n, turn), 204),
                    measure("beat, repeated", server, 8402, repeated_beats(n, turn), 202),
                    measure("beat, written", server, 8402, changing_beats(n, turn + 1_000), 202),
                ]
            rss = sum(resident_mib(pid) for pid in [server, *children_of(server)])
    report(rows, rss, options.json)


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def report(rows: list[Measured], rss: float, path: Path | None) -> None:
    """Print a table of medians, each beside the floor."""
    kinds = list(dict.fromkeys(row.kind for row in rows))
    figures = {
        kind: {
            name: statistics.median(getattr(row, name) for row in rows if row.kind == kind)
            for name in ("cpu_us", "per_second", "p50_ms", "p99_ms")
        }
        for kind in kinds
    }
    floor = figures["no-op"]["cpu_us"]
    print("| message | CPU µs | times no-op | per second | p50 ms | p99 ms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for kind, f in figures.items():
        print(
            f"| {kind} | {f['cpu_us']:.0f} | {f['cpu_us'] / floor:.1f} | {f['per_second']:,.0f} "
            f"| {f['p50_ms']:.1f} | {f['p99_ms']:.1f} |"
        )
    print(f"\n{CONNECTIONS} connections; resident memory of the tracker {rss:.0f} MiB")
    if path:
        path.write_text(json.dumps({"figures": figures, "rss_mib": rss}, indent=1) + "\n")


if __name__ == "__main__":
    main()
