"""``POST /api/collect``: from an HTTP request to the recorder, as bare WSGI.

It stands in front of Flask because it answers nearly all requests there are, and a
view function costs several times what the message itself does. See ``docs/wire.md``.
"""

from collections.abc import Collection, Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from tracker_server.errors import InvalidMessageError, QueueFullError, StorageError
from tracker_server.hosts import host_and_port, is_allowed
from tracker_server.model import Beat, Leave
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


class Ingest:
    """The WSGI application of the collect endpoint."""

    def __init__(self, recorder: Recorder, allowed_hosts: Collection[str]) -> None:
        self._recorder = recorder
        self._allowed = frozenset(allowed_hosts)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request; the body of the answer is always empty."""
        status, *more = self._answer(environ)
        start_response(status, [*_HEADERS, *more])
        return [b""]

    def _answer(self, environ: WSGIEnvironment) -> tuple[str, *tuple[tuple[str, str], ...]]:
        method = environ["REQUEST_METHOD"]
        if method != "POST":
            return _answer_other(method)
        site = environ.get("HTTP_ORIGIN") or environ.get("HTTP_REFERER") or ""
        if self._allowed and not is_allowed(site, self._allowed):
            return ("403 Forbidden",)
        body = _read_body(environ)
        if body is None:
            return ("413 Content Too Large",)
        try:
            message = parse_message(body, host_and_port(site)[0])
            self._recorder.record(message)
        except InvalidMessageError as refusal:
            return "400 Bad Request", ("X-Stats-Refused", str(refusal))
        except (QueueFullError, StorageError):
            return "503 Service Unavailable", _RETRY
        return ("202 Accepted",) if isinstance(message, Beat | Leave) else ("204 No Content",)


def _answer_other(method: str) -> tuple[str, *tuple[tuple[str, str], ...]]:
    # The script never causes a preflight; who asks all the same gets a cheap answer.
    allow = ("Allow", "POST, OPTIONS")
    return ("204 No Content", allow) if method == "OPTIONS" else ("405 Method Not Allowed", allow)


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
