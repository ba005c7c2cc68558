"""Makes the screenshots of the documentation: ``python -m docs.images.screenshots``.

Builds the example site, starts a tracker, sends it the traffic of an afternoon and
photographs what a browser shows.
"""

import json
import random
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from uuid import UUID

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.conftest import (
    CHROMIUM_ARGUMENTS,
    ROOT,
    build_site,
    free_port,
    serving,
    tracking,
)

READERS = 420
STILL_READING = 9
HERE = Path(__file__).parent


def send_traffic(tracker: str, manifest: Path) -> None:
    """Let readers view the pages of a manifest, the first ones more often."""
    dice = random.Random(7)
    paths = [
        page["path"]
        for page in json.loads(manifest.read_text())["pages"]
        if page["published"] and not page.get("generated") and page["type"] != "stats"
    ]
    dice.shuffle(paths)
    paths.sort(key=lambda path: path != "/")
    weights = [1 / (place + 1) for place in range(len(paths))]
    for reader in range(READERS):
        session = str(UUID(int=dice.getrandbits(128), version=4))
        for path in dice.choices(paths, weights, k=dice.randint(1, 6)):
            load = f"{dice.getrandbits(128):032x}"
            post(tracker, {"t": "view", "s": session, "l": load, "p": path})
        if reader < READERS - STILL_READING:
            post(tracker, {"t": "leave", "s": session, "l": load, "p": path})


def post(tracker: str, message: dict[str, str]) -> None:
    """Send one message."""
    body = json.dumps(message).encode()
    urllib.request.urlopen(f"{tracker}/api/collect", body, timeout=5).close()


def photograph(browser: Browser, url: str, name: str, *, scheme: str, width: int) -> None:
    """Save what a browser shows at an address once the page says that it is live."""
    page = browser.new_page(
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 1000},
        device_scale_factor=1,
    )
    page.goto(url)
    page.wait_for_selector("[data-state=live]")
    page.wait_for_timeout(500)
    page.screenshot(path=HERE / name)
    page.close()


def main() -> None:
    """Make all of them."""
    chromium = json.loads(
        subprocess.run(
            ["node", ROOT / "js" / "chromium.mjs"], capture_output=True, check=True
        ).stdout
    )["path"]
    ports = free_port(), free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_site(
            ROOT / "example_site" / "mkdocs.yml",
            folder / "site",
            python=sys.executable,
            SITE_URL=f"http://127.0.0.1:{ports[0]}/",
            TRACKER_URL=f"http://127.0.0.1:{ports[1]}",
        )
        manifest = folder / "site" / "stats-manifest.json"
        with (
            serving(folder / "site", ports[0]) as site,
            tracking(folder, ports[1], "--manifest", str(manifest)) as tracker,
            sync_playwright() as playwright,
        ):
            send_traffic(tracker, manifest)
            browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
            photograph(browser, f"{tracker}/stats", "stats.png", scheme="light", width=1100)
            photograph(browser, f"{tracker}/stats", "stats-dark.png", scheme="dark", width=1100)
            photograph(browser, f"{tracker}/stats", "stats-phone.png", scheme="light", width=390)
            photograph(browser, f"{site}/stats/", "in-site.png", scheme="light", width=1100)
            photograph(browser, f"{site}/stats/", "in-site-dark.png", scheme="dark", width=1100)
            browser.close()


if __name__ == "__main__":
    main()
