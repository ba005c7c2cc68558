"""P7: no input causes a 5xx, and none is kept by one database and not by the other.

Forged requests for every route (`forge`, `hostile`) go to two trackers under one clock, one over
SQLite and one over PostgreSQL: none may be answered with 5xx, both must say the same, and
in the end every table of one must have the rows of the other. Then requests go over sockets to a
real process, spoiled as HTTP too, which must answer none of them with 5xx and still be well.

The control is a tracker that decodes a body as `json.loads` does it and catches what that is
documented to raise.

``python -m tests.reliability.input`` prints the seed, the numbers and PASS or FAIL.
"""

import io
import json
import logging
import random
import re
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock
from wsgiref.types import WSGIApplication, WSGIEnvironment

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import select

from tests.postgresql import running_server
from tests.processes import Process
from tests.reliability.forge import BROWSER, TOKEN, Forge, Forged, questions
from tests.reliability.hostile import bodies
from tests.reliability.promise import arguments, conclude
from tracker_server import payload
from tracker_server.app import Tracker, create_app
from tracker_server.base import db
from tracker_server.config import Settings
from tracker_server.errors import InvalidMessageError
from tracker_server.ingest import PATH

REQUESTS = 200_000
"""To both databases together."""
OVER_SOCKETS = 10_000
PROCESSES = 2
NOON = 1_767_268_800.0
STEP_SECONDS = 0.05
PATIENCE_SECONDS = 20.0
SHOWN = 5
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
TIMED = ("/metrics",)
"""Routes whose answers have times of the process in them."""
_PROOF = re.compile(rb'(name="form" value=)"[0-9a-f.]*"')
"""What proves that a form is of this tracker: no two have the same."""
COUNTED = {"not_found.id"}
"""Columns that PostgreSQL counts on for a row that turns out to be there already."""
_PACE = re.compile(rb"\A\.{1,2}\Z")
"""What asks browsers to wait longer, which depends on how long the disk took."""


@dataclass(slots=True)
class Outcome:
    """What the requests were answered with."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    unlike: int = 0
    """Answered differently over the two databases, or rows of tables that only one has."""
    stored: int = 0
    """Rows of the tables in one of the databases."""
    examples: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many were answered with 5xx, or not at all by a process that died."""
        return sum(number for status, number in self.statuses.items() if status >= 500)

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return not self.failed and not self.unlike and self.statuses[400] > 0

    def add(self, other: "Outcome") -> None:
        """Take in what another process found."""
        self.requests += other.requests
        self.statuses += other.statuses
        self.unlike += other.unlike
        self.stored += other.stored
        self.examples += other.examples

    def show(self, what: str) -> None:
        """Keep an example of what went wrong."""
        if len(self.examples) < SHOWN:
            self.examples.append(what[:500])

    def __str__(self) -> str:
        by_class = Counter[int]()
        for status, number in self.statuses.items():
            by_class[status // 100] += number
        classes = ", ".join(f"{by_class[n]:,} {n}xx" for n in (2, 3, 4, 5))
        said = f"{self.requests:,} requests: {classes}, {self.unlike:,} unlike"
        return "; ".join((f"{said}, {self.stored:,} rows compared", *self.examples))


def run(
    requests: int,
    seed: int,
    addresses: tuple[str, str],
    folder: Path,
    part: tuple[int, int] = (0, 1),
) -> Outcome:
    """Send each of so many forged requests to a tracker over each of two databases.

    Args:
        requests: to both together.
        seed: of what is forged.
        addresses: of the databases, both empty.
        folder: for the keys of visitors, which both share.
        part: which of how many parts of what is always sent is sent from here.
    """
    now = [NOON]
    files = {"salt_file": str(folder / "salts"), "access_file": str(folder / "access")}
    settings = {**files, "rate_limit": 0, "synchronous": "normal"}
    apps = [
        create_app(Settings(database_url=url, manifest_token=TOKEN, **settings), lambda: now[0])  # type: ignore[arg-type]
        for url in addresses
    ]
    trackers: list[Tracker] = [app.extensions["tracker"] for app in apps]
    rules = sorted({rule.rule for rule in apps[0].url_map.iter_rules()} | {PATH})
    dice, outcome = random.Random(seed), Outcome()
    forge, fixed = Forge(rules, dice), _fixed(*part)
    try:
        for number in range(requests // 2):
            forged = (next(fixed, None) if number % 2 else None) or forge.make()
            now[0] = NOON + number * STEP_SECONDS
            _compare(forged, [_ask(app.wsgi_app, forged) for app in apps], outcome)
        rows, others = map(_rows, trackers)
        outcome.stored = len(rows)
        outcome.unlike += len(rows ^ others)
        for row in sorted(rows ^ others)[:SHOWN]:
            outcome.show(f"only one has {row}")
        return outcome
    finally:
        for tracker in trackers:
            tracker.close()


def _fixed(share: int, shares: int) -> Iterator[Forged]:
    """Return the part of one process of the requests that are always sent."""
    agent = {"User-Agent": BROWSER}
    messages = [Forged("POST", PATH.encode(), "", agent, body) for body in bodies()]
    every = [*messages, *questions()]
    random.Random(shares).shuffle(every)  # The same in each process.
    return iter(every[share::shares])


def _compare(forged: Forged, answers: list[tuple[int, bytes]], outcome: Outcome) -> None:
    outcome.requests += len(answers)
    outcome.statuses.update(status for status, _ in answers)
    if max(status for status, _ in answers) >= 500:
        outcome.show(f"{[status for status, _ in answers]} for {forged}")
    one, other = ((status, _PACE.sub(b"", _PROOF.sub(rb"\1", body))) for status, body in answers)
    if one != other and forged.path.decode("latin-1") not in TIMED:
        outcome.unlike += 1
        outcome.show(f"{_difference(one, other)} for {forged}")


def _difference(one: tuple[int, bytes], other: tuple[int, bytes]) -> str:
    pairs = enumerate(zip(one[1], other[1], strict=False))
    same = next((at for at, (left, right) in pairs if left != right), 0)
    texts = [body[max(0, same - 40) : same + 40] for _, body in (one, other)]
    return f"{one[0]} {texts[0]!r}, {other[0]} {texts[1]!r}"


def _ask(application: WSGIApplication, forged: Forged) -> tuple[int, bytes]:
    said: list[str] = []

    def start_response(status: str, _headers: object, _error: object = None) -> Any:
        said.append(status)

    try:
        parts = application(environ_of(forged), start_response)
        body = b"".join(parts)
        getattr(parts, "close", lambda: None)()
    except Exception as error:  # noqa: BLE001  # the server answers each of them with 500
        return 500, repr(error).encode()
    return int(said[-1][:3]), body


def environ_of(forged: Forged) -> WSGIEnvironment:
    """Return a request as the server hands it to an application."""
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": forged.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": forged.path.decode("latin-1"),
        "QUERY_STRING": forged.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8001",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_LENGTH": str(len(forged.body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(forged.body),
        "wsgi.errors": io.StringIO(),
    }
    for name, value in forged.headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    return environ


def _rows(tracker: Tracker) -> set[tuple[str, str]]:
    """Return every row of every table, but for numbers that mean nothing."""
    with tracker.engine.connect() as connection:
        return {
            (table.name, repr(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)))
            for table in db.metadata.sorted_tables
            for row in connection.execute(select(*(c for c in table.c if str(c) not in COUNTED)))
        }


def run_over_sockets(requests: int, seed: int, folder: Path) -> Outcome:
    """Send so many to a real process, some of them spoiled as HTTP."""
    dice, outcome = random.Random(seed), Outcome()
    process = Process(folder, f"sqlite:///{folder / 'stats.sqlite3'}", STATS_MANIFEST_TOKEN=TOKEN)
    forge = Forge(("/", "/stats", "/api/report", "/api/counters", "/badge.svg", "/healthz"), dice)
    try:
        process.wait_until_it_serves()
        for number in range(requests):
            raw = _raw(forge.make(), dice)
            for status in _send(process.port, raw, f"127.0.0.{1 + number // 10_000}"):
                outcome.statuses[status] += 1
                if status >= 500:
                    outcome.show(f"{status} for {raw!r}")
        process.wait_until_it_serves()
        outcome.statuses[500] += process.output().count('"request_failed"')
    finally:
        process.stop()
    outcome.requests = requests
    return outcome


def _raw(forged: Forged, dice: random.Random) -> bytes:
    """Write a request as HTTP; one of ten has bytes that are wrong there."""
    path = "".join(
        chr(b) if 0x21 <= b < 0x7F and b not in b"%?#" else f"%{b:02X}" for b in forged.path
    )
    target = path + ("?" + forged.query.replace(" ", "+") if forged.query else "")
    headers = {"Host": "docs.example", "Content-Length": str(len(forged.body))} | forged.headers
    lines = [f"{forged.method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
    raw = "\r\n".join((*lines, "", "")).encode("latin-1", errors="replace") + forged.body
    if dice.random() < 0.1:
        at = dice.randrange(len(raw))
        new = dice.choice((b"", b"\x00", b"\r\n", b"\xff\xfe", b": ", raw[at : at + 20]))
        return raw[:at] + new + raw[at + dice.choice((0, 1, 9)) :] + b"\r\n\r\n"
    return raw


def _send(port: int, raw: bytes, source: str) -> list[int]:
    """Send a request, and nothing more; return what came back: of a spoiled one, perhaps nothing.

    Ten thousand connections of one address may still be in its memory of ended ones.
    """
    connection = socket.create_connection(
        ("127.0.0.1", port), timeout=PATIENCE_SECONDS, source_address=(source, 0)
    )
    heard = bytearray()
    with closing(connection), suppress(ConnectionError):
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65_536):
            heard += part
    return [int(status) for status in _STATUS.findall(heard)]


def careless(body: bytes) -> dict[str, object]:
    """Read a body as one would who knows `json` by its name; the control."""
    try:
        fields: dict[str, object] = json.loads(body)
    except json.JSONDecodeError:
        raise InvalidMessageError("body", "is not JSON in UTF-8") from None
    return fields


def _share(
    requests: int, seed: int, postgresql: str, part: tuple[int, int], *, control: bool
) -> Outcome:
    """Send the requests of one process."""
    logging.disable()
    broken = mock.patch.object(payload, "_decode", careless) if control else nullcontext()
    with tempfile.TemporaryDirectory() as folder, broken:
        sqlite = f"sqlite:///{folder}/stats.sqlite3"
        return run(requests, seed, (sqlite, postgresql), Path(folder), part)


def run_shares(requests: int, seed: int, processes: int, *, control: bool = False) -> Outcome:
    """Send forged requests from several processes, each to databases of its own."""
    outcome = Outcome()
    with running_server() as server, ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        names = [f"share_{number}" for number in range(processes)]
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for name in names:
                connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
        address = server.get_uri(driver="psycopg")
        shares = [
            pool.submit(
                _share,
                requests // processes,
                seed + number,
                f"{address}&options=-csearch_path%3D{name}",
                (number, processes),
                control=control,
            )
            for number, name in enumerate(names)
        ]
        for share in shares:
            outcome.add(share.result())
    return outcome


def main() -> None:
    """Run from the command line."""
    options = arguments(
        __doc__, "decode bodies carelessly", requests=REQUESTS, over_sockets=OVER_SOCKETS, seed=True
    ).parse_args()
    outcome = run_shares(options.requests, options.seed, PROCESSES, control=options.control)
    if not options.control:
        with tempfile.TemporaryDirectory() as folder:
            sent = run_over_sockets(options.over_sockets, options.seed, Path(folder))
        outcome.add(sent)
    conclude("P7", outcome, passed=outcome.passed, seed=options.seed)


if __name__ == "__main__":
    main()
