"""Servers under measurement: started on a core of their own, accounted by the kernel."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
_TICKS = os.sysconf("SC_CLK_TCK")
_CORES = sorted(os.sched_getaffinity(0))


@contextmanager
def on_server_core() -> Iterator[None]:
    """Bind what is started in this block to the first core; afterwards this process to the last."""
    os.sched_setaffinity(0, {_CORES[0]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, {_CORES[-1]})


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and its children."""
    total = 0.0
    for child in [pid, *children_of(pid)]:
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _TICKS
    return total


def memory_mib(pid: int) -> float:
    """Return the resident memory of a server's process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(dict(line.split()[:2] for line in lines[1:])["Rss:"]) / 1024


@contextmanager
def running(command: list[str], port: int, folder: str) -> Iterator[tuple[int, float]]:
    """Run a server until the block ends.

    Yields:
        Its process id, and after how many seconds it answered for the first time.
    """
    begin = time.perf_counter()
    with on_server_core():
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "STATS_RATE_LIMIT": "0"},  # All load comes from one address.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - begin > 60:
                raise SystemExit(f"{command} does not answer on port {port}")
            time.sleep(0.005)
        yield process.pid, time.perf_counter() - begin
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=2).close()
    except OSError:
        return False
    return True
