"""From the bytes of a request to a checked message; ``docs/wire.md`` is the specification."""

import json
import re
from collections.abc import Callable
from typing import NoReturn

from tracker_server.enrich import (
    anchor_of,
    browser_of,
    campaign_of,
    country_of,
    device_of,
    host_of,
    label_of,
    language_of,
    version_of,
)
from tracker_server.errors import InvalidMessageError
from tracker_server.model import (
    EVENTS,
    MAX_ANCHOR_CHARS,
    Beat,
    Engagement,
    Event,
    Leave,
    Message,
    NotFound,
    View,
)
from tracker_server.paths import normalise_path

MAX_BODY_BYTES = 4_096
MAX_READ_MS = 86_400_000
"""For how long a page load may say it was read: a day, as long as it is remembered."""

MAX_EVENT_NUMBER = 1_000_000
MAX_RATING = 1
"""A rating is positive or not, whatever a message says of it."""

_FOLD = 0x9E37_79B9_7F4A_7C15
_MASK = (1 << 64) - 1

_LOAD_ID = re.compile(r"[0-9a-fA-F]{16,32}")
# Stricter than `uuid.UUID`, which takes braces, underscores and dashes anywhere.
_SESSION_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


# The standard decoder takes NaN and Infinity, which are not JSON.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_JSON_SPACE = " \t\n\r"


def parse_message(
    body: bytes,
    own_host: str = "",
    visitor_of_day: Callable[[], int] | None = None,
    agent: str = "",
) -> Message:
    """Parse one request body of the tracker script.

    Args:
        body: UTF-8 JSON object with the keys of ``docs/wire.md``, at most
            `MAX_BODY_BYTES` long. Unknown keys are ignored.
        own_host: host of the page that sent it; a referrer on it is no referrer.
        visitor_of_day: gives the session of a message without a usable ``s``.
        agent: user agent of who sent it.

    Raises:
        InvalidMessageError: `body` is no such object, or a required key is missing or wrong.
    """
    fields = _decode(body)
    kind = fields.get("t")
    build = _BUILDERS.get(kind) if isinstance(kind, str) else None
    if build is None:
        raise InvalidMessageError("t", "must be view, beat, leave or event")
    return build(fields, _session_of(fields.get("s"), visitor_of_day), own_host, agent)


def _session_of(value: object, visitor_of_day: Callable[[], int] | None) -> int:
    """Return the session that a message says, else the visitor's of the day.

    What is no UUID is none: something else on the site may keep another text under the script's key
    in `localStorage`, and readers who have it there would never be counted.
    """
    try:
        return _parse_session(value)
    except InvalidMessageError:
        if visitor_of_day is None:
            raise
        return visitor_of_day()


def _decode(body: bytes) -> dict[str, object]:
    try:
        # `decode` finds the spaces with two regular expressions, which take as long as the rest.
        text = body.decode().strip(_JSON_SPACE)
        fields, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):  # 4,096 opening brackets are a RecursionError.
        raise InvalidMessageError("body", "is not JSON in UTF-8") from None
    if end != len(text):
        raise InvalidMessageError("body", "is more than one JSON value")
    if not isinstance(fields, dict):
        raise InvalidMessageError("body", "is not a JSON object")
    return fields


def _parse_view(fields: dict[str, object], session: int, own_host: str, agent: str) -> View:
    return View(
        *_parse_identity(fields, session),
        host_of(fields.get("r"), own_host),
        country_of(fields.get("z")),
        language_of(fields.get("g")),
        device_of(fields.get("w")),
        browser_of(agent),
        _parse_before(session, fields.get("o")),
        campaign_of(fields.get("q")),
        version_of(fields.get("k")),
    )


def _parse_before(session: int, value: object) -> Leave | None:
    """Read the page before, if it is said and makes sense."""
    if not isinstance(value, dict):
        return None
    try:
        load, path = _parse_load(value.get("l")), _parse_path(value.get("p"))
    except InvalidMessageError:
        return None
    return Leave(session, load, path, _parse_engagement(value))


def _parse_beat(fields: dict[str, object], session: int, *_of_sender: str) -> Beat:
    return Beat(*_parse_identity(fields, session), _parse_engagement(fields))


def _parse_leave(fields: dict[str, object], session: int, *_of_sender: str) -> Leave:
    return Leave(*_parse_identity(fields, session), _parse_engagement(fields))


def _parse_engagement(fields: dict[str, object]) -> Engagement | None:
    if "v" not in fields:
        return None
    visible = _parse_number(fields["v"], MAX_READ_MS)
    active = _parse_number(fields.get("a"), visible)
    sections = _parse_sections(fields["h"], visible) if "h" in fields else None
    return Engagement(visible, active, _parse_number(fields.get("d"), 100), sections)


def _parse_sections(value: object, visible: int) -> dict[str, int] | None:
    """Read for how long each section was in view, which is no longer than the page was visible."""
    if not isinstance(value, dict):
        return None
    return {
        anchor: time
        for anchor, said in value.items()
        if len(anchor) <= MAX_ANCHOR_CHARS and (time := _parse_number(said, visible))
    } or None


def _parse_target(value: object) -> str:
    try:
        return _parse_path(value)
    except InvalidMessageError:
        return ""


def _parse_anchor(value: object) -> str:
    anchor = anchor_of(_parse_heading(value))  # No longer one is looked at.
    if not anchor:
        raise InvalidMessageError("k", "must be what can be an anchor")
    return anchor


def _parse_heading(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_ANCHOR_CHARS else ""


def _parse_number(value: object, highest: int) -> int:
    """Return a number as a whole one within its bounds, 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(max(0, min(value, highest)))


def _parse_event(
    fields: dict[str, object], session: int, own_host: str, _agent: str
) -> NotFound | Event:
    name = fields.get("n")
    if name == "anchor":
        return Event(
            *_parse_identity(fields, session),
            name,
            _parse_anchor(fields.get("k")),
            referrer=host_of(fields.get("r"), own_host),
        )
    if isinstance(name, str) and name in EVENTS:
        return Event(
            *_parse_identity(fields, session),
            name,
            label_of(fields.get("k")),
            _parse_number(fields.get("c"), MAX_RATING if name == "feedback" else MAX_EVENT_NUMBER),
            _parse_target(fields.get("u")),
            _parse_heading(fields.get("h")),
        )
    if name != "not_found":
        raise InvalidMessageError("n", "is no event that this tracker knows")
    return NotFound(*_parse_identity(fields, session), host_of(fields.get("r"), own_host))


_BUILDERS: dict[str, Callable[[dict[str, object], int, str, str], Message]] = {
    "view": _parse_view,
    "beat": _parse_beat,
    "leave": _parse_leave,
    "event": _parse_event,
}


def _parse_identity(fields: dict[str, object], session: int) -> tuple[int, int, str]:
    return session, _parse_load(fields.get("l")), _parse_path(fields.get("p"))


def _parse_session(value: object) -> int:
    if not isinstance(value, str) or not _SESSION_ID.fullmatch(value):
        raise InvalidMessageError("s", "must be a UUID")
    return _fold(value.replace("-", ""))


def _parse_load(value: object) -> int:
    digits = value.replace("-", "") if isinstance(value, str) else ""
    if not _LOAD_ID.fullmatch(digits):
        raise InvalidMessageError("l", "must be 16 to 32 hexadecimal digits")
    return _fold(digits)


def _fold(digits: str) -> int:
    """Fold 128 bits into the signed 64 of a database integer."""
    # Either half of a UUID has fixed bits; multiplying by an odd number spreads those of the
    # upper half. Among ten million random ids two fold to one once in 370,000 times.
    number = int(digits, 16)
    folded = ((number >> 64) * _FOLD + number) & _MASK
    return folded - (1 << 64) if folded >> 63 else folded


def _parse_path(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidMessageError("p", "must be a text that starts with /")
    return normalise_path(value)
