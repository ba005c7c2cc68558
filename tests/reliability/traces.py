"""P15: nothing that identifies a visitor is in any file of a tracker.

A thousand visitors with marked addresses, user agents and session ids come to a real tracker on
three days, half of them with an id from their browser, half without. Messages are refused, the
disk is full for a moment, a manifest is wrong, so that the log has something to say; a backup is
made meanwhile. Then every byte of every file is searched: database, its log and index, backup,
log, folder for temporary files, keys. The keys of a day that is over must be nowhere, the
others in their own file alone. A tracker that logs addresses is the control.

``python -m tests.reliability.traces`` prints the seed, the numbers and PASS or FAIL.
"""

import http.client
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from uuid import UUID

from tests.processes import ROOT, Process
from tests.reliability.promise import arguments, conclude
from tracker_server.model import EVENTS

VISITORS = 1_000
DAYS = 3
TOKEN = "kettle-manifest-token"
AGENT = "KettleReader"
"""Is in the user agent of each visitor."""
SESSION = "5e551015"
"""Each session id begins so."""
_FORMS = {
    "addresses": re.compile(rb"198\.18\.\d+\.\d+|2001:0?db8:", re.IGNORECASE),
    "user agents": re.compile(b"|".join(AGENT.encode(code) for code in ("utf-8", "utf-16-le"))),
    "session ids": re.compile(SESSION.encode() + b"|" + bytes.fromhex(SESSION)),
}
_PACKED = re.compile(rb"(?s)\xc6\x12..|\x20\x01\x0d\xb8.{12}")
_EVENTS = (*EVENTS, "not_found")
_SCRIPT = "https://kettle.example/1.2/assets/mkdocs-stats/tracker.js"
PARTS = ("stats.sqlite3", "-wal", "-shm", ".salts", "backup.sqlite3", ".txt")
"""Ends of names of files that must be among those that were searched."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with marks that can be found again."""

    number: int
    dice: random.Random

    @property
    def address(self) -> str:
        """Of IPv4 or of IPv6 in turn."""
        high, low = divmod(self.number, 250)
        if self.number % 2:
            return f"198.18.{high}.{low + 1}"
        return f"2001:db8:{self.number + 1:x}:{low + 1:x}::{high + 1:x}"

    @property
    def headers(self) -> dict[str, str]:
        """What its browser and a proxy say of it."""
        system = f"X11; Linux x86_64; rv:{100 + self.number % 40}.0"
        agent = f"Mozilla/5.0 ({system}) Gecko/20100101 Firefox/140.0 {AGENT}/{self.number}"
        return {"User-Agent": agent, "X-Forwarded-For": self.address}

    def messages(self) -> Iterable[bytes]:
        """What the script sends while it reads a page, and something that is refused."""
        load, path = f"{self.dice.getrandbits(128):032x}", f"/{self.number % 40}/"
        common: dict[str, object] = {"l": load, "p": path}
        if self.number // 6 % 2:  # Else it is of the kind `visitor_id: daily`; each day has both.
            common["s"] = str(UUID(f"{SESSION}{self.number:024x}"))
        read = {"v": 40_000, "a": 30_000, "d": 80}
        yield _body(common, t="view", z="Europe/Vienna", g="de-AT", w=1_440, k=_SCRIPT)
        yield _body(common, t="event", n=self.dice.choice(_EVENTS), k="word", h="word", c=1)
        yield _body(common, t="beat", **read)
        yield _body(common, t="leave", **read)
        yield _body(common, t="view", p="no path")


def _body(common: dict[str, object], **more: object) -> bytes:
    return json.dumps({**common, **more}).encode()


@dataclass(slots=True)
class Outcome:
    """What was found in how much."""

    visitors: int
    """Who were stored."""
    salts: int
    """Different keys of days."""
    events: Counter[str]
    """What the log says."""
    files: set[str] = field(default_factory=set)
    bytes: int = 0
    found: Counter[str] = field(default_factory=Counter)

    @property
    def is_complete(self) -> bool:
        """Whether there was something to be found."""
        parts = all(any(name.endswith(part) for name in self.files) for part in PARTS)
        return (
            parts and self.salts == DAYS and {"storage_error", "manifest_refused"} <= {*self.events}
        )

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return self.is_complete and not self.found

    def __str__(self) -> str:
        found = ", ".join(f"{number:,} {what}" for what, number in sorted(self.found.items()))
        return (
            f"{self.visitors:,} visitors on {self.salts} days, {self.bytes:,} bytes of "
            f"{len(self.files)} files: {found or '0 traces'}"
            + ("" if self.is_complete else f"; files {sorted(self.files)}, log {self.events}")
        )


def run(
    visitors: int, seed: int, folder: Path, module: str = "tests.reliability.days_pass"
) -> Outcome:
    """Let so many visitors come, then search.

    Args:
        visitors: how many, on three days.
        seed: of what they do.
        folder: an empty one, for all files.
        module: what runs in the place of the tracker; days pass in it.
    """
    (folder / "temporary").mkdir()
    url = f"sqlite:///{folder / 'stats.sqlite3'}"
    temporary = str(folder / "temporary")
    process = Process(
        *(folder, url, module),
        STATS_TRUSTED_PROXIES="127.0.0.1",
        STATS_MANIFEST_TOKEN=TOKEN,
        STATS_CLEANUP_SECONDS="1",
        TMPDIR=temporary,
        SQLITE_TMPDIR=temporary,
    )
    people = [Visitor(number, random.Random(f"{seed}/{number}")) for number in range(visitors)]
    salts: list[bytes] = []
    try:
        process.wait_until_it_serves()
        for day in range(DAYS):
            if day:
                os.kill(process.pid, signal.SIGUSR1)
            _visit(process, people[day::DAYS])
            salts.append(_current_salt(folder))
        _provoke(process, folder, people[-1])
        _back_up(folder, url)
        outcome = Outcome(_stored(process), len({*salts}), Counter())
        _search(folder, people, salts, outcome)  # While the log of the database is there.
    finally:
        process.stop()
    outcome.events = _events(process.output())
    _search(folder, people, salts, outcome)
    return outcome


def _visit(process: Process, people: Iterable[Visitor]) -> None:
    with closing(process.connect()) as connection:
        for visitor in people:
            for body in visitor.messages():
                _ask(connection, "POST", "/api/collect", body, visitor.headers)
            _ask(connection, "GET", "/stats?period=today", b"", visitor.headers)


def _ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
) -> int:
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _provoke(process: Process, folder: Path, visitor: Visitor) -> None:
    """Let the tracker log what goes wrong: a wrong manifest, and a file that may not grow."""
    token = {"Authorization": f"Bearer {TOKEN}"}
    size = (folder / "stats.sqlite3-wal").stat().st_size
    unlimited = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    with closing(process.connect()) as connection:
        _ask(connection, "PUT", "/api/manifest", b"{}", visitor.headers | token)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, unlimited[1]))
        for number in range(5_000):
            path = f"/new/{number}/"
            body = _body({"l": f"{number:032x}", "p": path}, t="view")
            if _ask(connection, "POST", "/api/collect", body, visitor.headers) == 503:
                break
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        while _ask(connection, "GET", "/readyz", b"", visitor.headers) != 200:
            time.sleep(0.1)


def _current_salt(folder: Path) -> bytes:
    said = json.loads((folder / "stats.sqlite3.salts").read_bytes())
    return bytes.fromhex(said["current"])


def _back_up(folder: Path, url: str) -> None:
    command = [sys.executable, "-m", "tracker_server", "backup", str(folder / "backup.sqlite3")]
    subprocess.run([*command, "--database-url", url], cwd=ROOT, check=True, capture_output=True)


def _stored(process: Process) -> int:
    with closing(process.connect()) as connection:
        connection.request("GET", "/api/report?period=all")
        return int(json.loads(connection.getresponse().read())["visitors"])


def _events(log: str) -> Counter[str]:
    return Counter(json.loads(line)["event"] for line in log.splitlines() if line.startswith("{"))


def _search(folder: Path, people: Iterable[Visitor], salts: list[bytes], outcome: Outcome) -> None:
    packed = {_packed(visitor) for visitor in people}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = file.read_bytes()
        outcome.files.add(file.name)
        outcome.bytes += len(data)
        for name, form in _FORMS.items():
            _note(outcome, name, file, len(form.findall(data)))
        seen = {match[0] for match in _PACKED.finditer(data)} & packed
        # Four bytes may meet by chance once in some hundred runs, and not twice.
        _note(outcome, "packed addresses", file, len(seen) if len(seen) > 1 else 0)
        # Those of the last two days are alive, in their own file.
        gone = salts[:-2] if file.name.endswith(".salts") else salts
        keys = sum(data.count(salt) + data.count(salt.hex().encode()) for salt in gone)
        _note(outcome, "keys", file, keys)


def _packed(visitor: Visitor) -> bytes:
    return ip_address(visitor.address).packed


def _note(outcome: Outcome, name: str, file: Path, number: int) -> None:
    if number:
        outcome.found[f"{name} in {'the log' if file.suffix == '.txt' else file.name}"] += number


def main() -> None:
    """Run from the command line."""
    options = arguments(
        __doc__, "search one that logs addresses", visitors=VISITORS, seed=True
    ).parse_args()
    module = f"tests.reliability.{'logs_addresses' if options.control else 'days_pass'}"
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.visitors, options.seed, Path(folder), module)
    conclude("P15", outcome, passed=outcome.passed, seed=options.seed)


if __name__ == "__main__":
    main()
