"""P16: a sender chooses neither who it is nor when it was.

Ten thousand messages from one peer, which no setting names as a proxy, with forged headers and
forged keys in the body: headers that proxies write, times, addresses, browsers. All must be of
one visitor, one network, one hour and one audience (window class, browser, country, language).
The same messages from a peer that is trusted are the control: there the headers make many.

``python -m tests.reliability.sender`` prints the seed, the numbers and PASS or FAIL.
"""

import io
import json
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.types import WSGIEnvironment

from tests.reliability.promise import arguments, conclude
from tracker_server.app import Tracker, create_app
from tracker_server.config import Settings

MESSAGES = 10_000
NOON = 1_767_268_800.0
PEER = "192.0.2.7"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HEADERS = (
    *("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"),
    *("X-Client-IP", "Fastly-Client-IP", "X-Cluster-Client-IP", "X-Plausible-IP", "Via"),
    *("X-Forwarded-Host", "X-Forwarded-Proto", "X-Original-Forwarded-For", "X-Remote-Addr"),
    *("Date", "Age", "X-Timestamp", "X-User-Agent", "Sec-CH-UA", "Sec-CH-UA-Mobile", "DPR"),
)
KEYS = (
    *("ip", "address", "client_ip", "ua", "user_agent", "browser", "device", "visitor", "user"),
    *("time", "timestamp", "ts", "at", "date", "hour", "day", "session", "id", "cid"),
)


@dataclass(slots=True)
class Outcome:
    """How many there were of what there must be one of."""

    messages: int
    refused: int
    counts: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether the promise was kept."""
        return not self.refused and set(self.counts.values()) == {1}

    def __str__(self) -> str:
        counts = ", ".join(f"{number:,} {name}" for name, number in self.counts.items())
        return f"{self.messages:,} messages, {self.refused:,} refused: {counts}"


def run(messages: int, seed: int, folder: Path, trusted: tuple[str, ...] = ()) -> Outcome:
    """Send so many messages.

    Args:
        messages: a tenth of them views, the others heartbeats.
        seed: of what is forged.
        folder: an empty one, for the database.
        trusted: proxies; with the peer among them this must fail.
    """
    dice = random.Random(seed)
    settings = Settings(
        database_url=f"sqlite:///{folder / 'stats.sqlite3'}",
        synchronous="normal",  # No power cut is part of this.
        trusted_proxies=trusted,
        rate_limit=10 * messages,
    )
    app = create_app(settings, lambda: NOON)
    tracker: Tracker = app.extensions["tracker"]
    refused = 0
    try:
        for number in range(messages):
            said: list[str] = []
            environ = _request(dice, "beat" if number % 10 else "view", number)
            app.wsgi_app(environ, lambda status, _headers, said=said: said.append(status))
            refused += said[0][:3] not in {"202", "204"}
        return Outcome(messages, refused, _counts(tracker))
    finally:
        tracker.close()


def _request(dice: random.Random, kind: str, number: int) -> WSGIEnvironment:
    message: dict[str, Any] = {key: _forged(dice) for key in dice.sample(KEYS, dice.randint(0, 5))}
    message |= {"t": kind, "l": f"{number:032x}", "p": "/", "w": 1_440}
    body = json.dumps(message).encode()
    environ: WSGIEnvironment = {
        "HTTP_" + name.upper().replace("-", "_"): _forged(dice)
        for name in dice.sample(HEADERS, dice.randint(0, 6))
    }
    return environ | {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/collect",
        "REMOTE_ADDR": PEER,
        "HTTP_USER_AGENT": BROWSER,
        "HTTP_ORIGIN": "https://docs.example",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


def _forged(dice: random.Random) -> str:
    address = ".".join(str(dice.randrange(256)) for _ in range(4))
    return dice.choice(
        (
            *(address, f"{address}, 10.0.0.1", f"for={address};proto=https", "::1", "127.0.0.1"),
            *(f"2001:db8:{dice.randrange(1 << 16):x}::1", "", "unknown", "small", "Chrome"),
            str(int(NOON) - dice.randrange(10_000_000)),
            "Thu, 01 Jan 1970 00:00:00 GMT",
        )
    )


def _counts(tracker: Tracker) -> dict[str, int]:
    with tracker.engine.connect() as connection:

        def count(query: str) -> int:
            return int(connection.exec_driver_sql(query).scalar_one())

        return {
            "visitors": count("SELECT count(*) FROM visitor"),
            "sessions": count("SELECT count(*) FROM active_session"),
            "hours": count("SELECT count(*) FROM hour_count"),
            "views": count("SELECT count(*) FROM view"),
            "audiences": count("SELECT count(DISTINCT audience_id) FROM view"),
            "networks": sum(due > 0 for due in tracker.ingest._limits._networks._due),
        }


def main() -> None:
    """Run from the command line."""
    options = arguments(__doc__, "believe the sender", messages=MESSAGES, seed=True).parse_args()
    trusted = (PEER,) if options.control else ()
    with tempfile.TemporaryDirectory() as folder:
        outcome = run(options.messages, options.seed, Path(folder), trusted)
    conclude("P16", outcome, passed=outcome.passed, seed=options.seed)


if __name__ == "__main__":
    main()
