"""``POST /api/collect``: from an HTTP request to the recorder, as bare WSGI.

It stands in front of Flask because it answers nearly all requests there are, and a
view function costs several times what the message itself does. See ``docs/wire.md``.
"""

from collections.abc import Collection, Iterable
from ipaddress import ip_network
from wsgiref.types import StartResponse, WSGIEnvironment

from tracker_server.errors import InvalidMessageError, QueueFullError, StorageError
from tracker_server.hosts import host_and_port, is_allowed
from tracker_server.identity import DailyIdentity, client_address
from tracker_server.model import (
    Beat,
    Leave,
)
from tracker_server.payload import MAX_BODY_BYTES, parse_message
from tracker_server.recorder import Recorder

PATH = "/api/collect"
RETRY_SECONDS = 30

_HEADERS = [
    ("Access-Control-Allow-Origin", "*"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Cache-Control", "no-store"),
]
_RETRY = ("Retry-After", str(RETRY_SECONDS))

_Answer = tuple[str, tuple[tuple[str, str], ...], bytes]
"""Status, headers besides those of every answer, body."""


class Ingest:
    """The WSGI application of the collect endpoint."""

    def __init__(
        self,
        recorder: Recorder,
        identity: DailyIdentity,
        allowed_hosts: Collection[str],
        trusted_proxies: Collection[str],
    ) -> None:
        self._recorder = recorder
        self._identity = identity
        self._allowed = frozenset(allowed_hosts)
        self._trusted = tuple(map(ip_network, trusted_proxies))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; only a heartbeat's answer has a body, and that seldom."""
        status, more, body = self._answer(environ)
        start_response(status, [*_HEADERS, *more])
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> _Answer:
        method = environ["REQUEST_METHOD"]
        if method != "POST":
            return _answer_other(method)
        site = environ.get("HTTP_ORIGIN") or environ.get("HTTP_REFERER") or ""
        if self._allowed and not is_allowed(site, self._allowed):
            return "403 Forbidden", (), b""
        body = _read_body(environ)
        if body is None:
            return "413 Content Too Large", (), b""
        return self._take(body, host_and_port(site)[0], environ)

    def _take(self, body: bytes, host: str, environ: WSGIEnvironment) -> _Answer:
        try:
            message = parse_message(
                body,
                host,
                lambda: self._visitor_of_day(host, environ),
                environ.get("HTTP_USER_AGENT", ""),
            )
            self._recorder.record(message)
        except InvalidMessageError as refusal:
            return "400 Bad Request", (("X-Stats-Refused", str(refusal)),), b""
        except (QueueFullError, StorageError):
            return "503 Service Unavailable", (_RETRY,), b""
        if isinstance(message, Beat):
            return "202 Accepted", (), b"." * self._recorder.interval_doublings()
        return "202 Accepted" if isinstance(message, Leave) else "204 No Content", (), b""

    def _visitor_of_day(self, host: str, environ: WSGIEnvironment) -> int:
        address = client_address(environ.get("REMOTE_ADDR", ""), environ, self._trusted)
        try:
            return self._identity.session(host, address, environ.get("HTTP_USER_AGENT", ""))
        except OSError as error:
            raise StorageError(f"salt_file: {error}") from error


def _answer_other(method: str) -> _Answer:
    # The script never causes a preflight; who asks all the same gets a cheap answer.
    allow = (("Allow", "POST, OPTIONS"),)
    status = "204 No Content" if method == "OPTIONS" else "405 Method Not Allowed"
    return status, allow, b""


def _read_body(environ: WSGIEnvironment) -> bytes | None:
    """Return the body, ``None`` when it is too long; nothing beyond the limit is read."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or MAX_BODY_BYTES + 1)
    except ValueError:
        length = MAX_BODY_BYTES + 1
    if length > MAX_BODY_BYTES and environ.get("CONTENT_LENGTH"):
        return None
    # A negative length would read without end.
    body: bytes = environ["wsgi.input"].read(max(0, min(length, MAX_BODY_BYTES + 1)))
    return body if len(body) <= MAX_BODY_BYTES else None
