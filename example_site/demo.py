"""``make demo``: the example site and a tracker on this machine, until Ctrl-C.

Builds the site, makes up a history of it in ``build/demo/stats.sqlite3``, starts a tracker, builds
the site again with what the tracker says into ``build/demo/site``, serves it, and stops both
together. A handful of made-up readers go about meanwhile, so that the statistics move.
"""

import argparse
import json
import os
import random
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
from uuid import UUID

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
"""What made-up readers use: under its own name this program would be counted as one."""
HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "demo"
DATABASE = BUILD / "stats.sqlite3"

READERS = 6
"""How many made-up readers are there at a time."""
BEAT_SECONDS = 30
PAGE_SECONDS = (8, 75)
PAGES_PER_READER = (1, 6)
HOMES = (
    *(("Europe/Vienna", "de-AT"), ("America/New_York", "en-US"), ("Asia/Tokyo", "ja-JP")),
    *(("America/Sao_Paulo", "pt-BR"), ("Europe/Paris", "fr-FR"), ("Australia/Sydney", "en-AU")),
)
REFERRERS = ("", "https://www.google.com/", "https://github.com/", "https://duckduckgo.com/")
WIDTHS = (390, 1_024, 1_600, 1_920)


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


def build_site(site_port: int, tracker_port: int, *, snapshot: bool = False) -> Path:
    """Build the example site for these ports and return its folder.

    With `snapshot` it shows what the tracker says now.
    """
    environment = {
        **os.environ,
        "SITE_URL": f"http://127.0.0.1:{site_port}/",
        "TRACKER_URL": f"http://127.0.0.1:{tracker_port}",
        "SNAPSHOT": str(snapshot).lower(),
        "NO_MKDOCS_2_WARNING": "1",
    }
    site = BUILD / ("site" if snapshot else "bare")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    subprocess.run(
        [*command, "--config-file", str(HERE / "mkdocs.yml"), "--site-dir", str(site)],
        env=environment,
        check=True,
    )
    return site


def make_history(site: Path) -> None:
    """Fill the database with a made-up history; what the demo before has left goes."""
    for file in BUILD.glob(f"{DATABASE.name}*"):
        file.unlink()
    command = [sys.executable, "-m", "tracker_server", "demo-data"]
    manifest = str(site / "stats-manifest.json")
    subprocess.run(
        [*command, "--database-url", f"sqlite:///{DATABASE}", "--manifest", manifest],
        stdout=subprocess.DEVNULL,
        check=True,
    )


class Readers:
    """A few made-up readers, who speak to the tracker as browsers do."""

    def __init__(self, site: Path, site_url: str, tracker_url: str) -> None:
        pages = json.loads((site / "stats-manifest.json").read_text(encoding="utf-8"))["pages"]
        linked = {link for page in pages for link in page.get("links", ())}
        self._paths = [
            page["path"]
            for page in pages
            if page["published"]
            and page["type"] != "stats"
            # What nothing leads to nobody finds.
            and (page["type"] != "page" or "nav" in page or page["path"] in linked)
        ]
        self._site_url = site_url
        self._tracker_url = tracker_url
        self._dice = random.Random()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Let each come in a thread that ends with this process."""
        for number in range(READERS):
            threading.Thread(target=self._come_and_go, args=(number,), daemon=True).start()

    def stop(self) -> None:
        """Let nobody say anything any more."""
        self._stopping.set()

    def _come_and_go(self, number: int) -> None:
        # Not all at once.
        self._stopping.wait(number * 1.5)
        while not self._stopping.is_set():
            self._visit()

    def _visit(self) -> None:
        dice = self._dice
        zone, language = dice.choice(HOMES)
        about = {"z": zone, "g": language, "w": dice.choice(WIDTHS), "r": dice.choice(REFERRERS)}
        session = str(UUID(int=dice.getrandbits(128), version=4))
        page: dict[str, object] = {}
        for _ in range(dice.randint(*PAGES_PER_READER)):
            page = {
                "s": session,
                "l": f"{dice.getrandbits(128):032x}",
                "p": dice.choice(self._paths),
            }
            self._send({"t": "view", **page, **about})
            about["r"] = ""
            self._stay(page)
        self._send({"t": "leave", **page})

    def _stay(self, page: dict[str, object]) -> None:
        left = self._dice.uniform(*PAGE_SECONDS)
        while left > BEAT_SECONDS and not self._stopping.wait(BEAT_SECONDS):
            self._send({"t": "beat", **page})
            left -= BEAT_SECONDS
        self._stopping.wait(max(0, left))

    def _send(self, message: dict[str, object]) -> None:
        if self._stopping.is_set():
            return
        request = urllib.request.Request(
            f"{self._tracker_url}/api/collect",
            json.dumps(message).encode(),
            {"Content-Type": "text/plain", "Origin": self._site_url, "User-Agent": BROWSER},
        )
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except OSError:  # It is stopped, or busy; another one comes soon.
            self._stopping.wait(1)


def start_tracker(site: Path, site_port: int, tracker_port: int) -> subprocess.Popen[bytes]:
    """Start a tracker that takes reports of the example site only."""
    command = [sys.executable, "-m", "tracker_server", "run", "--port", str(tracker_port)]
    return subprocess.Popen(
        [
            *command,
            *("--database-url", f"sqlite:///{DATABASE}"),
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
    bare = build_site(ports.site_port, ports.tracker_port)
    handler = partial(SiteHandler, directory=str(BUILD / "site"))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", ports.site_port), handler)
    except OSError as error:
        print(f"demo: port {ports.site_port}: {error.strerror}; try make demo SITE_PORT=8010")
        return 1
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        make_history(bare)
        tracker = start_tracker(bare, ports.site_port, ports.tracker_port)
        site_url, tracker_url = (
            f"http://127.0.0.1:{port}" for port in (ports.site_port, ports.tracker_port)
        )
        readers = Readers(bare, site_url, tracker_url)
        if answers(f"{tracker_url}/healthz", tracker):
            build_site(ports.site_port, ports.tracker_port, snapshot=True)
            readers.start()
            print(f"Site        {site_url}/")
            print(f"Statistics  {tracker_url}/stats")
            print("The history is made up. Ctrl-C stops both.", flush=True)
        parent = os.getppid()
        while not received and tracker.poll() is None and os.getppid() == parent:
            time.sleep(0.2)
        failed = tracker.poll() is not None
        readers.stop()
        tracker.terminate()
        tracker.wait()
        server.shutdown()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
