"""HTTP/1.1 on one connection: bytes become requests, and answers bytes.

The parser is llhttp, which Node.js uses (`httptools`). What is here is what a parser leaves
open: bounds for what is held in memory, one request at a time, and how a connection ends.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import httptools

from tracker_server.exchange import Answer, Request, head_for, head_of
from tracker_server.meter import ServerMeter

MAX_HEAD_BYTES = 16_384
HEAD_SECONDS = 15.0
"""For how long the head of a request may take, and a connection may say nothing at first."""
BODY_SECONDS = 60.0
IDLE_SECONDS = 75.0
"""How long a connection stays open for another request; proxies close theirs after 60."""
LINGER_SECONDS = 5.0
"""How long a sender that is not listened to may go on before the connection is cut."""
MAX_PIPELINED = 16
"""How many requests may wait behind one that is handled; what comes after them is not heard."""
MAX_UNSENT_BYTES = 262_144
"""With how much a follower of a stream may be behind before it is let go."""

_log = logging.getLogger("tracker_server")


@dataclass(frozen=True, slots=True)
class Host:
    """What a connection needs of the server that it belongs to."""

    handle: Callable[["Connection", Request], None]
    """Is given each request when all of it has come."""
    body_limit: Callable[[Request], int]
    """Is asked how many bytes its body may have, when its head has come."""
    join: Callable[["Connection"], None]
    """Is told of each when it has been made."""
    leave: Callable[["Connection"], None]
    """Is told of each when it is lost."""
    release: Callable[["Connection"], None]
    """Is told of each that from now on follows a stream."""
    now: Callable[[], float]
    """Seconds of a clock that nobody sets."""
    meter: ServerMeter


class Connection(asyncio.Protocol):
    """One connection. Whoever handles a request calls `answer` or `follow`, once, in the loop."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._now = host.now
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self.peer = ""
        """Address of who is connected."""
        self.network: str | None = None
        """What the address counts to, for those who have the connections in view."""
        self._request: Request | None = None
        """The one whose bytes are coming."""
        self._heard = 0
        """How many bytes of it have come, in whatever shape."""
        self._limit = 0
        """How many bytes its body may have."""
        self._in_head = False
        self._is_long = False
        """Whether the part that is being parsed could hold a head that is too long."""
        self._body: list[bytes] = []
        self._room = 0
        self._handled: Request | None = None
        """The one that is to be answered next."""
        self._waiting: deque[Request] = deque()
        """What came behind it."""
        self._paused = False
        self._last = False
        """Nothing that comes after what has been taken is listened to."""
        self._on_lost: Callable[[], None] | None = None
        self.deadline = 0.0
        """When to cut it; while a request is handled, never."""
        self.since = 0.0
        """Since when it has been waited for, if it is."""

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        self._transport = transport  # type: ignore[assignment]  # of a stream socket
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self.since = self._now()
        self.deadline = self.since + HEAD_SECONDS
        self._host.join(self)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._last:
            return
        self._is_long = len(data) > MAX_HEAD_BYTES
        if self._handled is not None and not self._paused and self._transport is not None:
            # Who does not wait for answers waits to be read. Who does costs no system call.
            self._paused = True
            self._transport.pause_reading()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._last = True  # Another protocol was offered; that it is not taken up declines it.
        except httptools.HttpParserError:
            self._refuse("malformed")
            return
        if self._request is not None:
            self._heard += len(data)
            # Chunks may be longer than what is in them, but neither they nor trailers without end.
            if self._heard > MAX_HEAD_BYTES + 2 * self._limit:
                self._refuse("head" if self._in_head else "body")

    def eof_received(self) -> bool:
        """Answer what was taken, to a sender that has nothing more to say."""
        self._last = True
        return self._handled is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything; the answer that is still made goes nowhere."""
        del exc
        self._host.leave(self)
        self._transport = None
        self._waiting.clear()
        lost, self._on_lost = self._on_lost, None
        if lost is not None:
            lost()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._last:
            return
        self._request = Request(self.peer)
        self._in_head = True
        self._heard = self._limit = 0
        if self._handled is None:
            self.since = self._now()
            self.deadline = self.since + HEAD_SECONDS

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        if self._request is not None:
            self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. One behind the body, or with an underscore, is nobody's.

        WSGI could not tell ``X_Forwarded_For`` from ``X-Forwarded-For``.
        """
        if self._in_head and self._request is not None and b"_" not in name:
            headers, name = self._request.headers, name.lower()
            headers[name] = headers[name] + b"," + value if name in headers else value

    def on_headers_complete(self) -> None:
        """Find out how much is to come."""
        request = self._request
        if request is None:
            return
        self._in_head = False
        request.method = self._parser.get_method().decode("ascii")
        # Version 1.0 has another idea of it.
        request.keep_alive = (
            self._parser.should_keep_alive() and self._parser.get_http_version() == "1.1"
        )
        if self._is_long and _size_of(request) > MAX_HEAD_BYTES:
            self._refuse("head")
        elif request.headers.keys() & _OF_A_BODY:
            self._expect_body(request)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, as long as there is room for it."""
        if self._request is None:
            return
        self._room -= len(body)
        if self._room < 0:
            self._overlong(self._request)
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """Hand the request on, behind those before it."""
        request, self._request = self._request, None
        if request is None:
            return
        if self._body:
            request.body = b"".join(self._body)
            self._body = []
        self._take(request)

    # What handlers call.

    def answer(self, answer: Answer) -> None:
        """Answer the request in hand; go on with the next one."""
        request, self._handled = self._handled, None
        if self._transport is None or request is None:
            return
        last = not request.keep_alive or (self._last and not self._waiting)
        try:
            head = head_for(answer, last=last)
        except ValueError:
            _log.exception(
                "an answer has a header that cannot be sent", extra={"event": "request_failed"}
            )
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
            head = head_for(answer, last=last)
        self._transport.write(head if request.method == "HEAD" else head + answer.body)
        if last:
            self._end(heard_all=request.complete)
        elif self._waiting:
            self._take(self._waiting.popleft())
        else:
            self.since = self._now()
            self.deadline = self.since + IDLE_SECONDS
            self._resume()

    def follow(self, answer: Answer, on_lost: Callable[[], None]) -> None:
        """Answer the request in hand with a beginning; `push` says the rest, `cut` ends it.

        `on_lost` is called when the connection has ended, whoever ended it.
        """
        self._handled = None
        if self._transport is None:
            on_lost()
            return
        self._last = True
        self._on_lost = on_lost
        self._host.release(self)
        self._transport.write(head_of(answer.status, answer.headers, None, last=True) + answer.body)
        self._resume()  # Else nobody would notice that the follower has gone.

    def push(self, data: bytes) -> None:
        """Say more to who follows; who is too far behind is let go, and comes again."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._host.meter.cut["behind"] += 1
            self._transport.abort()
        else:
            self._transport.write(data)

    def finish(self) -> None:
        """End it as soon as what was asked has been answered: the server stops."""
        self._last = True
        self._waiting.clear()
        if self._on_lost is not None or self._handled is None:
            self.cut()

    def cut_for(self, reason: str) -> None:
        """End it now, and count why: one of `meter.CUT`."""
        if self._transport is not None and not self._transport.is_closing():
            self._host.meter.cut[reason] += 1
        self.cut()

    def cut(self) -> None:
        """End it now; what was written is still sent, unless its time is over."""
        if self._transport is None:
            return
        if self.deadline < self._now() or self._transport.is_closing():
            self._transport.abort()
        else:
            self._transport.close()

    @property
    def is_idle(self) -> bool:
        """Whether it only waits for another request."""
        return self._handled is None and self._request is None and not self._last

    @property
    def is_waited_for(self) -> bool:
        """Whether the server waits for something to come from there."""
        return self.deadline < float("inf")

    # What follows from it.

    def _expect_body(self, request: Request) -> None:
        self._room = self._limit = self._host.body_limit(request)
        if self._handled is None:
            self.since = self._now()
            self.deadline = self.since + BODY_SECONDS
        if int(request.headers.get(b"content-length", b"0")) > self._room:
            self._overlong(request)
        elif (
            self._transport is not None
            and self._handled is None
            and request.headers.get(b"expect", b"").lower() == b"100-continue"
        ):
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _overlong(self, request: Request) -> None:
        """Hand on what has come of a request, and listen no more."""
        self._host.meter.refused["body"] += 1
        request.complete = False
        request.keep_alive = False
        self._body = []
        self._request = None
        self._take(request)

    def _take(self, request: Request) -> None:
        if self._transport is None:
            return
        if self._handled is not None:
            self._waiting.append(request)
            self._last = self._last or len(self._waiting) == MAX_PIPELINED
            return
        self._handled = request
        if not request.keep_alive:
            self._last = True
            self._waiting.clear()
        self.deadline = float("inf")
        try:
            self._host.handle(self, request)
        except Exception:  # noqa: BLE001
            # The parser, in whose call this is, would take it for a fault of the request.
            _log.exception("a request could not be handled", extra={"event": "request_failed"})
            self.answer(Answer(HTTPStatus.INTERNAL_SERVER_ERROR))

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def _refuse(self, reason: str) -> None:
        """Say what is wrong, where nothing before it waits for an answer."""
        self._host.meter.refused[reason] += 1
        self._last = True
        self._request = None
        self._in_head = False
        if self._transport is None:
            return
        if self._handled is None:
            self._transport.write(head_of(_REFUSALS[reason], (), 0, last=True))
            self._end(heard_all=False)

    def _end(self, *, heard_all: bool) -> None:
        """Close. Closing on a sender who still sends would take the answer away from it."""
        transport = self._transport
        if transport is None:
            return
        self._last = True
        if heard_all or not transport.can_write_eof():
            transport.close()
            return
        self.deadline = self._now() + LINGER_SECONDS
        transport.write_eof()
        self._resume()


_REFUSALS = {
    "malformed": HTTPStatus.BAD_REQUEST,
    "head": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "body": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}
_OF_A_BODY = {b"content-length", b"transfer-encoding"}


def _size_of(request: Request) -> int:
    headers = sum(len(name) + len(value) + 4 for name, value in request.headers.items())
    return len(request.target) + headers
