"""P9: the size of a tracker is bounded, whatever is invented.

Views with paths, referrers, campaigns and user agents that nobody has ever sent go through the
parser into the tables of a site that has a manifest, and some over HTTP to a real process. The same
views, of the same readers, with a path of the site and no referrer are the measure: readers and
their views take room whatever they read. Beyond it the database may grow by 5 MiB, and
the memory of the process by 64 MiB.

The control keeps as many unknown paths as there are.

``python -m tests.reliability.cardinality`` prints the numbers and PASS or FAIL.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from uuid import UUID

from tests.processes import ROOT, Process
from tests.reliability.promise import arguments, conclude
from tracker_server.app import Tracker, create_app
from tracker_server.config import Settings
from tracker_server.manifest import parse_manifest
from tracker_server.model import Received
from tracker_server.payload import parse_message

PATHS, OTHERS, OVER_HTTP = 200_000, 20_000, 10_000
"""How many paths; of how many views the referrers, campaigns and agents are invented too."""
MAX_DISK = 5 * 1_024 * 1_024
MAX_MEMORY = 64 * 1_024 * 1_024
BATCH = 1_000
NOON = 1_767_268_800
WITHOUT_BOUND = 500_000
_PAGE = {"slug": "", "title": "A page", "type": "page", "published": True, "date": None}
_PAGES = [{"path": path, **_PAGE} for path in ("/", "/guide/")]
MANIFEST = json.dumps(
    {"schema": 1, "site_name": "Docs", "site_url": None, "pages": _PAGES}
).encode()


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How much more there is than the same views take that invent nothing."""

    views: int
    disk: int
    memory: int
    over_http: int
    memory_over_http: int

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return self.disk < MAX_DISK and max(self.memory, self.memory_over_http) < MAX_MEMORY

    def __str__(self) -> str:
        return (
            f"{self.views:,} views with invented paths: {self.disk / 2**20:.2f} MiB more on the "
            f"disk, {self.memory / 2**20:.1f} MiB more memory; {self.over_http:,} over HTTP: "
            f"{self.memory_over_http / 2**20:.1f} MiB more"
        )


def messages(paths: int, others: int, *, invents: bool) -> Iterator[tuple[bytes, str]]:
    """Yield bodies and user agents, each of a reader of its own."""
    for number in range(paths):
        fields = {"t": "view", "s": str(UUID(int=number)), "l": f"{number:032x}", "p": "/"}
        agent = "Mozilla/5.0 (X11) Firefox/140.0"
        if invents:
            fields["p"] = f"/{number}/{'x' * (number % 300)}"
        if invents and number < others:
            agent = f"Mozilla/5.0 (invented {number}) Browser/{number}.0"
            fields |= {"r": f"https://host-{number}.example/", "g": _letters(number)}
            fields |= {"q": f"utm_source=s{number}&utm_campaign=c{number}", "z": f"Zone/{number}"}
        yield json.dumps(fields).encode(), agent


def _letters(number: int) -> str:
    return "".join(chr(97 + number // 26**place % 26) for place in range(3))


def fill(paths: int, others: int, folder: Path, *, invents: bool, bound: int) -> tuple[int, int]:
    """Write the views; return how large the database is and by how much the memory grew."""
    file = folder / "stats.sqlite3"
    app = create_app(
        Settings(database_url=f"sqlite:///{file}", synchronous="normal", max_unknown_paths=bound),
        lambda: NOON,
    )
    tracker: Tracker = app.extensions["tracker"]
    tracker.recorder.replace_pages(parse_manifest(MANIFEST), "1")
    all_messages, before = messages(paths, others, invents=invents), _memory("self")
    while batch := [*islice(all_messages, BATCH)]:
        views = [parse_message(body, "docs.example", None, agent) for body, agent in batch]
        tracker.store.write([Received(NOON, view) for view in views])
    grown = _memory("self") - before
    tracker.close()
    return file.stat().st_size, grown


def _memory(process: int | str) -> int:
    """Return how many bytes of a process are in memory."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1_024


def send(count: int, folder: Path, bound: int) -> int:
    """Send views to a real process; return by how much its memory grew."""
    (folder / "manifest.json").write_bytes(MANIFEST)
    url = f"sqlite:///{folder / 'http.sqlite3'}"
    process = Process(
        folder, url, STATS_MANIFEST="manifest.json", STATS_MAX_UNKNOWN_PATHS=str(bound)
    )
    try:
        process.wait_until_it_serves()
        before = _memory(process.pid)
        with closing(process.connect()) as connection:
            for body, agent in messages(count, count, invents=True):
                connection.request("POST", "/api/collect", body, {"User-Agent": agent})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 204
        return _memory(process.pid) - before
    finally:
        process.stop()


def run(paths: int, others: int, over_http: int, bound: int) -> Outcome:
    """Do it all, each filling in a process of its own.

    Args:
        paths: how many views, each with a path that is invented.
        others: in how many of them everything else is invented too.
        over_http: how many go to a real process; none is started for 0.
        bound: `max_unknown_paths`; the control has one that bounds nothing.
    """
    (disk, memory), (usual_disk, usual_memory) = (
        _filled(paths, others, bound, invents) for invents in (True, False)
    )
    with tempfile.TemporaryDirectory() as folder:
        memory_over_http = send(over_http, Path(folder), bound) if over_http else 0
    return Outcome(
        views=paths,
        disk=disk - usual_disk,
        memory=memory - usual_memory,
        over_http=over_http,
        memory_over_http=memory_over_http,
    )


def _filled(paths: int, others: int, bound: int, invents: bool) -> tuple[int, int]:  # noqa: FBT001  # one of two
    command = [sys.executable, "-m", "tests.reliability.cardinality", "--fill", str(int(invents))]
    numbers = ["--paths", str(paths), "--others", str(others), "--bound", str(bound)]
    said = subprocess.run([*command, *numbers], cwd=ROOT, stdout=-1, text=True, check=True).stdout
    size, grown = map(int, said.split())
    return size, grown


def main() -> None:
    """Run from the command line."""
    parser = arguments(
        __doc__,
        "keep every unknown path",
        paths=PATHS,
        others=OTHERS,
        over_http=OVER_HTTP,
        bound=Settings().max_unknown_paths,
    )
    parser.add_argument("--fill", type=int, help="fill a database, inventing nothing with 0")
    options = parser.parse_args()
    if options.fill is not None:
        invents = bool(options.fill)
        with tempfile.TemporaryDirectory() as folder:
            filled = fill(
                *(options.paths, options.others, Path(folder)), invents=invents, bound=options.bound
            )
        print(*filled)
        return
    bound = WITHOUT_BOUND if options.control else options.bound
    outcome = run(options.paths, options.others, options.over_http, bound)
    conclude("P9", outcome, passed=outcome.passed)


if __name__ == "__main__":
    main()
