"""``POST /api/collect`` as HTTP: every status, and the headers that browsers look at."""

import io
import json
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.server.conftest import MakeSite, Site, session_id
from tracker_server.payload import MAX_BODY_BYTES

pytestmark = pytest.mark.sqlite_only("it is about HTTP; no statement depends on it")

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def _body(**keys: object) -> bytes:
    message = {"t": "view", "s": session_id(0), "l": "1" * 32, "p": "/", **keys}
    return json.dumps(message).encode()


def _padded(length: int) -> bytes:
    return _body().ljust(length)


def _call(site: Site, body: bytes, **environ: object) -> tuple[str, dict[str, str], bytes, int]:
    """Call the WSGI application as a server would, also as one that is careless.

    Returns:
        Status, headers, body and how many bytes of the request were read.
    """
    answer: list[Any] = []
    stream = io.BytesIO(body)
    request = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/collect",
        "wsgi.input": stream,
        **environ,
    }

    def start_response(status: str, headers: list[tuple[str, str]], *_error: object) -> Any:
        answer.extend([status, dict(headers)])

    chunks = site.app.wsgi_app(request, start_response)
    return answer[0], answer[1], b"".join(chunks), stream.tell()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        pytest.param("view", 204, id="view"),
        pytest.param("beat", 202, id="beat"),
        pytest.param("leave", 202, id="leave"),
        pytest.param("event", 204, id="event"),
    ],
)
def test_what_was_stored_is_204_and_what_was_accepted_202(
    site: Site, kind: str, status: int
) -> None:
    """A view and an event are answered after the commit, a beat and a leave are accepted."""
    answer = site.send(kind, "/", n="not_found")
    again = site.send(kind, "/", n="not_found")

    assert (answer.status_code, again.status_code) == (status, status)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_every_other_method_is_405(site: Site, method: str) -> None:
    """The answer says what is allowed."""
    answer = site.client.open("/api/collect", method=method, data=_body())

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert site.rows("SELECT count(*) FROM view") == [(0,)]


def test_options_is_answered_cheaply(site: Site) -> None:
    """A preflight, which the script never causes, gets an answer without a body."""
    answer = site.client.options("/api/collect")

    assert answer.status_code == 204
    assert answer.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("length", "status"),
    [
        pytest.param(MAX_BODY_BYTES, 204, id="4096"),
        pytest.param(MAX_BODY_BYTES + 1, 413, id="4097"),
        pytest.param(1_000_000, 413, id="a-million"),
    ],
)
def test_a_body_over_4096_bytes_is_413(site: Site, length: int, status: int) -> None:
    """The limit is exact."""
    assert site.client.post("/api/collect", data=_padded(length)).status_code == status


@pytest.mark.parametrize(
    ("length", "body", "status", "read"),
    [
        pytest.param(None, _body(), "204", len(_body()), id="none"),
        pytest.param("", _body(), "204", len(_body()), id="empty"),
        pytest.param(None, _padded(4_096), "204", 4_096, id="none-and-4096"),
        pytest.param(None, _padded(9_999), "413", 4_097, id="none-and-too-long"),
        pytest.param("9999", _padded(9_999), "413", 0, id="too-long"),
        pytest.param("5000", _body(), "413", 0, id="longer-than-the-body"),
        pytest.param("9" * 5_000, _body(), "413", 0, id="5000-digits"),
        pytest.param("many", _body(), "413", 0, id="no-number"),
        pytest.param("-1", _padded(9_999), "400", 0, id="negative"),
        pytest.param("0", _body(), "400", 0, id="zero"),
        pytest.param("10", _body(), "400", 10, id="shorter-than-the-body"),
    ],
)
def test_no_more_than_the_limit_is_read_whatever_the_length_says(
    site: Site, length: str | None, body: bytes, status: str, read: int
) -> None:
    """A missing, wrong or negative Content-Length makes the tracker neither read on nor fail."""
    environ = {} if length is None else {"CONTENT_LENGTH": length}
    answer = _call(site, body, **environ)

    assert (answer[0][:3], answer[3]) == (status, read)


def _send(site: Site, **headers: str) -> int:
    return site.client.post("/api/collect", data=_body(), headers=headers).status_code


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": "https://docs.example"}, 204, id="origin"),
        pytest.param({"Origin": "https://DOCS.example:8443"}, 204, id="any-port"),
        pytest.param({"Origin": "http://[::1]:8000"}, 204, id="ipv6"),
        pytest.param({"Origin": "http://[::1]:8001"}, 403, id="ipv6-other-port"),
        pytest.param({"Referer": "https://docs.example/guide/?q"}, 204, id="referer"),
        pytest.param(
            {"Origin": "https://evil.example", "Referer": "https://docs.example/"},
            403,
            id="origin-comes-before-referer",
        ),
        pytest.param({"Origin": "null", "Referer": "https://docs.example/"}, 403, id="null"),
        pytest.param({"Origin": "https://evil.docs.example"}, 403, id="subdomain"),
        pytest.param({"Origin": "http://["}, 403, id="nonsense"),
        pytest.param({}, 403, id="neither"),
    ],
)
def test_allowed_hosts_refuses_other_sites(
    make_site: MakeSite, headers: dict[str, str], status: int
) -> None:
    """With `allowed_hosts` set, the Origin decides, without one the Referer; neither is refused."""
    site = make_site(allowed_hosts=("docs.example", "[::1]:8000"))

    assert _send(site, **headers) == status
    assert site.rows("SELECT count(*) FROM view") == [(1 if status == 204 else 0,)]


def test_without_allowed_hosts_every_site_may_report(site: Site) -> None:
    """Without the setting no origin is refused, nor is none at all."""
    statuses = [_send(site), _send(site, Origin="null"), _send(site, Origin="https://x.example")]

    assert statuses == [204, 204, 204]


@pytest.mark.parametrize("header", ["Origin", "Referer"])
def test_a_referrer_on_the_reporting_site_is_none(site: Site, header: str) -> None:
    """The page's own host is known from the request, not from the message."""
    body = _body(r="https://docs.example/guide/")
    url = "https://docs.example/blog/" if header == "Referer" else "https://docs.example"
    site.client.post("/api/collect", data=body, headers={header: url})

    rows = site.rows("SELECT text FROM view JOIN referrer ON referrer.id = referrer_id")
    assert rows == [("",)]


def _break(site: Site) -> None:
    with site.tracker.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE active_session")


def test_what_was_not_stored_is_503_and_says_when_to_come_back(site: Site) -> None:
    """A database that refuses is the server's fault: the sender keeps the message."""
    _break(site)
    answer = site.send("view")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
    assert site.rows("SELECT count(*) FROM view") == [(0,)]


def _answers(make_site: MakeSite) -> dict[int, TestResponse]:
    site = make_site(allowed_hosts=("docs.example",))
    origin = {"Origin": "https://docs.example"}
    post = partial(site.client.post, "/api/collect", headers=origin)
    answers = [
        post(data=_body()),
        post(data=_body(t="beat")),
        post(data=b"{"),
        post(data=_padded(5_000)),
        site.client.post("/api/collect", data=_body()),
        site.client.get("/api/collect", headers=origin),
    ]
    _break(site)
    answers.append(post(data=_body(l="2" * 32)))
    return {answer.status_code: answer for answer in answers}


def test_every_answer_is_empty_and_readable_from_everywhere(make_site: MakeSite) -> None:
    """Whatever the status: no body, no cookie, and the headers that keep consoles quiet."""
    answers = _answers(make_site)

    assert set(answers) == {204, 202, 400, 403, 405, 413, 503}
    for answer in answers.values():
        assert answer.data == b""
        assert {name: answer.headers[name] for name in CORS} == CORS
        assert "Set-Cookie" not in answer.headers


_MARKED = (st.text(max_size=20) | st.sampled_from(["\r\nX-Evil: 1", "\u2028", "\ud800"])).map(
    "marker{}".format
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["t", "l", "p", "n"]), _MARKED)
def test_nothing_of_a_refused_body_is_in_the_answer(site: Site, key: str, value: str) -> None:
    """A header is made of the tracker's own words only, whichever key is refused."""
    status, headers, body, _ = _call(site, _body(**{"t": "event", "n": "not_found", key: value}))

    assert status == "400 Bad Request"
    assert set(headers) == {*CORS, "X-Stats-Refused"}
    assert headers["X-Stats-Refused"].startswith(f"{key}: ")
    assert headers["X-Stats-Refused"].isprintable()
    assert "marker" not in str(headers)
    assert body == b""


def test_other_paths_are_not_the_collect_endpoint(site: Site) -> None:
    """Only the exact path collects."""
    statuses = [
        site.client.post(path, data=_body()).status_code
        for path in ("/api/collect/", "/api", "/API/collect", "/")
    ]

    assert statuses == [404, 404, 404, 405]
    assert site.rows("SELECT count(*) FROM view") == [(0,)]
