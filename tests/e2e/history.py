"""Some weeks of readers, written by the tracker itself with a clock that is moved."""

import json
import random
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient

from tracker_server.app import Tracker, create_app
from tracker_server.config import Settings

DAYS = 70
READERS_PER_DAY = 9
ZONES = ["Europe/Vienna", "Europe/Berlin", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "x"]
REFERRERS = ["", "", "https://www.google.com/", "https://news.ycombinator.com/item?id=1"]
CAMPAIGNS = ["", "", "", "?utm_source=letter&utm_medium=mail&utm_campaign=Spring", "?utm_source=x"]
LANGUAGES = ["de-AT", "de", "en-US", "ja", "en"]
WIDTHS = [390, 800, 1_440, 1_920]
DAY = 86_400


def write_history(database: Path, manifest: Path, until: float | None = None) -> None:
    """Fill a new database with readers of the days before a time; the same ones each time.

    Args:
        database: file to make.
        manifest: of the site that they read.
        until: seconds since the epoch; now by default.
    """
    now = time.time() if until is None else until
    clock = [now - DAYS * DAY]
    app = create_app(
        Settings(database_url=f"sqlite:///{database}", manifest=str(manifest), rate_limit=0),
        lambda: clock[0],
    )
    tracker: Tracker = app.extensions["tracker"]
    paths = [
        page["path"]
        for page in json.loads(manifest.read_text())["pages"]
        if page["published"] and not page.get("generated") and page["type"] != "stats"
    ]
    dice = random.Random(5)
    client = app.test_client()
    for day in range(DAYS):
        # No later than an hour ago: those who read now are the tests' own.
        clock[0] = now - (DAYS - day) * DAY + DAY // 2
        if day == DAYS - 1:
            clock[0] = now - 2 * 3_600
        for _ in range(READERS_PER_DAY + day // 10):
            _read(client, clock, dice, paths)
    tracker.close()


def _read(client: FlaskClient, clock: list[float], dice: random.Random, paths: list[str]) -> None:
    session = str(UUID(int=dice.getrandbits(128), version=4))
    whence = {
        "r": dice.choice(REFERRERS),
        "z": dice.choice(ZONES),
        "g": dice.choice(LANGUAGES),
        "w": dice.choice(WIDTHS),
        "q": dice.choice(CAMPAIGNS),
    }
    weights = [1 / (place + 1) for place in range(len(paths))]
    for path in dict.fromkeys(dice.choices(paths, weights, k=dice.randint(1, 4))):
        load = f"{dice.getrandbits(128):032x}"
        _send(client, {"t": "view", "s": session, "l": load, "p": path, **whence})
        clock[0] += dice.randint(20, 120)
        read = {"v": dice.randint(20_000, 200_000), "a": dice.randint(5_000, 90_000)}
        depth = dice.choice([30, 60, 100])
        _send(client, {"t": "leave", "s": session, "l": load, "p": path, **read, "d": depth})
        whence["r"] = whence["q"] = ""
    if dice.random() < 0.1:
        rating = {"t": "event", "n": "feedback", "c": int(dice.random() < 0.8), "k": ""}
        _send(client, {**rating, "s": session, "l": load, "p": path})
    if dice.random() < 0.05:
        _send(
            client,
            {"t": "event", "n": "not_found", "s": session, "l": load, "p": "/guide/instal/"},
        )


def _send(client: FlaskClient, message: dict[str, Any]) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    answer = client.post("/api/collect", data=json.dumps(message), headers={"User-Agent": agent})
    assert answer.status_code in {202, 204}, answer.headers
