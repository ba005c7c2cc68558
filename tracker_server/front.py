"""What the server does with a request: messages go to the recorder, the rest to Flask."""

import asyncio
from collections import deque

from tracker_server.answers import carries_token
from tracker_server.api import EVENT_STREAM, MANIFEST_PATH
from tracker_server.bridge import Bridge
from tracker_server.connection import Connection
from tracker_server.exchange import Answer, Request
from tracker_server.ingest import PATH, Ingest
from tracker_server.manifest import MAX_MANIFEST_BYTES
from tracker_server.streams import Streams

MAX_BODY_BYTES = 16_384
"""What may come with a request that puts no manifest."""
_COLLECT = PATH.encode()
_COLLECT_QUERY = _COLLECT + b"?"
_MANIFEST = MANIFEST_PATH.encode()


class Front:
    """Handles the requests of one server, in its loop."""

    def __init__(
        self, ingest: Ingest, streams: Streams, bridge: Bridge, *, manifest_token: str
    ) -> None:
        self._ingest = ingest
        self._streams = streams
        self._bridge = bridge
        self._manifest_token = manifest_token
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answers: deque[tuple[Connection, Answer]] = deque()
        """What the writer's thread has to say, until the loop comes to it."""
        self._called = False

    def handle(self, connection: Connection, request: Request) -> None:
        """Answer a request, now or later."""
        if request.target == _COLLECT or request.target.startswith(_COLLECT_QUERY):
            self._collect(connection, request)
        else:
            self._bridge.handle(request, lambda answer: self._answer(connection, request, answer))

    def body_limit(self, request: Request) -> int:
        """Return how many bytes a request may send: few, unless it proves that it may send more."""
        token = self._manifest_token if request.target == _MANIFEST else ""
        may = token and carries_token(request.header("authorization"), token)
        return MAX_MANIFEST_BYTES if may else MAX_BODY_BYTES

    def _collect(self, connection: Connection, request: Request) -> None:
        self._loop = self._loop or asyncio.get_running_loop()
        answer = self._ingest.take(
            request.method,
            request.header,
            request.peer,
            request.body if request.complete else None,
            lambda later: self._answer_soon(connection, later),
        )
        if answer is not None:
            connection.answer(answer)

    def _answer_soon(self, connection: Connection, answer: Answer) -> None:
        """Bring an answer from the writer's thread into the loop, with the others of its batch."""
        self._answers.append((connection, answer))
        if not self._called and self._loop is not None and not self._loop.is_closed():
            self._called = True
            self._loop.call_soon_threadsafe(self._answer_all)

    def _answer_all(self) -> None:
        self._called = False  # First: what comes while this goes on may need another call.
        while self._answers:
            connection, answer = self._answers.popleft()
            connection.answer(answer)

    def _answer(self, connection: Connection, request: Request, answer: Answer) -> None:
        headers = dict(answer.headers)
        if request.method != "GET" or not headers.get("Content-Type", "").startswith(EVENT_STREAM):
            connection.answer(answer)
            return
        follows = self._streams.follow(connection, headers.get("ETag", "").strip('"'))
        connection.follow(answer, lambda: self._streams.leave(connection))
        if not follows:
            connection.cut()
