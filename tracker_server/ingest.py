"""``POST /api/collect``: from a request to the recorder.

It stands in front of Flask because it answers nearly all requests there are, and a view
function costs several times what the message itself does. The server hands requests to
`take`; under any other server, and in tests, it is a WSGI application. See ``docs/wire.md``.
"""

import threading
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from math import ceil
from wsgiref.types import StartResponse, WSGIEnvironment

from tracker_server.bots import MAX_AGENT_CHARS, bot_of
from tracker_server.config import Settings
from tracker_server.errors import InvalidMessageError, QueueFullError, StorageError
from tracker_server.exchange import Answer
from tracker_server.hosts import host_and_port, is_allowed
from tracker_server.identity import DailyIdentity
from tracker_server.limits import Limits
from tracker_server.meter import Answers
from tracker_server.model import (
    Beat,
    BotView,
    Event,
    Leave,
    Message,
    NotFound,
    View,
)
from tracker_server.networks import Networks
from tracker_server.payload import MAX_BODY_BYTES, parse_message
from tracker_server.policy import COLLECT, MESSAGE_HEADERS
from tracker_server.recorder import Recorder
from tracker_server.signals import SIGNALS, Header, signal_of

PATH = COLLECT
RETRY_SECONDS = 30

_HEADERS = MESSAGE_HEADERS
_ALLOW = ("Allow", "POST, OPTIONS")
_STORED = Answer(HTTPStatus.NO_CONTENT, _HEADERS)
_TAKEN = Answer(HTTPStatus.ACCEPTED, _HEADERS)
_LATER = Answer(HTTPStatus.SERVICE_UNAVAILABLE, (*_HEADERS, ("Retry-After", str(RETRY_SECONDS))))
_TOO_MANY = Answer(HTTPStatus.TOO_MANY_REQUESTS, _HEADERS)
_KINDS: dict[type[Message], tuple[str, Answer]] = {
    View: ("view", _STORED),
    NotFound: ("not_found", _STORED),
    Event: ("event", _STORED),
    Beat: ("beat", _TAKEN),
    Leave: ("leave", _TAKEN),
}
"""How a kind of message is called, and what answers it when all is well."""
_UNKNOWN = "unknown"
"""How what is no message is called."""
_REFUSALS = {
    "method": Answer(HTTPStatus.METHOD_NOT_ALLOWED, (*_HEADERS, _ALLOW)),
    "host": Answer(HTTPStatus.FORBIDDEN, _HEADERS),
    "network_limit": _TOO_MANY,
    "site_limit": _TOO_MANY,
    "total_limit": _TOO_MANY,
    "too_large": Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _HEADERS),
    "malformed": Answer(HTTPStatus.BAD_REQUEST, _HEADERS),
    "queue_full": _LATER,
    "storage": _LATER,
}
"""Why a request is refused, and what answers it."""
_BOT = "bot"
_LEFT_OUT = (*SIGNALS, _BOT)
"""Why a message is not counted though it is answered like any other."""


class Ingest:
    """The collect endpoint."""

    def __init__(
        self,
        recorder: Recorder,
        identity: DailyIdentity,
        settings: Settings,
        networks: Networks,
        limits: Limits,
    ) -> None:
        self._networks = networks
        self._limits = limits
        self._recorder = recorder
        self._identity = identity
        self._allowed = frozenset(settings.allowed_hosts)
        self._respect_dnt = settings.respect_dnt
        answers = (_STORED, _TAKEN, *_REFUSALS.values())
        self.answers = Answers(
            (*(name for name, _ in _KINDS.values()), _UNKNOWN),
            tuple(dict.fromkeys(str(int(answer.status)) for answer in answers)),
            (*_REFUSALS, *_LEFT_OUT),
        )
        self._count = {
            kind: self.answers.given[name, str(int(answer.status))].add
            for kind, (name, answer) in _KINDS.items()
        }

    def take(
        self,
        method: str,
        header: Header,
        peer: str,
        body: bytes | None,
        done: Callable[[Answer], None],
    ) -> Answer | None:
        """Answer one request, or take its message and answer it later.

        Args:
            method: of the request.
            header: its headers.
            peer: address of who is connected.
            body: ``None`` if it is longer than `MAX_BODY_BYTES`.
            done: is called with the answer, once and from another thread, if none is returned.
        """
        if method != "POST":
            return self._answer_other(method)
        site = header("origin") or header("referer")
        if self._allowed and not is_allowed(site, self._allowed):
            return self._refuse("host")
        host = host_and_port(site)[0]
        if self._limits.is_on:
            network = self._networks.of_sender(peer, header("x-forwarded-for"))
            limit, seconds = self._limits.wait(network, host)
            if limit:
                return self._refuse(limit, ("Retry-After", str(ceil(seconds))))
        if body is None or len(body) > MAX_BODY_BYTES:
            return self._refuse("too_large")
        return self._record(body, host, header, peer, done)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request of WSGI: wait for what `take` answers later."""
        later: list[Answer] = []
        told = threading.Event()

        def done(answer: Answer) -> None:
            later.append(answer)
            told.set()

        answer = self.take(
            environ["REQUEST_METHOD"],
            lambda name: environ.get("HTTP_" + name.upper().replace("-", "_"), ""),
            environ.get("REMOTE_ADDR", ""),
            _read_body(environ),
            done,
        )
        if answer is None:
            told.wait()
            answer = later[0]
        status = HTTPStatus(answer.status)
        start_response(f"{status.value} {status.phrase}", list(answer.headers))
        return [answer.body]

    def _record(
        self,
        body: bytes,
        host: str,
        header: Header,
        peer: str,
        done: Callable[[Answer], None],
    ) -> Answer | None:
        agent = header("user-agent")[:MAX_AGENT_CHARS]
        signal = signal_of(header, respect_dnt=self._respect_dnt)
        bot = "" if signal else bot_of(agent)
        left_out = _BOT if bot else signal
        visitor = partial(self._visitor_of_day, host, header, peer, agent)
        kind: type[Message] | None = None
        try:
            message = parse_message(body, host, _nobody if left_out else visitor, agent)
            kind = type(message)
            if left_out and (signal or kind is not View):
                return self._conclude(kind, None, left_out)
            if bot:
                message = BotView(message.session, message.load, message.path, bot)
            repeats = self._recorder.submit(
                message, lambda error: done(self._conclude(kind, error, left_out))
            )
        except InvalidMessageError as refusal:
            return self._refuse("malformed", ("X-Stats-Refused", str(refusal)))
        except QueueFullError:
            return self._refuse("queue_full", kind=kind)
        except StorageError:
            return self._refuse("storage", kind=kind)
        return self._conclude(kind, None) if repeats else None

    def _visitor_of_day(self, host: str, header: Header, peer: str, agent: str) -> int:
        address = self._networks.address_of(peer, header("x-forwarded-for"))
        try:
            return self._identity.session(host, address, agent)
        except OSError as error:
            raise StorageError(f"salt_file: {error}") from error

    def _conclude(
        self, kind: type[Message], error: StorageError | None, left_out: str = ""
    ) -> Answer:
        if error is not None:
            return self._refuse("storage", kind=kind)
        if left_out:
            self.answers.dropped[left_out].add()
        self._count[kind]()
        answer = _KINDS[kind][1]
        doublings = self._recorder.interval_doublings() if kind is Beat else 0
        return answer._replace(body=b"." * doublings) if doublings else answer

    def _answer_other(self, method: str) -> Answer:
        # The script never causes a preflight; who asks all the same gets a cheap answer.
        if method == "OPTIONS":
            return _STORED._replace(headers=(*_HEADERS, _ALLOW))
        return self._refuse("method")

    def _refuse(
        self, reason: str, *headers: tuple[str, str], kind: type[Message] | None = None
    ) -> Answer:
        answer = _REFUSALS[reason]
        name = _KINDS[kind][0] if kind else _UNKNOWN
        self.answers.given[name, str(int(answer.status))].add()
        self.answers.dropped[reason].add()
        return answer._replace(headers=(*answer.headers, *headers)) if headers else answer


def _nobody() -> int:
    """Stand for the visitor of a message that is left out: nothing is derived from an address."""
    return 0


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
