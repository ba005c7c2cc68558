"""The servers a reader's browser speaks to: a slow static host, a collector that listens in.

Readers are told apart by the end of their user agent (`chrome.py`), so many may read at once.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from example_site.demo import SiteHandler

REPEATED = ("Content-Type", "Origin", "Referer", "User-Agent")


@dataclass(frozen=True)
class Fetch:
    """A request for a page of the site."""

    reader: str
    path: str
    prerender: bool


@dataclass(frozen=True)
class Hit:
    """A request to the collector."""

    at: float
    """When it came, by the monotonic clock."""

    reader: str
    method: str
    message: dict[str, Any]
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        """The type of the message."""
        return str(self.message.get("t", self.method))

    def __str__(self) -> str:
        return f"{self.kind} {self.message.get('p')}"


@dataclass
class Site:
    """A static host whose pages come late on demand."""

    folder: Path
    port: int
    delays: dict[str, float] = field(default_factory=dict)
    """Seconds that each page takes for a reader."""

    rewrites: dict[str, Callable[[str], str]] = field(default_factory=dict)
    """What a reader gets instead of a page as it was built."""

    policies: dict[str, dict[str, str]] = field(default_factory=dict)
    """Headers that a reader's pages come with."""

    fetches: list[Fetch] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Address without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    def fetched(self, reader: str) -> list[str]:
        """Return the paths of the pages that a reader's browser has asked for."""
        return [fetch.path for fetch in list(self.fetches) if fetch.reader == reader]

    def prerendered(self, reader: str, path: str) -> bool:
        """Tell whether a reader's browser has asked for a page in order to prerender it."""
        return Fetch(reader, path, prerender=True) in list(self.fetches)


@dataclass
class Collector:
    """Records each request, then passes it on to the reader's own tracker."""

    port: int
    hits: list[Hit] = field(default_factory=list)
    trackers: dict[str, str] = field(default_factory=dict)
    """Address of the real tracker by reader."""

    answers: dict[str, Callable[[Hit], tuple[int, bytes]]] = field(default_factory=dict)
    """Who answers instead of a tracker, by reader."""

    @property
    def url(self) -> str:
        """Address without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    hangs: set[str] = field(default_factory=set)
    """Readers whose requests are not answered while the collector lives."""

    closed: threading.Event = field(default_factory=threading.Event)

    def of(self, reader: str, *kinds: str) -> list[Hit]:
        """Return a reader's requests, of some kinds or of all."""
        own = [hit for hit in list(self.hits) if hit.reader == reader]
        return [hit for hit in own if not kinds or hit.kind in kinds]

    def answer(self, hit: Hit, body: bytes) -> tuple[int, bytes]:
        """Return status and body for a request."""
        if hit.reader in self.answers:
            return self.answers[hit.reader](hit)
        if hit.reader not in self.trackers:
            return 202 if hit.kind in {"beat", "leave"} else 204, b""
        host = urlsplit(self.trackers[hit.reader]).netloc
        connection = http.client.HTTPConnection(host, timeout=10)
        headers = {name: value for name, value in hit.headers.items() if name in REPEATED}
        connection.request("POST", "/api/collect", body, headers)
        reply = connection.getresponse()
        status, content = reply.status, reply.read()
        connection.close()
        return status, content


def _reader_of(handler: BaseHTTPRequestHandler) -> str:
    return handler.headers.get("User-Agent", "").rpartition("Reader/")[2]


class _SiteHandler(SiteHandler):
    site: Site

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, directory=str(self.site.folder), **kwargs)

    def end_headers(self) -> None:
        # Else a page that was fetched a moment ago would be taken from the browser's cache.
        kept = urlsplit(self.path).path.endswith((".css", ".js", ".woff2", ".png"))
        self.send_header("Cache-Control", "max-age=3600" if kept else "no-cache")
        for header in self.site.policies.get(_reader_of(self), {}).items():
            self.send_header(*header)
        super().end_headers()

    def do_GET(self) -> None:  # noqa: N802  # the name the base class calls
        path, reader = urlsplit(self.path).path, _reader_of(self)
        if not path.endswith("/"):
            super().do_GET()
            return
        purpose = self.headers.get("Sec-Purpose", "")
        self.site.fetches.append(Fetch(reader, path, prerender="prerender" in purpose))
        time.sleep(self.site.delays.get(reader, 0))
        rewrite = self.site.rewrites.get(reader)
        file = self.site.folder / path.strip("/") / "index.html"
        if rewrite and file.is_file():
            self._send(rewrite(file.read_text(encoding="utf-8")).encode())
        else:
            super().do_GET()

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _CollectorHandler(BaseHTTPRequestHandler):
    collector: Collector

    def log_message(self, *args: object) -> None:
        """Stay silent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        hit = self._record(json.loads(body))
        if hit.reader in self.collector.hangs:
            self.collector.closed.wait()
        status, content = self.collector.answer(hit, body)
        if status:  # Else neither answered nor refused: the connection breaks.
            self._send(status, content)

    def do_OPTIONS(self) -> None:
        """Allow everything, so that a preflight is seen and not what it leads to."""
        self._record({})
        self._send(204, b"")

    def do_GET(self) -> None:
        """Be some other site, to which a reader may go."""
        self._send(200, b"<!doctype html><title>Elsewhere</title><p>Elsewhere", "text/html")

    def _record(self, message: dict[str, Any]) -> Hit:
        headers = dict(self.headers.items())
        hit = Hit(time.monotonic(), _reader_of(self), self.command, message, headers)
        self.collector.hits.append(hit)
        return hit

    def _send(self, status: int, content: bytes, kind: str = "text/plain") -> None:
        self.send_response(status)
        for name in ("Origin", "Methods", "Headers"):
            self.send_header(f"Access-Control-Allow-{name}", "*")
        self.send_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 204:
            self.wfile.write(content)


@contextmanager
def serving_site(folder: Path, port: int) -> Iterator[Site]:
    """Serve a built site."""
    site = Site(folder, port)
    with _running(port, type("Handler", (_SiteHandler,), {"site": site})):
        yield site


@contextmanager
def collecting(port: int) -> Iterator[Collector]:
    """Run a collector."""
    collector = Collector(port)
    with _running(port, type("Handler", (_CollectorHandler,), {"collector": collector})):
        yield collector
        collector.closed.set()


@contextmanager
def _running(port: int, handler: type[BaseHTTPRequestHandler]) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    # A browser that is closed breaks its connections off: no matter.
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
