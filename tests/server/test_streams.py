"""Streams of what happens: of the parts, and of a real server with a hundred open at once."""

import asyncio
import http.client
import json
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.processes import Process
from tests.server.conftest import Site, session_id
from tracker_server import streams as streams_module
from tracker_server.figures import (
    Snapshot,
)

PAGES = 100
VIEWS = 100
SLOWNESS = 2
"""How much slower than promised a machine may be on which other tests run too."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    """Start a real tracker."""
    process = Process(tmp_path, f"sqlite:///{tmp_path}/stats.sqlite3")
    process.wait_until_it_serves()
    yield process
    process.stop()


def test_another_server_ends_a_stream_after_its_beginning(site: Site) -> None:
    """Under WSGI alone nobody goes on with it: the browser comes again after two seconds."""
    site.view("/")
    answer = site.client.get("/api/live")
    figures = site.client.get("/api/stats")

    assert answer.mimetype == "text/event-stream"
    assert answer.get_data(as_text=True) == (
        f"retry: 2000\n\nid: {figures.headers['ETag'].strip(chr(34))}\n"
        f"data: {figures.get_data(as_text=True)}\n\n"
    )


def test_who_has_the_figures_is_not_told_them_again(site: Site) -> None:
    """A browser that comes again says what it has."""
    seen = site.client.get("/api/stats").headers["ETag"].strip('"')
    answer = site.client.get("/api/live", headers={"Last-Event-ID": seen})

    assert answer.get_data() == b"retry: 2000\n\n"


def test_a_tracker_that_stops_begins_no_stream(site: Site) -> None:
    """Who asks then is told to ask again later."""
    site.tracker.streams.close()

    answer = site.client.get("/api/live")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


class _Follower:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[bytes] = []
        self.is_cut = False

    def push(self, data: bytes, /) -> None:
        self.told.append(data)

    def cut(self) -> None:
        self.is_cut = True


def _follow(site: Site, seconds: float, *seen: str) -> list[list[bytes]]:
    """Follow for some time, each of whom has what it says; return what each was told."""
    followers = [_Follower() for _ in seen]

    async def follow() -> None:
        streams = site.tracker.streams
        for follower, tag in zip(followers, seen, strict=True):
            assert streams.follow(follower, tag)
        await asyncio.sleep(seconds)

    asyncio.run(follow())
    return [follower.told for follower in followers]


def test_followers_are_told_what_they_do_not_have(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, however long they follow; who has it hears a sign of life."""
    monkeypatch.setattr(streams_module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(streams_module, "BEAT_SECONDS", 0.1)
    figures = site.client.get("/api/stats")
    tag, body = figures.headers["ETag"].strip('"'), figures.get_data()
    has_it, has_not = _follow(site, 1.0, tag, "other")
    event = b"id: %b\ndata: %b\n\n" % (tag.encode(), body)

    assert has_not.count(event) == 1
    assert event not in has_it
    assert set(has_it) == {b"event: beat\ndata: 1\n\n"}


def test_a_follower_who_left_is_told_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the task that looks for news ends with the last of them."""
    monkeypatch.setattr(streams_module, "LOOK_SECONDS", 0.01)
    streams, follower = site.tracker.streams, _Follower()

    async def leave() -> asyncio.Task[None] | None:
        streams.follow(follower, "")
        streams.leave(follower)
        await asyncio.sleep(0.2)
        return streams._watching

    assert asyncio.run(leave()) is None
    assert follower.told == []


def test_streams_end_where_no_news_can_be_read(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who comes again is told of what is new once the database can be read."""
    monkeypatch.setattr(streams_module, "LOOK_SECONDS", 0.01)
    streams, first, second = site.tracker.streams, _Follower(), _Follower()
    read = streams._snapshot

    def fail(_seconds: float) -> Snapshot:
        raise OSError("planted")

    async def follow() -> None:
        streams._snapshot = fail
        streams.follow(first, "")
        await asyncio.sleep(0.2)
        streams._snapshot = read
        streams.follow(second, "")
        await asyncio.sleep(0.2)

    asyncio.run(follow())

    assert (first.is_cut, first.told) == (True, [])
    assert (second.is_cut, len(second.told)) == (False, 1)
    assert "planted" in caplog.text


def _answer_of(port: int) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request("GET", "/api/live")
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After")


def test_beyond_the_bound_a_page_is_told_to_ask(tmp_path: Path) -> None:
    """And a place is free again when a page goes."""
    process = Process(tmp_path, f"sqlite:///{tmp_path}/stats.sqlite3", STATS_MAX_STREAMS="1")
    process.wait_until_it_serves()
    with closing(process.connect()) as page:
        page.request("GET", "/api/live")
        first = page.getresponse()
        beginning = first.read(13)
        refused = _answer_of(process.port)
        first.close()
    end = time.monotonic() + 10
    while _answer_of(process.port)[0] != 200:
        assert time.monotonic() < end, "the place does not become free"
    process.stop()

    assert (first.status, beginning) == (200, b"retry: 2000\n\n")
    assert refused == (503, "5")


def test_a_stream_goes_on_with_changes(server: Process) -> None:
    """Each event is the body of the figures, and is named by their entity tag."""
    with closing(server.connect()) as page, closing(server.connect()) as reader:
        page.request("GET", "/api/live")
        lines = page.getresponse()
        before = [lines.readline().decode().rstrip("\n") for _ in range(4)]
        _view(reader, 1)
        lines.readline()
        after = [lines.readline().decode().rstrip("\n") for _ in range(2)]
        reader.request("GET", "/api/stats")
        figures = reader.getresponse()
        body = figures.read().decode()

    assert (before[0], before[2][:4], before[3][:6]) == ("retry: 2000", "id: ", "data: ")
    assert json.loads(before[3][6:])["totalPageViews"] == 0
    assert after == [f"id: {str(figures.getheader('ETag')).strip(chr(34))}", f"data: {body}"]
    assert json.loads(body)["totalPageViews"] == 1


class _Page:
    """A page that is open and notes when it heard of how many views."""

    def __init__(self, port: int) -> None:
        self.heard: dict[int, float] = {}
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.sendall(b"GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()

    def _listen(self) -> None:
        with closing(self._socket), self._socket.makefile("rb") as lines:
            for line in lines:
                if line.startswith(b"data: {"):
                    views = json.loads(line[6:])["totalPageViews"]
                    self.heard.setdefault(views, time.monotonic())


def _view(connection: http.client.HTTPConnection, number: int) -> float:
    """Send a view; return the milliseconds until it was stored."""
    body: dict[str, Any] = {"t": "view", "s": session_id(number), "p": "/", "l": f"{number:032x}"}
    begin = time.perf_counter()
    connection.request("POST", "/api/collect", json.dumps(body))
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 204
    return (time.perf_counter() - begin) * 1e3


def _until_all_heard(pages: list[_Page], views: int, seconds: float) -> float:
    """Return how long after now the last page heard of so many views."""
    begin = time.monotonic()
    while not all(views in page.heard for page in pages):
        assert time.monotonic() - begin < seconds, "waited in vain for the pages"
        time.sleep(0.01)
    return max(page.heard[views] for page in pages) - begin


def test_a_hundred_pages_hear_of_a_view_within_a_second_and_cost_no_reader(
    server: Process,
) -> None:
    """Views are stored as ever meanwhile, and the end of the tracker is the end of the streams."""
    pages = [_Page(server.port) for _ in range(PAGES)]
    with closing(server.connect()) as connection:
        _until_all_heard(pages, 0, 30)
        time.sleep(1.0)
        _view(connection, 1)
        delay = _until_all_heard(pages, 1, 10)
        times = [_view(connection, number) for number in range(2, VIEWS + 2)]
        _until_all_heard(pages, VIEWS + 1, 10)
    begin = time.monotonic()
    server.stop()
    for page in pages:
        page.thread.join(5)

    assert delay <= 1.0 * SLOWNESS
    assert statistics.quantiles(times, n=100)[98] <= 50 * SLOWNESS
    assert not [page for page in pages if page.thread.is_alive()]
    assert time.monotonic() - begin < 5
