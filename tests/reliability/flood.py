"""P10: a flood from one network leaves the others alone.

One network sends 2,000 messages a second from a process of its own. Readers of twenty others
send views meanwhile, of which 99 % must be stored, 99 % within 100 ms. The same flood over a
tracker without limits is the control: there it is stored, and takes what others have.

``python -m tests.reliability.flood`` prints the numbers and PASS or FAIL.
"""

import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.processes import ROOT, Process
from tests.reliability.load import send_views, view
from tests.reliability.promise import arguments, conclude

PER_SECOND = 2_000
SENDERS = 16
SOURCE = "127.0.50.{}"
NETWORKS = 20
VIEWS = 400
P99_MS = 100.0
SUCCESS = 0.99
RATE_LIMIT = 100
BURST_SECONDS = 10


@dataclass(slots=True)
class Outcome:
    """What became of the flood and of the readers."""

    seconds: float
    flood: Counter[str]
    """Its messages by status."""
    sent: int
    stored: int
    p99_ms: float

    @property
    def is_held(self) -> bool:
        """Whether no more of the flood was stored than one network may send."""
        return self.flood["204"] <= RATE_LIMIT * (BURST_SECONDS + self.seconds + 1)

    def passed(self, allowance: float = 1.0) -> bool:
        """Whether the promise was kept, on a machine that may be so many times slower."""
        return (
            self.is_held
            and set(self.flood) <= {"204", "429"}
            and self.stored >= SUCCESS * self.sent
            and self.p99_ms <= P99_MS * allowance
        )

    def __str__(self) -> str:
        total = self.flood.total()
        return (
            f"flood of {total / self.seconds:,.0f} a second for {self.seconds:.0f} s: "
            f"{self.flood['204']:,} stored, {self.flood['429']:,} refused; of others "
            f"{self.stored:,} of {self.sent:,} views stored, p99 {self.p99_ms:.1f} ms"
        )


def run(seconds: float, views: int, seed: int, folder: Path, rate_limit: int) -> Outcome:
    """Flood a tracker for so long, and send so many views from other networks.

    Args:
        seconds: how long the flood lasts at least.
        views: of others.
        seed: of the pauses between them.
        folder: an empty one, for the database and the log.
        rate_limit: ``STATS_RATE_LIMIT``; 0 is the control.
    """
    dice = random.Random(seed)
    url = f"sqlite:///{folder / 'stats.sqlite3'}"
    process = Process(folder, url, STATS_RATE_LIMIT=str(rate_limit))
    command = [sys.executable, "-m", "tests.reliability.flood", "--flood", str(process.port)]
    try:
        process.wait_until_it_serves()
        began = time.monotonic()
        with subprocess.Popen(command, cwd=ROOT, stdin=-1, stdout=-1, text=True) as flood:
            stored, times = 0, []
            for number in range(views):
                source = f"127.0.{100 + number % NETWORKS}.1"
                one = range(1_000 + number, 1_001 + number)
                done, milliseconds = send_views(process.port, one, source)
                stored += done
                times.append(milliseconds)
                time.sleep(dice.uniform(0, 2 * seconds / views))
            time.sleep(max(0.0, began + seconds - time.monotonic()))
            said, _ = flood.communicate("")  # The end of its input is its end.
        statuses = Counter[str](json.loads(said))
        took = time.monotonic() - began
    finally:
        process.stop()
    p99 = sorted(times)[len(times) * 99 // 100 - 1]
    return Outcome(took, statuses, views, stored, p99)


async def _flood(port: int) -> Counter[str]:
    """Send views of one network until the input ends; return what they were answered with."""
    statuses, loop = Counter[str](), asyncio.get_running_loop()
    ended = loop.run_in_executor(None, sys.stdin.read)

    async def send(sender: int) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=(SOURCE.format(1 + sender), 0)
        )
        begin, number = loop.time(), 0
        while not ended.done():
            number += 1
            body = view((sender + 1) * 1_000_000_000 + number)
            head = f"POST /api/collect HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            statuses[answer.split(b" ", 2)[1].decode()] += 1
            await asyncio.sleep(begin + number * SENDERS / PER_SECOND - loop.time())
        writer.close()

    with suppress(ConnectionError, asyncio.IncompleteReadError):
        await asyncio.gather(*map(send, range(SENDERS)))
    return statuses


def main() -> None:
    """Run from the command line."""
    parser = arguments(__doc__, "limit nobody", seconds=30.0, seed=True)
    parser.add_argument("--flood", type=int, metavar="PORT", help="be the flood")
    options = parser.parse_args()
    if options.flood:
        print(json.dumps(asyncio.run(_flood(options.flood))))
        return
    rate_limit = 0 if options.control else RATE_LIMIT
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.seconds, VIEWS, options.seed, Path(folder), rate_limit)
    conclude("P10", outcome, passed=outcome.passed(), seed=options.seed)


if __name__ == "__main__":
    main()
