"""``make demo``: the example site and a tracker on this machine, until Ctrl-C.

Builds the site into ``build/demo/site``, serves it, starts a tracker that watches its manifest,
and stops both together. The statistics are kept in ``build/demo/stats.sqlite3``.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "demo"


class SiteHandler(SimpleHTTPRequestHandler):
    """Serves a built site the way a static host does: its own 404 page, and no log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # inherited name
        """Stay silent: the terminal is for the two addresses."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer with the site's 404 page."""
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def build_site(site_port: int, tracker_port: int) -> Path:
    """Build the example site for these ports and return its folder."""
    environment = {
        **os.environ,
        "SITE_URL": f"http://127.0.0.1:{site_port}/",
        "TRACKER_URL": f"http://127.0.0.1:{tracker_port}",
        "NO_MKDOCS_2_WARNING": "1",
    }
    site = BUILD / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    subprocess.run(
        [*command, "--config-file", str(HERE / "mkdocs.yml"), "--site-dir", str(site)],
        env=environment,
        check=True,
    )
    return site


def start_tracker(site: Path, site_port: int, tracker_port: int) -> subprocess.Popen[bytes]:
    """Start a tracker that takes reports of the example site only."""
    command = [sys.executable, "-m", "tracker_server", "run", "--port", str(tracker_port)]
    return subprocess.Popen(
        [
            *command,
            *("--database-url", f"sqlite:///{BUILD / 'stats.sqlite3'}"),
            *("--manifest", str(site / "stats-manifest.json")),
            *("--allowed-host", f"127.0.0.1:{site_port}"),
        ],
        stdout=subprocess.DEVNULL,
        # Ctrl-C reaches the whole terminal group; the tracker is stopped by us, once.
        start_new_session=True,
    )


def answers(url: str, tracker: subprocess.Popen[bytes]) -> bool:
    """Wait until the tracker answers; tell whether it does before it ends."""
    while tracker.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


def main() -> int:
    """Run until a signal, the end of the tracker, or the end of whoever started this."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site-port", type=int, default=8000)
    parser.add_argument("--tracker-port", type=int, default=8001)
    ports = parser.parse_args()
    # No event: its lock is not free while somebody waits, so a handler that comes then would hang.
    received: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: received.append(number))
    BUILD.mkdir(parents=True, exist_ok=True)
    site = build_site(ports.site_port, ports.tracker_port)
    handler = partial(SiteHandler, directory=str(site))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", ports.site_port), handler)
    except OSError as error:
        print(f"demo: port {ports.site_port}: {error.strerror}; try make demo SITE_PORT=8010")
        return 1
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tracker = start_tracker(site, ports.site_port, ports.tracker_port)
        if answers(f"http://127.0.0.1:{ports.tracker_port}/healthz", tracker):
            print(f"Site        http://127.0.0.1:{ports.site_port}/")
            print(f"Statistics  http://127.0.0.1:{ports.tracker_port}/stats")
            print("Ctrl-C stops both.", flush=True)
        parent = os.getppid()
        while not received and tracker.poll() is None and os.getppid() == parent:
            time.sleep(0.2)
        failed = tracker.poll() is not None
        tracker.terminate()
        tracker.wait()
        server.shutdown()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
