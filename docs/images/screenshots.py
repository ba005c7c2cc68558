"""Makes the screenshots of the documentation: ``python -m docs.images.screenshots``.

Runs what ``make demo`` runs, lets its readers come, and photographs what a browser shows.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.chrome import find_chromium
from tests.e2e.conftest import CHROMIUM_ARGUMENTS, ROOT, answers, eventually
from tests.processes import free_port
from tracker_server.catalogue import REPORTS

HERE = Path(__file__).parent
GATHERING_SECONDS = 45
"""Until the readers of the demo are there and have left some minutes behind."""
LARGE = (1_280, 1_480)
REPORT = (1_180, 700)
PAGE = "?page=/guide/schedules/&period=90d"


@contextmanager
def running_demo(site_port: int, tracker_port: int) -> Iterator[tuple[str, str]]:
    """Run the demo; yields the addresses of site and tracker."""
    command = [sys.executable, ROOT / "example_site" / "demo.py"]
    ports = ["--site-port", str(site_port), "--tracker-port", str(tracker_port)]
    demo = subprocess.Popen([*command, *ports], stdout=subprocess.DEVNULL)
    site, tracker = f"http://127.0.0.1:{site_port}", f"http://127.0.0.1:{tracker_port}"
    try:
        eventually(lambda: answers(f"{tracker}/healthz"), "the tracker answers", 120)
        time.sleep(GATHERING_SECONDS)
        yield site, tracker
    finally:
        demo.terminate()
        demo.wait(timeout=15)


def photograph(
    browser: Browser, url: str, name: str, *, dark: bool = False, size: tuple[int, int]
) -> None:
    """Save what a browser shows at an address once the page says that it is live."""
    context = browser.new_context(
        color_scheme="dark" if dark else "light",
        viewport={"width": size[0], "height": size[1]},
        locale="en-US",
        timezone_id="UTC",
    )
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector("[data-state=live]")
    page.wait_for_timeout(1_500)
    page.screenshot(path=HERE / name)
    context.close()


def main() -> None:
    """Make all of them."""
    with (
        running_demo(free_port(), free_port()) as (site, tracker),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        stats = f"{tracker}/stats"
        photograph(browser, stats, "stats.png", size=LARGE)
        photograph(browser, f"{stats}?compare=1", "stats-dark.png", dark=True, size=LARGE)
        photograph(browser, f"{stats}{PAGE}", "stats-page.png", size=LARGE)
        photograph(browser, stats, "stats-phone.png", size=(390, 1_000))
        for report in REPORTS:
            address = f"{tracker}/stats/content/{report.name}?period=90d"
            photograph(browser, address, f"reports/{report.name}.png", size=REPORT)
        photograph(browser, f"{site}/stats/", "in-site.png", size=(1_100, 1_000))
        photograph(browser, f"{site}/stats/", "in-site-dark.png", dark=True, size=(1_100, 1_000))
        browser.close()


if __name__ == "__main__":
    main()
