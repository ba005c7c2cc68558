"""Streams of what happens: of the parts, and of a real server with a hundred open at once."""

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
from tests.server.conftest import MakeSite, Site, session_id
from tracker_server import streams as streams_module
from tracker_server.errors import BusyError

PAGES = 100
VIEWS = 100
SLOWNESS = 2
"""How much slower than promised a machine may be on which other tests run too."""


def _events(parts: Iterator[bytes]) -> Iterator[dict[str, str]]:
    """Yield the fields of each event."""
    text = ""
    for part in parts:
        text += part.decode()
        while "\n\n" in text:
            event, _, text = text.partition("\n\n")
            yield dict(line.split(": ", 1) for line in event.split("\n"))


def test_a_stream_begins_with_the_figures_and_goes_on_with_changes(site: Site) -> None:
    """Each event is the body of the figures, and is named by their entity tag."""
    answer = site.client.get("/api/live")
    events = _events(answer.iter_encoded())
    assert (next(events), answer.mimetype) == ({"retry": "2000"}, "text/event-stream")
    first = next(events)
    site.view("/")
    site.clock.advance(1)
    second = next(events)
    answer.close()

    assert json.loads(first["data"])["totalPageViews"] == 0
    assert json.loads(second["data"])["totalPageViews"] == 1
    assert second["data"] == site.client.get("/api/stats").get_data(as_text=True)
    assert second["id"] == site.client.get("/api/stats").headers["ETag"].strip('"')


def test_who_has_the_figures_gets_them_when_they_change(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser that comes again says what it has; while nothing changes it gets a sign of life."""
    monkeypatch.setattr(streams_module, "BEAT_SECONDS", 0.01)
    seen = site.client.get("/api/stats").headers["ETag"].strip('"')
    answer = site.client.get("/api/live", headers={"Last-Event-ID": seen})
    events = _events(answer.iter_encoded())

    assert next(events) == {"retry": "2000"}
    assert next(events) == {"event": "beat", "data": "1"}
    answer.close()


def test_beyond_the_bound_a_page_is_told_to_ask(make_site: MakeSite) -> None:
    """And a place is free again when a page goes, whether or not it has read anything."""
    site = make_site(max_streams=1)
    first = site.client.get("/api/live")
    refused = site.client.get("/api/live")
    first.close()

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    again = site.client.get("/api/live")
    assert again.status_code == 200
    again.close()
    assert site.tracker.streams._open == 0


def test_a_tracker_that_stops_ends_its_streams(site: Site) -> None:
    """Those that wait too, and begins none any more."""
    parts = site.tracker.streams.open()
    next(parts)
    ended = threading.Thread(target=lambda: list(parts))
    ended.start()
    site.tracker.streams.close()
    ended.join(5)

    assert not ended.is_alive()
    with pytest.raises(BusyError):
        site.tracker.streams.open()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    """Start a real tracker."""
    process = Process(tmp_path, f"sqlite:///{tmp_path}/stats.sqlite3")
    process.wait_until_it_serves()
    yield process
    process.stop()


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
