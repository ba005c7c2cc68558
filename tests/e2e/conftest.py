"""A really built site, a real tracker in a process of its own, and a real headless Chromium."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from example_site.demo import SiteHandler
from tests.e2e.books import write_book
from tests.e2e.chrome import USER_AGENT, WITHOUT, Chrome, browsing, find_chromium, rests
from tests.e2e.pages import Open
from tests.e2e.servers import Collector, Site, collecting, serving_site
from tests.processes import free_port

ROOT = Path(__file__).parents[2]
# What is waited for is nearly always there at once; a busy machine is no reason to fail.
PATIENCE_SECONDS = 60.0
expect.set_options(timeout=20_000)
# The background services of a browser would look for hosts of its maker.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Of two such arguments the last one counts, so this one replaces Playwright's: half a second of
    # work for each new reader is not worth what that switches off.
    f"--disable-features={','.join(WITHOUT)}",
    # One without a window says so, and is counted as a program.
    f"--user-agent={USER_AGENT}",
]


def eventually(check: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until `check` is true; fail saying `what` when it does not come true in time."""
    deadline = time.monotonic() + seconds
    for _ in rests():
        if check():
            return
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"


def fetch_json(url: str) -> dict[str, Any]:
    """Return the JSON object at an address."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        document = json.load(answer)
    assert isinstance(document, dict)
    return document


def answers(url: str) -> bool:
    """Tell whether an address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def build_site(config: Path, site_dir: Path, python: str = sys.executable, **environ: str) -> None:
    """Run ``mkdocs build --strict``."""
    subprocess.run(
        [python, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", config, "-d", site_dir],
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", **environ},
        check=True,
    )


@contextmanager
def serving(folder: Path, port: int) -> Iterator[str]:
    """Serve a built site the way a static host does."""
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(SiteHandler, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def tracking(folder: Path, port: int, *options: str, python: str = sys.executable) -> Iterator[str]:
    """Run a tracker in a process of its own."""
    process = subprocess.Popen(
        [python, "-m", "tracker_server", "run", "--port", str(port), *options],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: answers(f"{address}/healthz"), "the tracker answers")
        yield address
    finally:
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0


Library = Callable[..., Site]


@dataclass
class Loop:
    """Site and tracker, running."""

    site: str
    tracker: str

    def stats(self) -> dict[str, Any]:
        """Return what ``GET /api/stats`` says."""
        return fetch_json(f"{self.tracker}/api/stats")

    def views(self) -> dict[str, int]:
        """Return views by path."""
        return {row["path"]: row["views"] for row in self.stats()["pageStats"]}

    def active(self) -> dict[str, int]:
        """Return active readers by path."""
        return {row["path"]: row["visitors"] for row in self.stats()["activeByPath"]}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A Chromium: an installed one, or the one of the npm package."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def ports() -> tuple[int, int]:
    """Ports of site and tracker: the built site names both."""
    return free_port(), free_port()


@pytest.fixture(scope="session")
def example_site(ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the example site with the real plugin."""
    site_dir = tmp_path_factory.mktemp("site")
    build_site(
        ROOT / "example_site" / "mkdocs.yml",
        site_dir,
        SITE_URL=f"http://127.0.0.1:{ports[0]}/",
        TRACKER_URL=f"http://127.0.0.1:{ports[1]}",
    )
    return site_dir


@pytest.fixture
def loop(example_site: Path, ports: tuple[int, int], tmp_path: Path) -> Iterator[Loop]:
    """The example site and an empty tracker."""
    manifest = example_site / "stats-manifest.json"
    options = ("--manifest", str(manifest), "--allowed-host", f"127.0.0.1:{ports[0]}")
    with serving(example_site, ports[0]) as site, tracking(tmp_path, ports[1], *options) as tracker:
        yield Loop(site, tracker)


@pytest.fixture
def reader(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser of somebody who has never been here; any page error fails the test."""
    with closing(chromium.new_context(locale="de-AT", timezone_id="Europe/Vienna")) as context:
        errors: list[str] = []
        context.on("weberror", lambda error: errors.append(str(error.error)))
        yield context
        assert errors == []


@pytest.fixture
def open_page(reader: BrowserContext) -> Callable[[str], Page]:
    """Return a function that opens an address in a new tab of the reader."""

    def open_page(url: str) -> Page:
        page = reader.new_page()
        page.goto(url)
        return page

    return open_page


@pytest.fixture
def open_stats(chromium: Browser) -> Iterator[Open]:
    """Return what opens a page that takes no complaint: errors, policies, foreign requests."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_stats(address: str, *, tolerant: bool = False, **options: object) -> Page:
        options = {"locale": "en-US", "timezone_id": "UTC", **options}
        context = chromium.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        if not tolerant:
            origin = "/".join(address.split("/")[:3])
            page.on(
                "console",
                lambda message: complaints.append(message.text),
            )
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "request",
                lambda request: (
                    None if request.url.startswith(origin) else complaints.append(request.url)
                ),
            )
        page.goto(address)
        return page

    yield open_stats
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """What listens in between browsers and trackers."""
    with collecting(free_port()) as collector:
        yield collector


@pytest.fixture(scope="session")
def library(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Return a function that builds and serves the book in a theme, each only once."""
    sites: dict[str, Site] = {}
    with ExitStack() as stack:

        def serve(theme: str = "mkdocs", **options: object) -> Site:
            name = f"{theme} {sorted(options.items())}"
            if name not in sites:
                folder, port = tmp_path_factory.mktemp("book"), free_port()
                url = f"http://127.0.0.1:{port}/"
                options = {"tracker_url": collector.url, "track_local": True, **options}
                build_site(write_book(folder / theme, theme, url, **options), folder / "site")
                sites[name] = stack.enter_context(serving_site(folder / "site", port))
            return sites[name]

        yield serve


@pytest.fixture
def chrome(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Chrome]:
    """A browser of a reader of its own; what a page complains about fails the test."""
    with browsing(tmp_path / "profile", f"test-{abs(hash(request.node.nodeid))}") as chrome:
        yield chrome
