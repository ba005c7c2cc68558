"""P11: who is slow keeps nobody waiting.

A thousand connections from one address say nothing, half a head or half a body, or ask for
pages and read no answer. Meanwhile readers of the same network and of another one send views,
which must all be stored, 99 % of them within 50 ms.

``python -m tests.reliability.slow`` prints the seed, the numbers and PASS or FAIL.
"""

import random
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.processes import Process
from tests.reliability.load import READERS, allow_files, connect, send_views
from tests.reliability.promise import arguments, conclude

CONNECTIONS = 1_000
VIEWS = 300
SLOW = "127.0.0.1"
P99_MS = 50.0
KINDS = {
    "nothing": b"",
    "half a head": b"POST /api/collect HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    "half a body": b"POST /api/collect HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n{",
    "half a manifest": b"PUT /api/manifest HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\n{",
    "reads nothing": b"GET /static/world.svg HTTP/1.1\r\nHost: a\r\n\r\n" * 4,
}


@dataclass(slots=True)
class Outcome:
    """What readers had of it."""

    held: int
    """Slow connections."""
    kinds: Counter[str]
    sent: int
    stored: int
    alone_ms: float
    """Within which time 99 % of views were answered before."""
    p99_ms: dict[str, float]
    """And while the slow ones were there, by address."""

    def passed(self, allowance: float = 1.0) -> bool:
        """Whether the promise was kept, on a machine that may be so many times slower."""
        return self.stored == self.sent and max(self.p99_ms.values()) <= P99_MS * allowance

    def __str__(self) -> str:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(self.kinds.items()))
        times = ", ".join(f"{ms:.1f} ms from {who}" for who, ms in self.p99_ms.items())
        return (
            f"{self.held:,} slow connections ({kinds}): {self.stored:,} of {self.sent:,} views "
            f"stored, p99 {times}; {self.alone_ms:.1f} ms without them"
        )


def run(connections: int, views: int, seed: int, folder: Path) -> Outcome:
    """Open slow connections, then send views from two addresses.

    Args:
        connections: how many slow ones.
        views: how many from each address.
        seed: of who is slow in which way.
        folder: an empty one, for the database and the log.
    """
    dice = random.Random(seed)
    connections = allow_files(connections)
    process = Process(folder, f"sqlite:///{folder / 'stats.sqlite3'}", STATS_RATE_LIMIT="100")
    kinds, times = Counter[str](), dict[str, float]()
    with ExitStack() as stack:
        stack.callback(process.stop)
        process.wait_until_it_serves()
        _, alone = send_views(process.port, range(1, 101))
        for _ in range(connections):
            kind = dice.choice(list(KINDS))
            kinds[kind] += 1
            stack.enter_context(connect(process, SLOW)).sendall(KINDS[kind])
        time.sleep(1)  # Until the pages that nobody reads have been made.
        stored = 0
        for turn, source in enumerate((READERS, SLOW), 1):
            done, times[source] = send_views(
                process.port, range(turn * 10_000, turn * 10_000 + views), source
            )
            stored += done
    return Outcome(connections, kinds, views * 2, stored, alone, times)


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, connections=CONNECTIONS, seed=True).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.connections, VIEWS, options.seed, Path(folder))
    conclude("P11", outcome, passed=outcome.passed(), seed=options.seed)


if __name__ == "__main__":
    main()
