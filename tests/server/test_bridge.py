"""A WSGI application behind the server: what it is told, and what becomes of its answers."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment
from wsgiref.validate import validator

import pytest

from tracker_server.bridge import MAX_WAITING, Bridge
from tracker_server.exchange import Answer, Request
from tracker_server.meter import ServerMeter


def _request(target: bytes = b"/", method: str = "GET", **parts: Any) -> Request:
    request = Request("192.0.2.1")
    request.method, request.target = method, target
    for name, value in parts.items():
        setattr(request, name, value)
    return request


def _answers(
    application: WSGIApplication,
    *requests: Request,
    release: Callable[[], None] = lambda: None,
    meter: ServerMeter | None = None,
) -> list[Answer]:
    """Return the answers, in the order in which they were made."""
    answers: list[Answer] = []
    meter = meter or ServerMeter()

    async def ask() -> None:
        bridge = Bridge(application, 1, ("127.0.0.1", 8001), meter)
        all_answered = asyncio.Event()

        def done(answer: Answer) -> None:
            answers.append(answer)
            if len(answers) == len(requests):
                all_answered.set()

        for request in requests:
            bridge.handle(request, done)
        release()
        await asyncio.wait_for(all_answered.wait(), 10)
        bridge.close()

    asyncio.run(ask())
    return answers


def _echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"] or 0))
    said = "|".join(
        str(environ.get(key))
        for key in (
            "REQUEST_METHOD",
            "PATH_INFO",
            "QUERY_STRING",
            "REMOTE_ADDR",
            "HTTP_X_A",
            "CONTENT_TYPE",
            "HTTP_TRANSFER_ENCODING",
        )
    )
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "9")])
    return [said.encode("latin-1"), b" ", body]


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        pytest.param(_request(), b"GET|/||192.0.2.1|None||None ", id="plain"),
        pytest.param(
            _request(b"/%C3%BCber%20%2F?q=%C3%A9&r"),
            "GET|/über /|q=%C3%A9&r|192.0.2.1|None||None ".encode(),
            id="percent-encoded-path",
        ),
        pytest.param(
            _request(b"http://h.example/a"), b"GET|/a||192.0.2.1|None||None ", id="absolute-target"
        ),
        pytest.param(
            _request(
                method="POST",
                headers={
                    b"content-type": b"text/plain",
                    b"transfer-encoding": b"chunked",
                    b"x-a": b"\xe9",
                },
                body=b"hello",
            ),
            b"POST|/||192.0.2.1|\xe9|text/plain|None hello",
            id="body-and-headers",
        ),
    ],
)
def test_the_application_is_told_what_was_asked(request_: Request, body: bytes) -> None:
    """In an environment that is as PEP 3333 demands; the length of the answer is its body's."""
    assert _answers(validator(_echo), request_) == [
        Answer(200, (("Content-Type", "text/plain"),), body)
    ]


def test_of_a_body_that_was_too_long_the_length_is_told() -> None:
    """So that the application can say what is wrong, and to whom."""
    headers = {b"content-length": b"123"}
    seen: list[object] = []

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        seen.extend((environ["CONTENT_LENGTH"], environ["wsgi.input"].read()))
        start_response("413 Content Too Large", [])
        return []

    request = _request(method="PUT", headers=headers, complete=False)
    assert _answers(application, request) == [Answer(413)]
    assert seen == ["123", b""]


@pytest.mark.parametrize("target", [b"*", b"//[", b"http://"])
def test_a_target_that_is_no_address_is_400(target: bytes) -> None:
    """It does not reach the application, or is what WSGI makes of it."""
    status = _answers(_echo, _request(target))[0].status

    assert status in {200, 400}


def test_an_answer_to_head_has_the_length_of_its_body() -> None:
    """Though there is none."""
    assert _answers(_echo, _request(method="HEAD"))[0].length == 9


def test_a_fault_of_the_application_is_500(caplog: pytest.LogCaptureFixture) -> None:
    """While the answer is begun, or while it is made; it is closed all the same."""
    closed: list[bool] = []

    class Broken:
        def __iter__(self) -> "Broken":
            return self

        def __next__(self) -> bytes:
            raise RuntimeError("planted")

        def close(self) -> None:
            closed.append(True)

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/early":
            raise RuntimeError("planted")
        start_response("200 OK", [])
        return Broken()

    answers = _answers(application, _request(b"/early"), _request(b"/late"))
    assert answers == [Answer(500), Answer(500)]
    assert closed == [True]
    assert caplog.text.count("RuntimeError: planted") == 2


def test_beyond_its_bound_requests_are_sent_away() -> None:
    """At once, while those before them wait for the thread."""
    go_on = threading.Event()

    def application(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        assert go_on.wait(10)
        start_response("200 OK", [])
        return []

    most, meter = 1 + MAX_WAITING, ServerMeter()
    requests = [_request() for _ in range(most + 2)]
    answers = _answers(application, *requests, release=go_on.set, meter=meter)

    assert [answer.status for answer in answers] == [503, 503] + [200] * most
    assert meter.refused["busy"] == 2
