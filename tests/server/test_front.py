"""Which request goes where, and how much of it is taken, against a real tracker."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.processes import Process
from tests.server.conftest import CONTRACT, session_id

TOKEN = "a-token-for-the-tests"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Run a tracker that takes manifests."""
    folder = tmp_path_factory.mktemp("front")
    process = Process(
        folder, f"sqlite:///{folder}/stats.sqlite3", STATS_MANIFEST_TOKEN=TOKEN, STATS_THREADS="1"
    )
    process.wait_until_it_serves()
    yield process
    process.stop()


def _ask(
    server: Process, method: str, path: str, body: bytes = b"", **headers: str
) -> http.client.HTTPResponse:
    with closing(server.connect()) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer


def _message(kind: str, number: int = 0, **more: str) -> bytes:
    page = {"t": kind, "s": session_id(number), "l": f"{number + 1:032x}", "p": "/"}
    return json.dumps(page | more).encode()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("POST", "/api/collect", _message("view"), 204, id="view"),
        pytest.param("POST", "/api/collect?v=1", _message("view", 1), 204, id="with-a-query"),
        pytest.param("POST", "/api/%63ollect", _message("view", 2), 204, id="encoded"),
        pytest.param("POST", "/api/collect", _message("beat"), 202, id="beat"),
        pytest.param("POST", "/api/collect", _message("beat"), 202, id="beat-repeated"),
        pytest.param("POST", "/api/collect", b"{}", 400, id="no-message"),
        pytest.param("POST", "/api/collect", b" " * 4_097, 413, id="too-long"),
        pytest.param("POST", "/api/collect", b" " * 40_000, 413, id="far-too-long"),
        pytest.param("OPTIONS", "/api/collect", b"", 204, id="options"),
        pytest.param("GET", "/api/collect", b"", 405, id="get"),
        pytest.param("GET", "/api/collections", b"", 404, id="another-path"),
        pytest.param("GET", "/stats", b"", 200, id="page"),
        pytest.param("HEAD", "/stats", b"", 200, id="head"),
        pytest.param("HEAD", "/api/live", b"", 200, id="a-stream-has-a-head-too"),
        pytest.param("GET", "/stats", b"x" * 16_385, 200, id="a-body-nobody-wants"),
    ],
)
def test_requests_reach_whom_they_are_for(
    server: Process, method: str, path: str, body: bytes, status: int
) -> None:
    """As any WSGI server would have it, fast lane or not."""
    answer = _ask(server, method, path, body)

    assert answer.status == status
    if "collect" in path and status != 404:
        assert answer.getheader("Access-Control-Allow-Origin") == "*"


def _manifest(size: int) -> bytes:
    return (CONTRACT / "manifest.json").read_bytes().rstrip() + b" " * size


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        pytest.param(TOKEN, _manifest(0), 204, id="small"),
        pytest.param(TOKEN, _manifest(1_000_000), 204, id="a-megabyte"),
        pytest.param("wrong", _manifest(0), 401, id="wrong-token"),
        pytest.param("wrong", _manifest(1_000_000), 401, id="wrong-token-and-a-megabyte"),
        pytest.param(TOKEN, b" " * (32 * 1024 * 1024 + 1), 413, id="too-large"),
    ],
)
def test_only_a_manifest_with_its_token_may_be_long(
    server: Process, token: str, body: bytes, status: int
) -> None:
    """Nobody else makes the tracker keep much; and who is refused is told why."""
    answer = _ask(server, "PUT", "/api/manifest", body, Authorization=f"Bearer {token}")

    assert answer.status == status


def test_a_slow_sender_keeps_nobody_from_anything(server: Process) -> None:
    """A hundred of them, while there is one thread for pages."""
    slow = [server.connect() for _ in range(100)]
    for connection in slow:
        connection.connect()
        connection.sock.sendall(b"PUT /api/manifest HTTP/1.1\r\nContent-Length: 100\r\n\r\nx")
    page = _ask(server, "GET", "/stats")
    view = _ask(server, "POST", "/api/collect", _message("view", 9))
    for connection in slow:
        connection.close()

    assert (page.status, view.status) == (200, 204)
