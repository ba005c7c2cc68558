"""What tests of pages with figures share: views to count, a look by axe, pictures to keep."""

import json
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
Open = Callable[..., Page]
"""Opens a page of the tracker, see `open_stats`."""
AXE = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page, within: str = "html") -> list[str]:
    """Return what axe finds within an element."""
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(root) => axe.run(root).then((all) => all.violations)", within)
    return [
        f"{rule['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
        for rule in found
        for node in rule["nodes"]
    ]


def live(page: Page) -> Page:
    """Wait until the script has taken over."""
    expect(page.locator("body")).to_have_attribute("data-state", "live")
    return page


def keep(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a screenshot, if that is wanted."""
    if "KEEP_SCREENSHOTS" not in os.environ:
        return
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)


def send_view(tracker: str, path: str, origin: str = "", **keys: str) -> None:
    """Send a view of a reader of its own, from a page of `origin`."""
    message = {"t": "view", "s": str(uuid4()), "l": uuid4().hex, "p": path, **keys}
    # Under its own name the library is a bot, whose views are left out.
    headers = {"User-Agent": "Mozilla/5.0"} | ({"Origin": origin} if origin else {})
    request = urllib.request.Request(
        f"{tracker}/api/collect", json.dumps(message).encode(), headers
    )
    urllib.request.urlopen(request, timeout=5).close()
