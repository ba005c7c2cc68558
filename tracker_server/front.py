"""What the server does with a request: messages go to the recorder, the rest to Flask."""

import asyncio
from collections import deque

from tracker_server.admission import Admission
from tracker_server.api import EVENT_STREAM, MANIFEST_PATH
from tracker_server.bridge import Bridge
from tracker_server.connection import Connection
from tracker_server.errors import StorageError
from tracker_server.exchange import Answer, Request
from tracker_server.ingest import PATH, Ingest
from tracker_server.manifest import MAX_MANIFEST_BYTES
from tracker_server.policy import POLICIES
from tracker_server.streams import Streams

MAX_BODY_BYTES = 16_384
"""What may come with a request that puts no manifest."""
_COLLECT = PATH.encode()
_COLLECT_QUERY = _COLLECT + b"?"
_MANIFEST = MANIFEST_PATH.encode()
PUT_MANIFEST = POLICIES[MANIFEST_PATH]


class Front:
    """Handles the requests of one server, in its loop."""

    def __init__(
        self, ingest: Ingest, streams: Streams, bridge: Bridge, admission: Admission
    ) -> None:
        self._ingest = ingest
        self._streams = streams
        self._bridge = bridge
        self._admission = admission
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
        may = request.target == _MANIFEST and self._may_put(request)
        return MAX_MANIFEST_BYTES if may else MAX_BODY_BYTES

    def _may_put(self, request: Request) -> bool:
        try:
            return self._admission.may(PUT_MANIFEST, self._admission.viewer(request.header))
        except StorageError:  # Who asks will hear it from Flask.
            return False

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
        may_follow = self._admission.may_follow(request.header)
        tag = headers.get("ETag", "").strip('"')
        follows = self._streams.follow(connection, tag, may_follow)
        connection.follow(answer, lambda: self._streams.leave(connection))
        if not follows:
            connection.cut()
