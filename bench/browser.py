"""What a browser spends on a site's scripts and on the stats page; ``python -m bench.browser``.

Times of a browser change with the machine more than others do, hence each stands beside what the
same browser spends in the same run on something the reader has anyway: the theme's own scripts, the
page without ours, a load of the page. Pages run at a quarter of the speed.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.machine import machine
from tests.e2e.books import TITLES, write_book
from tests.e2e.chrome import Tab, browsing
from tests.e2e.conftest import build_site, tracking
from tests.e2e.history import write_history
from tests.e2e.pages import send_view
from tests.e2e.servers import Site, collecting, serving_site
from tests.e2e.traces import EXTRAS, TRACKER, Trace, trace, without_scripts
from tests.processes import free_port

SLOWDOWN = 4
LOADS = 9
WATCHED = 6
"""Views that are waited for: no more than the list of who reads has rows."""
THEMES = ("mkdocs", "material")
PERIODS = ("7 days", "90 days", "12 months", "All", "Today", "30 days")
Row = tuple[float, str, float]
"""Milliseconds, what stands beside it, and its milliseconds."""

PAGE, TEXT = "/stats?period=30d", "/healthz"
LIVE = "document.body.dataset.state === 'live'"
SWITCH = f"""(async () => {{
  for (const name of {json.dumps(PERIODS)}) {{
    [...document.querySelectorAll('.periods a')].find((one) => one.textContent == name).click();
    while (document.querySelector('.periods [aria-current]').textContent != name)
      await new Promise((done) => requestAnimationFrame(done));
  }}
}})()"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
LARGEST_PAINT = """new Promise((done) => new PerformanceObserver(
  (list) => done(list.getEntries().at(-1).startTime)
).observe({ type: 'largest-contentful-paint', buffered: true }))"""
WATCH = """void (window.seen = new Promise((done) => new MutationObserver(() => {
  if (document.querySelector('.reading tr[data-path="%s"]'))
    done(performance.timeOrigin + performance.now());
}).observe(document.querySelector('.reading'), { childList: true, subtree: true })))"""


def run(loads: int = LOADS) -> dict[str, Row]:
    """Measure both; returns the rows of the table by what they are about."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        collector = stack.enter_context(collecting(free_port()))
        rows: dict[str, Row] = {}
        for theme in THEMES:
            port = free_port()
            options = {"tracker_url": collector.url, "track_local": True}
            config = write_book(folder / theme, theme, f"http://127.0.0.1:{port}/", **options)
            build_site(config, folder / theme / "site")
            site = stack.enter_context(serving_site(folder / theme / "site", port))
            with slow_tab(folder / f"reader-{theme}") as tab:
                rows |= measure_site(tab, site, theme, loads)
        rows |= measure_stats(folder, folder / THEMES[0] / "site" / "stats-manifest.json", loads)
        return rows


@contextmanager
def slow_tab(profile: Path, slowdown: int = SLOWDOWN) -> Iterator[Tab]:
    """Open a tab in a browser of its own."""
    with browsing(profile, profile.name) as chrome:
        tab = chrome.open()
        chrome.call("Emulation.setCPUThrottlingRate", tab.page, rate=slowdown)
        yield tab


def measure_site(tab: Tab, site: Site, theme: str, loads: int) -> dict[str, Row]:
    """Load a page again and again, with the scripts and without them in turn."""
    reader, url = tab.chrome.reader, f"{site.url}/"
    traces: list[Trace] = []
    paints: dict[Callable[[str], str], list[float]] = {str: [], without_scripts: []}
    tab.goto(url)  # The first load fills caches.
    for _ in range(loads):
        site.rewrites[reader] = str
        traces.append(trace(tab, url))
        for rewrite, times in paints.items():
            site.rewrites[reader] = rewrite
            tab.goto(url)
            times.append(tab.evaluate(LARGEST_PAINT))

    others = median(one.other_first_runs_ms() for one in traces)
    longest = median(one.longest_ms(ours=False) for one in traces)
    return {
        f"{theme}: first run of {name}": (
            median(one.first_run_ms(script) for one in traces),
            "of the theme's scripts",
            others,
        )
        for name, script in (("the script", TRACKER), ("the second script", EXTRAS))
    } | {
        f"{theme}: longest call": (
            median(one.longest_ms() for one in traces),
            "of the theme's scripts",
            longest,
        ),
        f"{theme}: largest paint": (
            median(paints[str]),
            "without the scripts",
            median(paints[without_scripts]),
        ),
    }


def measure_stats(folder: Path, manifest: Path, looks: int) -> dict[str, Row]:
    """Look at the stats page over some weeks of readers."""
    write_history(folder / "stats.sqlite3", manifest)
    paints: dict[str, list[float]] = {TEXT: [], PAGE: []}
    load, switch = [], []
    with tracking(folder, free_port(), "--manifest", str(manifest)) as tracker:
        with slow_tab(folder / "owner") as tab:
            tab.chrome.call("Performance.enable", tab.page)
            for _ in range(looks):
                for address, times in paints.items():
                    tab.goto("about:blank")
                    before = _work_ms(tab)
                    tab.goto(tracker + address)
                    tab.wait(FIRST_PAINT)
                    times.append(tab.evaluate(FIRST_PAINT))
                tab.wait(LIVE)
                load.append(_work_ms(tab) - before)
                before = _work_ms(tab)
                tab.evaluate(SWITCH)
                switch.append((_work_ms(tab) - before) / len(PERIODS))
        with slow_tab(folder / "watcher", slowdown=1) as tab:
            tab.goto(tracker + PAGE)
            tab.wait(LIVE)
            delays = []
            for number, path in enumerate(list(TITLES)[:WATCHED]):
                # Right after a message that brought the one before it would always wait longest.
                time.sleep(number / WATCHED)
                delays.append(_delay_ms(tab, tracker, path))
    return {
        "stats page: first paint": (
            median(paints[PAGE]),
            "of a line of text",
            median(paints[TEXT]),
        ),
        "stats page: work for another period": (median(switch), "for loading it", median(load)),
        "stats page: until a view is seen": (median(delays), "between two messages", 1_000.0),
    }


def _work_ms(tab: Tab) -> float:
    """Return how long the main thread of the page has been busy so far."""
    metrics = tab.chrome.call("Performance.getMetrics", tab.page)["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration")) * 1_000


def _delay_ms(tab: Tab, tracker: str, path: str) -> float:
    """Send a view, and return after how long the page shows where its reader is."""
    tab.evaluate(WATCH % path)
    begin = time.time()
    send_view(tracker, path)
    seen = float(tab.evaluate("seen"))
    return seen - begin * 1_000


def as_markdown(rows: dict[str, Row]) -> str:
    """Write the results as a table."""
    lines = ["| what | ms | beside | ms | times |", "| --- | ---: | --- | ---: | ---: |"]
    lines += [
        f"| {what} | {value:,.1f} | {beside} | {floor:,.1f} | {value / floor:.3f} |"
        for what, (value, beside, floor) in rows.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(f"{machine()}\n\n{as_markdown(run())}")
