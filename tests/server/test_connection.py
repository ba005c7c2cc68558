"""HTTP over real sockets against a real server: what is heard, what is refused, how it ends."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http import HTTPStatus

import pytest

from tracker_server import connection as connection_module
from tracker_server import serving
from tracker_server.connection import Connection
from tracker_server.exchange import Answer, Request
from tracker_server.meter import CUT, ServerMeter
from tracker_server.networks import network_of

PATIENCE_SECONDS = 10.0
BODY_LIMIT = 100
Raw = Callable[[bytes], bytes]


class Host:
    """A server in a thread, which answers with what it was asked."""

    def __init__(self) -> None:
        self.held: list[tuple[Connection, Request]] = []
        self.followers: list[Connection] = []
        self.lost = 0
        self.streams_ended = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._listens = threading.Event()
        bound = serving.bind("127.0.0.1", 0)
        self.port = int(bound.getsockname()[1])
        self.meter = ServerMeter()
        self.server = serving.Server(
            self._handle, lambda _: BODY_LIMIT, self._end_streams, network_of, self.meter
        )
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve(bound)))
        self.thread.start()
        assert self._listens.wait(PATIENCE_SECONDS)

    async def _serve(self, bound: socket.socket) -> None:
        self.loop = asyncio.get_running_loop()
        with pytest.MonkeyPatch.context() as patch:
            # Signals come to the main thread only, which is the tests'.
            patch.setattr(serving, "_when_told", lambda stop: setattr(self, "_told", stop))
            await self.server.serve(bound, self._listens.set)

    def _end_streams(self) -> None:
        self.streams_ended = True

    def _handle(self, connection: Connection, request: Request) -> None:
        if request.target == b"/hold":
            self.held.append((connection, request))
        elif request.target == b"/follow":
            self.followers.append(connection)
            connection.follow(Answer(200, (), b"begin\n"), self._lose)
        elif request.target == b"/break":
            raise RuntimeError("planted")
        elif request.target == b"/inject":
            connection.answer(Answer(200, (("X", "a\r\nB: c"),)))
        else:
            names = " ".join(sorted(name.decode() for name in request.headers))
            body = request.body.decode() if request.complete else "(too long)"
            said = f"{request.method} {request.target.decode()} [{names}] {body}"
            connection.answer(Answer(200, (), said.encode()))

    def _lose(self) -> None:
        self.lost += 1

    def call(self, function: Callable[[], object]) -> None:
        """Have something done in the loop."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(function)

    def release(self) -> None:
        """Answer whoever is held."""
        for connection, request in self.held:
            answer = Answer(200, (), b"held " + request.target)
            self.call(lambda c=connection, a=answer: c.answer(a))  # type: ignore[misc]
        self.held = []

    def tell(self) -> None:
        """Tell the server to stop."""
        self.call(self._told)  # type: ignore[attr-defined]

    def stop(self) -> None:
        """Stop it and wait for its end."""
        if self.thread.is_alive():
            self.release()
            self.tell()
            self.thread.join(PATIENCE_SECONDS)
        assert not self.thread.is_alive()

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        """Return a connection to it from some address."""
        return socket.create_connection(
            ("127.0.0.1", self.port), timeout=PATIENCE_SECONDS, source_address=(source, 0)
        )

    def exchange(self, *parts: bytes) -> bytes:
        """Send parts, one after the other; return all that comes until the server closes."""
        with closing(self.connect()) as connection:
            for part in parts:
                connection.sendall(part)
                time.sleep(0.02 if len(parts) > 1 else 0)
            return _read_all(connection)


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65_536):
        received += part
    return received


def _wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def host() -> Iterator[Host]:
    """Run a server for one test."""
    running = Host()
    yield running
    running.stop()


CLOSE = b"Connection: close\r\n"
TOO_LARGE = f"413 {HTTPStatus(413).phrase}".encode()  # Not the same in each version of Python.
GET = b"GET /a?b HTTP/1.1\r\nHost: h\r\n"


def _answer(body: bytes, *, last: bool = True, status: bytes = b"200 OK") -> bytes:
    end = CLOSE if last else b""
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), end, body)


@pytest.mark.parametrize(
    ("parts", "body"),
    [
        pytest.param([GET + CLOSE + b"\r\n"], b"GET /a?b [connection host] ", id="get"),
        pytest.param(
            [bytes([byte]) for byte in GET + CLOSE + b"\r\n"],
            b"GET /a?b [connection host] ",
            id="byte-by-byte",
        ),
        pytest.param([b"GET / HTTP/1.0\r\n\r\n"], b"GET / [] ", id="version-1.0"),
        pytest.param(
            [b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
            b"GET / [connection] ",
            id="version-1.0-is-not-kept",
        ),
        pytest.param(
            [b"POST / HTTP/1.1\r\nContent-Length: 5\r\n" + CLOSE + b"\r\nhe", b"llo"],
            b"POST / [connection content-length] hello",
            id="body-in-parts",
        ),
        pytest.param(
            [
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + CLOSE + b"\r\n",
                b"2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n",
            ],
            b"POST / [connection transfer-encoding] hello",
            id="chunked-with-a-trailer",
        ),
        pytest.param(
            [b"GET / HTTP/1.1\r\nX_Forwarded_For: 1\r\nX-A: 1\r\n" + CLOSE + b"\r\n"],
            b"GET / [connection x-a] ",
            id="an-underscore-is-nobodys-header",
        ),
        pytest.param(
            [b"GET / HTTP/1.1\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n"],
            b"GET / [connection upgrade] ",
            id="an-upgrade-is-not-taken-up",
        ),
        pytest.param(
            [b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_LIMIT + 1)],
            b"POST / [content-length] (too long)",
            id="too-long-by-its-length",
        ),
        pytest.param(
            [
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                b"40\r\n" + b"x" * 64 + b"\r\n",
                b"40\r\n" + b"x" * 64 + b"\r\n",
            ],
            b"POST / [transfer-encoding] (too long)",
            id="too-long-in-chunks",
        ),
        pytest.param(
            [b"POST / HTTP/1.1\r\nContent-Length: %d\r\n" % 10**18 + CLOSE + b"\r\n" + b"x" * 500],
            b"POST / [connection content-length] (too long)",
            id="absurd-length",
        ),
    ],
)
def test_what_is_heard(host: Host, parts: list[bytes], body: bytes) -> None:
    """The request as it was sent, in however many pieces, and the end of the connection."""
    with closing(host.connect()) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(0.01 if 1 < len(parts) < 9 else 0)
        connection.shutdown(socket.SHUT_WR)
        answer = _read_all(connection)

    assert answer == _answer(body)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"rubbish\r\n\r\n", b"400 Bad Request", id="rubbish"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", b"400 Bad Request", id="tls"),
        pytest.param(b"GET / HTTP/9.9\r\n\r\n", b"400 Bad Request", id="version"),
        pytest.param(b"GET / HTTP/1.1\r\nA b: c\r\n\r\n", b"400 Bad Request", id="header-name"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            b"400 Bad Request",
            id="two-lengths",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"400 Bad Request",
            id="length-and-chunks",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400 Bad Request", id="negative"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"400 Bad Request",
            id="chunk-size",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " + b"x" * 20_000,
            TOO_LARGE,
            id="a-trailer-without-end",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a=" + b"x" * 20_000,
            TOO_LARGE,
            id="a-chunk-extension-without-end",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 20_000,
            b"431 Request Header Fields Too Large",
            id="a-head-without-end",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 20_000 + b"\r\n\r\n",
            b"431 Request Header Fields Too Large",
            id="a-long-header",
        ),
        pytest.param(
            b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
            b"431 Request Header Fields Too Large",
            id="a-long-target",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: 1\r\n" % n for n in range(2_000)) + b"\r\n",
            b"431 Request Header Fields Too Large",
            id="many-headers",
        ),
    ],
)
def test_what_is_refused(host: Host, sent: bytes, status: bytes) -> None:
    """What is no request, or could be read in two ways, is answered and the connection ended."""
    assert host.exchange(sent) == _answer(b"", status=status)
    reason = {b"400": "malformed", b"413": "body", b"431": "head"}[status[:3]]
    assert [name for name, number in host.meter.refused.items() if number] == [reason]


def test_a_connection_is_kept_and_pipelined_requests_are_answered_in_turn(host: Host) -> None:
    """Those that come behind one that is in work wait for it."""
    with closing(host.connect()) as connection:
        connection.sendall(b"GET /hold HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n")
        _wait_until(lambda: host.held)
        connection.sendall(CLOSE + b"\r\nGET /4 HTTP/1.1\r\n\r\n")
        time.sleep(0.05)
        host.release()
        answers = _read_all(connection)

    assert answers == (
        _answer(b"held /hold", last=False)
        + _answer(b"GET /2 [] ", last=False)
        + _answer(b"GET /3 [connection] ")
    )


def test_no_more_than_a_few_requests_wait_behind_one(host: Host) -> None:
    """What is sent beyond them is not heard, and the connection ends after them."""
    with closing(host.connect()) as connection:
        connection.sendall(b"GET /hold HTTP/1.1\r\n\r\n" + b"GET / HTTP/1.1\r\n\r\n" * 5_000)
        _wait_until(lambda: host.held)
        host.release()
        answers = _read_all(connection)

    assert answers.count(b"HTTP/1.1 200") == 1 + connection_module.MAX_PIPELINED
    assert answers.count(CLOSE) == 1


def test_head_has_no_body(host: Host) -> None:
    """Its length is that of the answer to GET; the next answer follows at once."""
    answers = host.exchange(b"HEAD / HTTP/1.1\r\n\r\n" + GET + CLOSE + b"\r\n")

    assert answers == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + _answer(b"GET /a?b [connection host] ")
    )


def test_who_asks_before_sending_a_body_is_told_to_go_on(host: Host) -> None:
    """As curl does with a manifest."""
    with closing(host.connect()) as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + CLOSE + b"\r\n"
        )
        told = connection.recv(1_000)
        connection.sendall(b"ok")
        answer = _read_all(connection)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer == _answer(b"POST / [connection content-length expect] ok")


def test_who_sends_too_much_still_gets_the_answer(host: Host) -> None:
    """A connection that is closed while data comes would be reset, and the answer lost."""
    with closing(host.connect()) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9000000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x" * 10_000)
        connection.shutdown(socket.SHUT_WR)
        answer = _read_all(connection)

    assert answer == _answer(b"POST / [content-length] (too long)")
    assert host.meter.refused["body"] == 1


@pytest.mark.parametrize("path", [b"/break", b"/inject"])
def test_a_fault_of_the_handler_is_answered_with_500(
    host: Host, caplog: pytest.LogCaptureFixture, path: bytes
) -> None:
    """And logged; it is no fault of the request, and no header is let through that is two."""
    answer = host.exchange(b"GET " + path + b" HTTP/1.1\r\n" + CLOSE + b"\r\n")

    assert answer == _answer(b"", status=b"500 Internal Server Error")
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("constant", "sent", "reason"),
    [
        pytest.param("HEAD_SECONDS", b"", "idle", id="says-nothing"),
        pytest.param("HEAD_SECONDS", b"GET / HTTP/1.1\r\nHos", "slow", id="stops-in-the-head"),
        pytest.param(
            "BODY_SECONDS",
            b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
            "slow",
            id="in-the-body",
        ),
        pytest.param("IDLE_SECONDS", b"GET / HTTP/1.1\r\n\r\n", "idle", id="says-nothing-more"),
        pytest.param(
            "LINGER_SECONDS",
            b"POST / HTTP/1.1\r\nContent-Length: 999\r\n\r\n",
            "slow",
            id="is-not-heard",
        ),
    ],
)
def test_who_is_too_slow_is_cut(
    host: Host, monkeypatch: pytest.MonkeyPatch, constant: str, sent: bytes, reason: str
) -> None:
    """Nobody keeps a connection by doing nothing, and it is counted."""
    monkeypatch.setattr(connection_module, constant, 0.05)
    with closing(host.connect()) as connection:
        _wait_until(lambda: host.meter.connections == 1)
        connection.sendall(sent)
        _wait_until(lambda: not host.server.crowd.members)

    assert host.meter.connections == 0
    assert host.meter.cut == dict.fromkeys(CUT, 0) | {reason: 1}


def test_a_request_in_work_has_all_the_time(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only who is waited for can be too slow."""
    for constant in ("HEAD_SECONDS", "BODY_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(connection_module, constant, 0.0)
    with closing(host.connect()) as connection:
        connection.sendall(b"GET /hold HTTP/1.1\r\n\r\n")
        _wait_until(lambda: host.held)
        time.sleep(2 * serving.SWEEP_SECONDS)
        host.release()

        assert connection.recv(1_000) == _answer(b"held /hold", last=False)


def test_a_follower_hears_what_is_said_and_is_missed_when_it_goes(host: Host) -> None:
    """Its connection is the stream: what it sends is not heard."""
    with closing(host.connect()) as connection:
        connection.sendall(b"GET /follow HTTP/1.1\r\n\r\n")
        _wait_until(lambda: host.followers)
        host.call(lambda: host.followers[0].push(b"more\n"))
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        expected = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbegin\nmore\n"
        received = b""
        while len(received) < len(expected):
            received += connection.recv(1_000)
    _wait_until(lambda: host.lost == 1)

    assert received == expected


def test_a_follower_who_does_not_read_is_let_go(host: Host) -> None:
    """What is kept for it has a bound."""
    with closing(host.connect()) as connection:
        connection.sendall(b"GET /follow HTTP/1.1\r\n\r\n")
        _wait_until(lambda: host.followers)
        begin = time.monotonic()
        while not host.lost:
            host.call(lambda: host.followers[0].push(b"x" * 65_536))
            time.sleep(0.001)
            assert time.monotonic() - begin < PATIENCE_SECONDS

    assert host.meter.cut["behind"] >= 1


def test_a_server_that_stops_answers_what_is_in_work(host: Host) -> None:
    """Idle connections and streams end at once, what waits for an answer gets it, then all ends."""
    with (
        closing(host.connect()) as idle,
        closing(host.connect()) as follower,
        closing(host.connect()) as busy,
    ):
        idle.sendall(b"GET / HTTP/1.1\r\n\r\n")
        follower.sendall(b"GET /follow HTTP/1.1\r\n\r\n")
        busy.sendall(b"GET /hold HTTP/1.1\r\n\r\n")
        _wait_until(lambda: host.held and host.followers)
        host.tell()
        ended = (_read_all(idle), _read_all(follower))
        running = host.thread.is_alive()
        host.release()
        answer = _read_all(busy)
        host.thread.join(PATIENCE_SECONDS)

    assert (ended[0], ended[1][-6:]) == (_answer(b"GET / [] ", last=False), b"begin\n")
    assert running
    assert answer == _answer(b"held /hold")
    assert host.streams_ended
    assert host.lost == 1
    with pytest.raises(ConnectionRefusedError):
        host.connect()


def test_a_server_can_be_told_to_stop_from_any_thread(host: Host) -> None:
    """And once it has stopped, or before it begins, that does no harm."""
    host.server.stop()
    host.thread.join(PATIENCE_SECONDS)
    ended = not host.thread.is_alive()
    host.server.stop()
    early = serving.Server(
        lambda *_: None, lambda _: 0, lambda: None, lambda _: None, ServerMeter()
    )
    early.stop()
    with closing(serving.bind("127.0.0.1", 0)) as bound, pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "_when_told", lambda _stop: None)
        asyncio.run(asyncio.wait_for(early.serve(bound, lambda: None), PATIENCE_SECONDS))

    assert ended


def test_a_server_that_stops_does_not_wait_for_ever(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is not answered in time is cut."""
    monkeypatch.setattr(serving, "STOP_SECONDS", 0.1)
    with closing(host.connect()) as busy:
        busy.sendall(b"GET /hold HTTP/1.1\r\n\r\n")
        _wait_until(lambda: host.held)
        host.held = []
        host.tell()
        host.thread.join(PATIENCE_SECONDS)

        assert not host.thread.is_alive()


def test_of_too_many_connections_those_go_that_wait_longest(host: Host) -> None:
    """Who is being answered stays, and so does who came last."""
    host.server.crowd._most = 2
    with ExitStack() as stack:
        busy, old = (stack.enter_context(closing(host.connect())) for _ in range(2))
        busy.sendall(b"GET /hold HTTP/1.1\r\n\r\n")
        old.sendall(b"GET / HTTP/1.1\r\n\r\n")
        old.recv(1_000)
        _wait_until(lambda: host.held)
        new = stack.enter_context(closing(host.connect()))
        closed = old.recv(1_000)
        new.sendall(GET + b"\r\n")
        host.release()

        assert closed == b""
        assert host.meter.cut["crowded"] == 1
        assert new.recv(1_000) == _answer(b"GET /a?b [host] ", last=False)
        assert busy.recv(1_000) == _answer(b"held /hold", last=False)


def test_an_answer_to_nobody_goes_nowhere(host: Host) -> None:
    """Who went before the answer does no harm."""
    with closing(host.connect()) as connection:
        connection.sendall(b"GET /hold HTTP/1.1\r\n\r\n")
        _wait_until(lambda: host.held)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    _wait_until(lambda: not host.server.crowd.members)
    host.release()

    assert host.exchange(GET + CLOSE + b"\r\n") == _answer(b"GET /a?b [connection host] ")


def test_an_address_that_is_taken_is_an_error() -> None:
    """Two servers do not share one, and IPv6 has addresses too."""
    with closing(serving.bind("127.0.0.1", 0)) as first:
        first.listen()
        with pytest.raises(OSError, match="in use"):
            serving.bind("127.0.0.1", first.getsockname()[1])
    with closing(serving.bind("::1", 0)) as sixth:
        assert sixth.family == socket.AF_INET6


HALVES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET / HTTP/1.1\r\nHos", id="half-a-head"),
    pytest.param(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx", id="half-a-body"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="idle"),
]


@pytest.mark.parametrize("half", HALVES)
def test_a_network_with_too_many_connections_loses_its_own(host: Host, half: bytes) -> None:
    """Neither who is answered, nor a stream, nor anybody else's, and the newcomer is heard."""
    host.server.crowd._most_of_one = 2
    with ExitStack() as stack:
        other, busy, follower = (
            stack.enter_context(closing(host.connect(f"127.0.{n}.1"))) for n in (7, 6, 6)
        )
        other.sendall(GET + b"\r\n")
        other.recv(1_000)
        busy.sendall(b"GET /hold HTTP/1.1\r\n\r\n")
        follower.sendall(b"GET /follow HTTP/1.1\r\n\r\n")
        _wait_until(lambda: host.held and host.followers)
        slow = stack.enter_context(closing(host.connect("127.0.6.2")))
        slow.sendall(half)
        _wait_until(lambda: host.meter.connections == 4)
        time.sleep(0.05)
        new = stack.enter_context(closing(host.connect("127.0.6.3")))
        new.sendall(GET + b"\r\n")
        heard = new.recv(1_000)
        _read_all(slow)
        host.release()
        released = busy.recv(1_000)
        other.sendall(GET + b"\r\n")
        kept = other.recv(1_000)
        lost, host.lost = host.lost, 0

    assert heard == kept == _answer(b"GET /a?b [host] ", last=False)
    assert released == _answer(b"held /hold", last=False)
    assert lost == 0
    assert host.meter.cut == dict.fromkeys(CUT, 0) | {"network": 1}
    _wait_until(lambda: not host.server.crowd._networks)


def test_a_stream_is_no_part_of_its_networks_share(host: Host) -> None:
    """A network that follows keeps its two connections besides."""
    host.server.crowd._most_of_one = 2
    with ExitStack() as stack:
        follower, slow = (stack.enter_context(closing(host.connect())) for _ in range(2))
        follower.sendall(b"GET /follow HTTP/1.1\r\n\r\n")
        slow.sendall(b"GET /a?b HTTP/1.1\r\nHos")
        _wait_until(lambda: host.followers)
        new = stack.enter_context(closing(host.connect()))
        new.sendall(GET + b"\r\n")
        new.recv(1_000)
        slow.sendall(b"t: h\r\n\r\n")
        heard = slow.recv(1_000)

    assert heard == _answer(b"GET /a?b [host] ", last=False)
    assert host.meter.cut["network"] == 0


def test_half_open_connections_of_many_networks_do_not_keep_a_reader_out(host: Host) -> None:
    """Where all there may be are open, the oldest of those that say nothing go."""
    crowd = host.server.crowd
    crowd._most = 32
    with ExitStack() as stack:
        for n in range(100):
            slow = stack.enter_context(closing(host.connect(f"127.0.{n}.1")))
            slow.sendall(b"GET / HTTP/1.1\r\nHos")
        reader = stack.enter_context(closing(host.connect()))
        reader.sendall(GET + b"\r\n")
        heard = reader.recv(1_000)
        most = max(len(crowd.members), host.meter.connections)

    assert heard == _answer(b"GET /a?b [host] ", last=False)
    assert most <= 32
    assert host.meter.cut["crowded"] >= 69
