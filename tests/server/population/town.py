"""Lets the readers of the script read the site: its deploys and their messages, as time passes."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from tests.server.conftest import Site, session_id
from tests.server.content.manifests import BOT as BOT_AGENT
from tests.server.population.docs import Deploy
from tests.server.population.script import BOT, GPC, Act, Event, Read
from tracker_server.manifest import digest_of, parse_manifest

NOW = datetime.fromisoformat("2026-07-10T12:00Z").timestamp()
"""When the reports are asked for."""
FIRST_DAY, LAST_DAY = "2026-06-11", "2026-07-10"
"""Of the reports: the 30 days that are usual."""
BEAT_FROM = 40
"""Seconds from which on a page load says half way how far it has come."""
ORIGIN = "https://kettle.example"
"""Of all pages, as browsers say it of what they send from them."""
_DEPLOYED_AT = "03:00Z"

Message = dict[str, Any]


def populate(site: Site, deploys: Sequence[Deploy], acts: Sequence[Act]) -> None:
    """Let everything happen, each at its time."""
    numbers = {name: n for n, name in enumerate(dict.fromkeys(act.reader for act in acts))}
    happenings: list[tuple[float, Deploy | tuple[Act, Message]]] = [
        (datetime.fromisoformat(f"{deploy.day}T{_DEPLOYED_AT}").timestamp(), deploy)
        for deploy in deploys
    ]
    for act in acts:
        load = f"{act.visit:016x}{act.load:016x}"
        who = {"s": session_id(numbers[act.reader]), "l": load, "p": act.path}
        happenings += [(at, (act, {**who, **message})) for at, message in _messages(act)]
    for at, what in sorted(happenings, key=itemgetter(0)):
        site.clock.now = at
        if isinstance(what, Deploy):
            manifest = parse_manifest(what.manifest)
            site.tracker.recorder.replace_pages(manifest, digest_of(what.manifest))
        else:
            _send(site, *what)
    site.clock.now = NOW


def _messages(act: Act) -> Iterator[tuple[float, Message]]:
    """Yield what the scripts send, and when."""
    if isinstance(act, Read):
        language = "" if act.language == "nothing" else act.language
        script = act.version and f"{ORIGIN}/{act.version}/assets/mkdocs-stats/t.js"
        yield act.at, {"t": "view", "r": act.referrer, "g": language, "k": script or None}
        shown = dict.fromkeys(act.sections, act.seconds * 1_000 // (len(act.sections) or 1))
        if act.seconds >= BEAT_FROM:
            half = act.seconds * 500
            read = {"v": half, "a": min(act.active * 1_000, half), "d": act.depth // 2}
            begun = [*shown][: len(shown) // 2 or 1]
            sections = {section: min(shown[section], half) for section in begun}
            yield act.at + act.seconds / 2, {"t": "beat", **read, "h": sections}
        if act.seconds:
            read = {"v": act.seconds * 1_000, "a": act.active * 1_000, "d": act.depth}
            yield act.at + act.seconds, {"t": "leave", **read, "h": shown}
    elif isinstance(act, Event):
        event = {"t": "event", "n": act.name, "r": act.referrer, "k": act.text, "c": act.number}
        yield act.at, {**event, "u": act.clicked or None, "h": act.heading or None}


def _send(site: Site, act: Act, message: Message) -> None:
    headers = {BOT: {"User-Agent": BOT_AGENT}, GPC: {"Sec-GPC": "1"}}.get(act.reader, {})
    headers["Origin"] = ORIGIN
    answer = site.client.post("/api/collect", data=json.dumps(message), headers=headers)
    assert answer.status_code == (202 if message["t"] in {"beat", "leave"} else 204), message
