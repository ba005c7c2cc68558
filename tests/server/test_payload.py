"""Bytes in, a checked message or a refusal out."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.server.conftest import CONTRACT, Site
from tracker_server.errors import InvalidMessageError
from tracker_server.model import (
    EVENTS,
    MAX_ANCHOR_CHARS,
    Beat,
    Engagement,
    Event,
    Leave,
    NotFound,
    View,
)
from tracker_server.payload import MAX_BODY_BYTES, parse_message

pytestmark = pytest.mark.sqlite_only("it is about messages; no statement depends on them")

CASES: dict[str, list[dict[str, Any]]] = json.loads((CONTRACT / "messages.json").read_text())
SESSION = "0b8f7e0a-3f0b-4c63-9a55-5b0f3c1d2e4f"
FOLDED = -293_161_530_870_438_290
"""That session id in 64 bits."""
LOAD = "6f1c2d3e4a5b6c7d8e9f0a1b2c3d4e5f"
KINDS = {"view": View, "beat": Beat, "leave": Leave, "event": NotFound}


def _cases(name: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES[name]]


def _refused_bodies() -> list[Any]:
    bodies = [(case, json.dumps(case["message"])) for case in CASES["refused"]]
    bodies += [(case, case["body"]) for case in CASES["refused_raw"]]
    return [pytest.param(body.encode(), case["key"], id=case["name"]) for case, body in bodies]


def _body(**fields: object) -> bytes:
    return json.dumps({"t": "view", "s": SESSION, "l": LOAD, "p": "/", **fields}).encode()


@pytest.mark.parametrize("case", _cases("accepted"))
def test_parse_message_takes_every_accepted_case_of_the_contract(case: dict[str, Any]) -> None:
    """An accepted case becomes a message of its type, on its normalised path."""
    message = parse_message(json.dumps(case["message"]).encode(), "", lambda: FOLDED)

    expected = Event if case["message"].get("n") in EVENTS else KINDS[case["message"]["t"]]
    assert type(message) is expected
    assert message.path == case["path"]
    assert message.session == FOLDED


@pytest.mark.parametrize(("body", "key"), _refused_bodies())
def test_parse_message_refuses_every_refused_case_of_the_contract(body: bytes, key: str) -> None:
    """A refusal names the key that is at fault."""
    with pytest.raises(InvalidMessageError) as refusal:
        parse_message(body, "", lambda: FOLDED)

    assert refusal.value.key == key


@pytest.mark.parametrize("case", _cases("accepted"))
def test_collect_answers_accepted_cases_with_their_status(site: Site, case: dict[str, Any]) -> None:
    """The endpoint answers as the contract says, and gives no reason for a refusal."""
    answer = site.client.post("/api/collect", data=json.dumps(case["message"]))

    assert answer.status_code == case["status"]
    assert "X-Stats-Refused" not in answer.headers


@pytest.mark.parametrize(("body", "key"), _refused_bodies())
def test_collect_answers_refused_cases_with_400_and_the_key(
    site: Site, body: bytes, key: str
) -> None:
    """The header begins with the key at fault, and nothing is stored."""
    answer = site.client.post("/api/collect", data=body)

    assert answer.status_code == 400
    assert answer.headers["X-Stats-Refused"].startswith(f"{key}: ")
    assert site.rows("SELECT count(*) FROM load") == [(0,)]


def test_parse_message_reads_every_key_of_a_view() -> None:
    """A view carries the host, country, language and device that its keys give."""
    message = parse_message(json.dumps(CASES["accepted"][0]["message"]).encode())

    assert isinstance(message, View)
    assert (message.referrer, message.country, message.language, message.device) == (
        "search.example",
        "DE",
        "de",
        "large",
    )


def test_parse_message_keeps_of_a_query_the_campaign_alone() -> None:
    """What else stands in the landing address is dropped before anything is stored."""
    [case] = [case for case in CASES["accepted"] if case["name"] == "view-campaign"]
    message = parse_message(json.dumps(case["message"]).encode())

    assert isinstance(message, View)
    assert message.campaign == "newsletter/email/Spring 2026"
    assert "secret" not in repr(message)


def test_parse_message_leaves_unknown_what_it_cannot_understand() -> None:
    """Optional keys with nonsense in them are as good as absent."""
    odd = parse_message(
        _body(r="http://[::1", z="Mars/Olympus", g="!!", w="wide", q=["utm_source"])
    )

    assert odd == parse_message(_body())


def test_parse_message_drops_a_referrer_of_the_own_host() -> None:
    """A referrer on the site itself is none."""
    body = _body(r="https://kettle.example/guide/")

    own = parse_message(body, "kettle.example")
    other = parse_message(body, "other.example")
    assert isinstance(own, View)
    assert isinstance(other, View)
    assert (own.referrer, other.referrer) == ("", "kettle.example")


def test_parse_message_folds_upper_and_lower_case_ids_alike() -> None:
    """A session or a page load written in capitals is the same one."""
    upper = parse_message(_body(s=SESSION.upper(), l=LOAD.upper()))

    assert upper == parse_message(_body())


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(SESSION.replace("-", "_"), id="underscores"),
        pytest.param("{" + SESSION.replace("-", "") + "}}}", id="braces"),
        pytest.param("urn:" + SESSION.replace("-", ""), id="urn"),
        pytest.param(SESSION.replace("-", "") + "----", id="dashes-elsewhere"),
        pytest.param(SESSION.replace("0", "\uff10"), id="full-width-digit"),
        pytest.param(SESSION + "\n", id="line-break"),
        pytest.param(SESSION.replace("-", ""), id="no-dashes"),
    ],
)
def test_parse_message_takes_no_other_spelling_of_a_session(session: str) -> None:
    """A session id is a UUID in its one usual form."""
    with pytest.raises(InvalidMessageError) as refusal:
        parse_message(_body(s=session))

    assert refusal.value.key == "s"


@pytest.mark.parametrize(
    "load",
    [
        pytest.param("6f1c2d3e-4a5b-6c7d-8e9f-0a1b2c3d4e5f", id="uuid"),
        pytest.param("6-f1c2d3e4a5b6c7d8e9f0a1b2c3d4e5-f", id="dashes-elsewhere"),
    ],
)
def test_parse_message_ignores_dashes_in_a_load_id(load: str) -> None:
    """A page-load id may be a UUID; its dashes mean nothing."""
    assert parse_message(_body(l=load)) == parse_message(_body(l=LOAD))


def test_parse_message_regards_every_half_of_a_load_id() -> None:
    """Page loads that differ in one digit anywhere are different."""
    loads = {parse_message(_body(l=LOAD[:n] + "0" + LOAD[n + 1 :])).load for n in range(32)}

    assert len(loads) == 32 - LOAD.count("0") + 1


@pytest.mark.parametrize(
    "load", ["0\uff10" * 8, " " + "0" * 16, "0" * 15, "+" + "0" * 16, "0_" * 8]
)
def test_parse_message_takes_hexadecimal_load_ids_only(load: str) -> None:
    """What Python would read as a number all the same is no page-load id."""
    with pytest.raises(InvalidMessageError) as refusal:
        parse_message(_body(l=load))

    assert refusal.value.key == "l"


@given(st.integers(0, (1 << 128) - 1), st.sampled_from([16, 20, 31, 32]))
@example((1 << 128) - 1, 32)
@example(1 << 63, 16)
@example((1 << 63) - 1, 16)
def test_load_ids_fold_into_a_signed_64_bit_integer(number: int, digits: int) -> None:
    """Every page-load id fits into an integer column of any database."""
    load = parse_message(_body(l=f"{number:032x}"[:digits])).load

    assert -(1 << 63) <= load < 1 << 63


@given(st.sets(st.uuids(version=4), min_size=2, max_size=40))
def test_load_ids_of_different_uuids_stay_different(loads: set[UUID]) -> None:
    """Folding loses no two random page loads of a reader to each other."""
    folded = {parse_message(_body(l=str(load))).load for load in loads}

    assert len(folded) == len(loads)


@given(st.binary(max_size=200))
@example(b"[" * MAX_BODY_BYTES)
@example(b'{"a":' * 800)
@example(b'{"t":"view","s":"\\ud800"}')
@example(b"\xef\xbb\xbf{}")
@example(b"-" + b"9" * 4_095)
def test_any_bytes_are_a_message_or_a_refusal(body: bytes) -> None:
    """Nothing but `InvalidMessageError` comes out of a body that is no message."""
    _parse(body)


_URLS = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}://{}{}{}".format,
        st.sampled_from(["http", "https", "", "javascript", "android-app"]),
        st.sampled_from(
            ["", "[", "]", "[::1]", "[v1.x]", "u:p@", "a.example", "\u2100.example", "xn--"]
        ),
        st.text(alphabet="[]:@/?#.%\u00e4\u3002\udc80\x00aA0-", max_size=20),
        st.sampled_from(["", ":80", ":99999", ":x", "/", "?q", "#f"]),
    ),
)
_ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(1 << 4_000, 1 << 4_001),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["\ud800", "\x00", "", "/", "/%", "/%ff", "/%ed%a0%80", "/index.html"]),
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=20),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)
_PATHS = st.text(alphabet="/%?#.aé\u0308\u0130\u202e\ud800\x00\n0fFindex.html", max_size=60)
_MESSAGES = st.fixed_dictionaries(
    {"t": st.sampled_from(sorted(KINDS)) | _ODD},
    optional={
        "s": st.just(SESSION) | st.uuids().map(str) | _ODD,
        "l": st.just(LOAD) | st.text("0123456789abcdefABCDEF-", max_size=40) | _ODD,
        "p": _PATHS.map(lambda path: "/" + path) | _ODD,
        "r": _URLS | _ODD,
        "z": st.sampled_from(["Europe/Berlin", "Asia/Calcutta", "UTC"]) | _ODD,
        "g": st.sampled_from(["de-AT", "en_US", "x" * 36, "zh-Hant-TW"]) | _ODD,
        "w": st.integers(-1, 3_000) | _ODD,
        "n": st.just("not_found") | _ODD,
    },
)


@settings(max_examples=400)
@given(_MESSAGES, st.sampled_from(["", "a.example", "[::1]"]))
def test_any_values_under_the_known_keys_are_a_message_or_a_refusal(
    fields: dict[str, object], own_host: str
) -> None:
    """Odd values are refused or left unknown, whatever they are."""
    _parse(json.dumps(fields).encode(), own_host)


@settings(max_examples=300)
@given(_URLS, st.sampled_from(["", "a.example", "[::1]"]))
def test_a_referrer_never_refuses_a_view(url: str, own_host: str) -> None:
    """Whatever a browser sends as referrer, the view counts, and its host is short and plain."""
    view = parse_message(_body(r=url), own_host)

    assert isinstance(view, View)
    assert len(view.referrer) <= 100
    assert not set(view.referrer) & set("/?#@ \n\x00<>\"'")


def _parse(body: bytes, own_host: str = "") -> None:
    """Parse; what is accepted must be storable, what is refused must be printable."""
    try:
        message = parse_message(body, own_host)
    except InvalidMessageError as refusal:
        key, reason = refusal.key, str(refusal)
    else:
        assert -(1 << 63) <= message.session < 1 << 63
        assert message.path.startswith("/")
        assert len(message.path.encode()) <= 1_024
        return
    assert key in {"body", "t", "s", "l", "p", "n"}
    assert reason.isascii()
    assert reason.isprintable()


@pytest.mark.parametrize(
    ("said", "sections"),
    [
        pytest.param({"a": 4_000, "b": 0.9, "c": 12.5}, {"a": 4_000, "c": 12}, id="numbers"),
        pytest.param(
            {"a": 99_999, "b": 1e300}, {"a": 9_000, "b": 9_000}, id="longer-than-the-page"
        ),
        pytest.param({"a": -1, "b": "1", "c": True, "d": None, "e": [1]}, None, id="none-of-them"),
        pytest.param({"a" * MAX_ANCHOR_CHARS: 5, "b" * 201: 5}, {"a" * 200: 5}, id="long-id"),
        pytest.param({}, None, id="empty"),
        pytest.param([["a", 1]], None, id="no-object"),
        pytest.param(None, None, id="null"),
    ],
)
def test_sections_are_read_as_far_as_they_make_sense(said: object, sections: object) -> None:
    """Milliseconds by heading, none longer than the page was visible."""
    message = parse_message(_body(t="leave", v=9_000, a=1, d=2, h=said))

    assert isinstance(message, Leave)
    assert message.engagement == Engagement(9_000, 1, 2, sections)  # type: ignore[arg-type]
