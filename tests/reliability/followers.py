"""P12: the live page has a ceiling, and messages are stored whoever looks on.

Thousands of pages from many networks ask for a stream. No more than `STATS_MAX_STREAMS` get
one, the others are told to come again (503), and views are stored meanwhile: all of them, 99 %
within 50 ms or twice the time they take alone, in a process of at most 150 MiB.

``python -m tests.reliability.followers`` prints the numbers and PASS or FAIL; nothing in it is
random.
"""

import asyncio
import re
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.processes import Process
from tests.reliability.load import allow_files, send_views
from tests.reliability.promise import arguments, conclude

PAGES = 10_000
VIEWS = 300
MAX_STREAMS = 1_024
NETWORKS = 50
AT_ONCE = 64
"""How many pages ask at a time: fewer than may wait for the threads of pages."""
P99_MS = 50.0
MAX_MIB = 150.0

_Connections = list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]


@dataclass(slots=True)
class Outcome:
    """Who was let in, and what readers had of it."""

    asked: int
    statuses: Counter[int]
    streams: int
    """How many the tracker had open then."""
    sent: int
    stored: int
    alone_ms: float
    p99_ms: float
    memory_mib: float

    def passed(self, allowance: float = 1.0) -> bool:
        """Whether the promise was kept, on a machine that may be so many times slower."""
        return (
            self.streams == min(self.asked, MAX_STREAMS)
            and set(self.statuses) <= {200, 503}
            and self.statuses.total() == self.asked
            and self.statuses[503] >= self.asked - MAX_STREAMS - AT_ONCE
            and self.stored == self.sent
            and self.p99_ms <= max(P99_MS, 2 * self.alone_ms) * allowance
            and self.memory_mib <= MAX_MIB
        )

    def __str__(self) -> str:
        return (
            f"{self.asked:,} pages asked: {self.streams:,} streams open, "
            f"{self.statuses[503]:,} told to come again; {self.stored:,} of {self.sent:,} views "
            f"stored, p99 {self.p99_ms:.1f} ms ({self.alone_ms:.1f} ms alone), "
            f"{self.memory_mib:.0f} MiB"
        )


def run(pages: int, views: int, folder: Path) -> Outcome:
    """Let so many pages ask for a stream, and send so many views with and without them."""
    pages = allow_files(pages)
    process = Process(
        folder, f"sqlite:///{folder / 'stats.sqlite3'}", STATS_MAX_STREAMS=str(MAX_STREAMS)
    )
    try:
        process.wait_until_it_serves()
        _, alone = send_views(process.port, range(1, views + 1))
        return asyncio.run(_crowd(process, pages, views, alone))
    finally:
        process.stop()


async def _crowd(process: Process, pages: int, views: int, alone: float) -> Outcome:
    statuses, open_ones = Counter[int](), _Connections()
    turns = asyncio.Semaphore(AT_ONCE)

    async def ask(number: int) -> None:
        async with turns:
            source = f"127.0.{1 + number % NETWORKS}.1"
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", process.port, local_addr=(source, 0)
            )
            writer.write(b"GET /api/live HTTP/1.1\r\nHost: a\r\n\r\n")
            statuses[int((await reader.readline()).split()[1])] += 1
            open_ones.append((reader, writer))

    await asyncio.gather(*map(ask, range(pages)))
    reading = asyncio.gather(*(_read(reader) for reader, _ in open_ones), return_exceptions=True)
    numbers = range(100_000, 100_000 + views)
    # Readers are not to wait for this process, which reads all the streams.
    with ProcessPoolExecutor(1, get_context("spawn")) as readers:
        loop = asyncio.get_running_loop()
        stored, p99 = await loop.run_in_executor(readers, send_views, process.port, numbers)
    streams = await asyncio.to_thread(_metric, process, "tracker_streams")
    memory = await asyncio.to_thread(_metric, process, "process_resident_memory_bytes")
    for _, writer in open_ones:
        writer.close()
    await reading
    return Outcome(pages, statuses, int(streams), views, stored, alone, p99, memory / 1024 / 1024)


async def _read(reader: asyncio.StreamReader) -> None:
    """Read as a page does."""
    with suppress(ConnectionError):
        while await reader.read(65_536):
            pass


def _metric(process: Process, name: str) -> float:
    with closing(process.connect()) as connection:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, pages=PAGES).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.pages, VIEWS, Path(folder))
    conclude("P12", outcome, passed=outcome.passed())


if __name__ == "__main__":
    main()
