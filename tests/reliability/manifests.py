"""A manifest comes into force whole or not at all, whatever is put in its place and whoever dies.

Manifests that were spoiled, byte by byte or entry by entry, are put into a tracker: each is
refused in one line or in force as it stands, and a refused one changes nothing. Then a real process
is killed while it puts one of two manifests in the place of the other, again and again: the
pages in its database are always those of one.

``python -m tests.reliability.manifests`` prints the seed, the numbers and PASS or FAIL.
"""

import http.client
import json
import logging
import random
import sqlite3
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import select

from tests.processes import Process
from tests.reliability.hostile import TEXTS, VALUES, WHOLES
from tests.reliability.promise import arguments, conclude
from tracker_server.app import Tracker, create_app
from tracker_server.config import Settings
from tracker_server.errors import InvalidManifestError
from tracker_server.manifest import MAX_PAGES, digest_of, parse_manifest
from tracker_server.statements import PAGES, PATHS, TOTALS

MUTANTS, KILLS = 2_000, 10
TOKEN = "a-token-for-manifests"
NOON = 1_767_268_800.0
CONTRACT = Path(__file__).parents[1] / "contract" / "manifest.json"
KILLED_PAGES = 3_000
REFUSAL = "manifest refused: "
HEADERS = {"Authorization": f"Bearer {TOKEN}"}

# What a page and a site may say besides; a spoiled one has a wrong value in any of it.
GROWN = {
    "source": "a.md",
    "created": "2026-01-02",
    "updated": "2026-01-03",
    "formerly": ["/old/"],
    "authors": ["Ada"],
    "tags": ["a"],
    "nav": 1,
    "trail": ["Start"],
    "previous": "/",
    "next": "/",
    "code_lines": 1,
    "reading_seconds": 1,
    "language": "en",
    "links": ["/"],
    "anchors": ["/#a"],
    "outbound": 1,
    "digest": "0123456789ab",
}
OF_THE_SITE = {"version": "1", "redirects": {"/older/": "/"}}

_State = tuple[str, frozenset[tuple[str, str]]]


@dataclass(slots=True)
class Outcome:
    """What became of the manifests."""

    statuses: Counter[int] = field(default_factory=Counter)
    kills: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether all went as it must."""
        return not self.wrong and set(self.statuses) <= {204, 413, 422}

    def __str__(self) -> str:
        said = ", ".join(f"{count:,} x {status}" for status, count in sorted(self.statuses.items()))
        return f"{said}; {self.kills} kills: {len(self.wrong)} wrong {self.wrong[:3]}"


def mutants(dice: random.Random, count: int) -> list[bytes]:
    """Return spoiled manifests: huge and deep ones first, then what chance makes."""
    whole = CONTRACT.read_bytes()
    document = json.loads(whole) | OF_THE_SITE
    document["pages"] = [page | GROWN for page in document["pages"]]
    page = document["pages"][0]
    whole = json.dumps(document).encode()
    made = [
        *WHOLES,
        json.dumps(document | {"pages": [page, page]}).encode(),
        json.dumps(document | {"pages": [page] * (MAX_PAGES + 1)}).encode(),
        b'{"schema":1,"pages":' + b"[" * 1_000_000,
        b'{"schema":1,"pages":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b'{"schema":' + b"9" * 5_000 + b"}",
        whole[: len(whole) // 2],
        whole.decode().encode("utf-16"),
        *(_with_entry(document, dice, json.dumps(text)) for text in TEXTS),
        *(_with_entry(document, dice, value) for value in VALUES),
    ]
    while len(made) < count:
        body = bytearray(whole)
        for _ in range(dice.choice((1, 1, 2, 5))):
            at, size = dice.randrange(len(body)), dice.choice((0, 1, 1, 8, 60))
            new = (b"", dice.randbytes(size), bytes(body[:size]), b"\x00", b"1e999", b'"', b"[")
            body[at : at + size] = dice.choice(new)
        made.append(bytes(body))
    return made[:count]


def _with_entry(document: dict[str, object], dice: random.Random, value: str) -> bytes:
    """Return a manifest in which one entry has a value, as it stands in JSON."""
    copy = json.loads(json.dumps(document))
    owner = dice.choice((copy, dice.choice(copy["pages"])))
    owner[dice.choice([*owner])] = "HERE"
    return json.dumps(copy).replace('"HERE"', value).encode(errors="surrogatepass")


def run_mutants(count: int, seed: int, folder: Path) -> Outcome:
    """Put so many spoiled manifests into one tracker."""
    settings = Settings(
        database_url=f"sqlite:///{folder / 'stats.sqlite3'}",
        synchronous="normal",
        manifest_token=TOKEN,
    )
    app, outcome = create_app(settings, lambda: NOON), Outcome()
    tracker: Tracker = app.extensions["tracker"]
    try:
        assert _put(app.test_client(), CONTRACT.read_bytes())[0] == 204
        for body in mutants(random.Random(seed), count):
            before = _state(tracker)
            status, said = _put(app.test_client(), body)
            outcome.statuses[status] += 1
            if _is_wrong(body, status, said, before, _state(tracker)):
                outcome.wrong.append(f"{status} {said[:100]!r} for {body[:200]!r}")
    finally:
        tracker.close()
    return outcome


def _put(client: FlaskClient, body: bytes) -> tuple[int, str]:
    answer = client.put("/api/manifest", data=body, headers=HEADERS)
    return answer.status_code, answer.get_data(as_text=True)


def _is_wrong(body: bytes, status: int, said: str, before: _State, after: _State) -> bool:
    """Tell whether an answer, or what is in force after it, is not what it must be."""
    try:
        manifest = parse_manifest(body)
    except InvalidManifestError:
        line = said.removesuffix("\n")
        in_words = line.startswith(REFUSAL) and line.isprintable() and len(line) > len(REFUSAL)
        return status not in {413, 422} or not in_words or after != before
    pages = frozenset((page.path, page.title) for page in manifest.pages)
    return status != 204 or after != (digest_of(body), pages)


def _state(tracker: Tracker) -> _State:
    with tracker.engine.connect() as connection:
        digest = connection.execute(select(TOTALS.c.manifest_digest)).scalar_one()
        joined = PAGES.join(PATHS, PAGES.c.path_id == PATHS.c.id)
        rows = connection.execute(select(PATHS.c.text, PAGES.c.title).select_from(joined))
        return digest, frozenset((path, title) for path, title in rows)


def run_kills(count: int, seed: int, folder: Path) -> Outcome:
    """Kill a tracker so often while it puts a manifest in force."""
    dice, outcome = random.Random(seed), Outcome()
    file, bodies = folder / "killed.sqlite3", [_large(letter) for letter in "AB"]
    for _ in range(count):
        process = Process(folder, f"sqlite:///{file}", STATS_MANIFEST_TOKEN=TOKEN)
        try:
            process.wait_until_it_serves()
            putting = threading.Thread(target=_put_until_it_dies, args=(process, bodies))
            putting.start()
            time.sleep(dice.uniform(0.05, 0.6))  # Not a check: a crash comes at any moment.
        finally:
            process.kill()
            putting.join()
        outcome.kills += 1
        outcome.wrong += _mixed(file)
    return outcome


def _large(letter: str) -> bytes:
    page = {"slug": "", "title": letter, "type": "page", "published": True, "date": None}
    paths = [f"/{letter}{number}/" for number in range(KILLED_PAGES)]
    pages = [{"path": path, "links": [paths[n - 1]], **page} for n, path in enumerate(paths)]
    document = {"schema": 1, "site_name": letter, "site_url": None, "pages": pages}
    return json.dumps(document).encode()


def _put_until_it_dies(process: Process, bodies: list[bytes]) -> None:
    with closing(process.connect()) as connection:
        while True:
            for body in bodies:
                try:
                    connection.request("PUT", "/api/manifest", body, HEADERS)
                    connection.getresponse().read()
                except (OSError, http.client.HTTPException):
                    return


def _mixed(file: Path) -> list[str]:
    """Return what a database has that is neither of no manifest nor of exactly one."""
    with closing(sqlite3.connect(file)) as base:
        [(name, digest)] = base.execute("SELECT site_name, manifest_digest FROM totals")
        titles = base.execute("SELECT title, count(*) FROM page GROUP BY title").fetchall()
        links = base.execute(
            "SELECT title, count(*) FROM link LEFT JOIN page ON path_id = from_id GROUP BY title"
        ).fetchall()
    expected = [(name, KILLED_PAGES)] if digest else []
    whole = not digest or digest == digest_of(_large(name))
    right = whole and titles == links == expected
    return [] if right else [f"{name!r}: pages {titles}, links {links}"]


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, mutants=MUTANTS, kills=KILLS, seed=True).parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_mutants(options.mutants, options.seed, Path(folder))
        killed = run_kills(options.kills, options.seed, Path(folder))
    outcome.kills, outcome.wrong = killed.kills, outcome.wrong + killed.wrong
    conclude("Manifests", outcome, passed=outcome.passed, seed=options.seed)


if __name__ == "__main__":
    main()
