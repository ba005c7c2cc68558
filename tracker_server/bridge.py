"""Runs a WSGI application for requests of the loop, each in a thread from a small pool.

Body and answer are whole on both sides, so a thread works for a request only while there is
something to compute, never while somebody sends or reads slowly.
"""

import asyncio
import io
import logging
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication, WSGIEnvironment

import httptools

from tracker_server.exchange import Answer, Request
from tracker_server.meter import ServerMeter

MAX_WAITING = 16
"""How many requests may wait for each thread; those beyond are told to come again."""
RETRY_SECONDS = 5

_log = logging.getLogger("tracker_server")


class Bridge:
    """A WSGI application and its threads."""

    def __init__(
        self,
        application: WSGIApplication,
        threads: int,
        server: tuple[str, int],
        meter: ServerMeter,
    ) -> None:
        """`server` is the address it is reached at, for URLs that it makes."""
        self._application = application
        self._server = server
        self._meter = meter
        self._most = threads * (1 + MAX_WAITING)
        self._in_work = 0
        self._threads = ThreadPoolExecutor(threads, "request")

    def handle(self, request: Request, done: Callable[[Answer], None]) -> None:
        """Have a request answered; `done` is called in the loop."""
        if self._in_work >= self._most:
            self._meter.refused["busy"] += 1
            retry = ("Retry-After", str(RETRY_SECONDS))
            done(Answer(HTTPStatus.SERVICE_UNAVAILABLE, (retry,)))
            return
        try:
            environ = self._environ(request)
        except httptools.HttpParserInvalidURLError:
            done(Answer(HTTPStatus.BAD_REQUEST))
            return
        self._in_work += 1
        future = asyncio.get_running_loop().run_in_executor(
            self._threads, _run, self._application, environ
        )

        def finish(finished: asyncio.Future[Answer]) -> None:
            self._in_work -= 1
            done(finished.result())

        future.add_done_callback(finish)

    def close(self) -> None:
        """Wait for what is in work."""
        self._threads.shutdown()

    def _environ(self, request: Request) -> WSGIEnvironment:
        url = httptools.parse_url(request.target)
        environ: WSGIEnvironment = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(url.path or b"/").decode("latin-1"),
            "QUERY_STRING": (url.query or b"").decode("latin-1"),
            "SERVER_NAME": self._server[0],
            "SERVER_PORT": str(self._server[1]),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": request.peer,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(request.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in request.headers.items():
            key = name.decode("latin-1").upper().replace("-", "_")
            environ[f"HTTP_{key}"] = value.decode("latin-1")
        environ.pop("HTTP_TRANSFER_ENCODING", None)  # It has been decoded.
        environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
        length = environ.pop("HTTP_CONTENT_LENGTH", "")
        # Of a body that is too long nothing is here, but the application may say so.
        environ["CONTENT_LENGTH"] = str(len(request.body)) if request.complete else length
        return environ


def _run(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    said: list[tuple[str, list[tuple[str, str]]]] = []
    parts: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _error: object = None
    ) -> Callable[[bytes], object]:
        said.append((status, headers))
        return parts.append

    try:
        _read(application(environ, start_response), parts)
        status, headers = said[-1]
    except Exception:  # noqa: BLE001  # whatever it is, who asked gets an answer
        _log.exception("a request could not be answered", extra={"event": "request_failed"})
        return Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
    own = tuple((name, value) for name, value in headers if name.lower() not in _NOT_OURS)
    lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
    body = b"".join(parts)
    length = lengths[0] if lengths and environ["REQUEST_METHOD"] == "HEAD" else None
    return Answer(int(status[:3]), own, body, length)


_NOT_OURS = {"content-length", "connection", "transfer-encoding"}


def _read(answer: Iterable[bytes], parts: list[bytes]) -> None:
    try:
        parts.extend(answer)
    finally:
        close: Callable[[], None] | None = getattr(answer, "close", None)
        if close is not None:
            close()
