"""What history costs: bytes on disk, and reports that must not grow with it.

Fills a database with the views of 90 days through the tracker's own store, in batches and
with its own housekeeping, then asks what the stats page asks.
"""

import gc
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import accumulate
from pathlib import Path

from bench.ingest import endless_views, manifest
from bench.load import send_paced
from bench.process import memory_mib, running
from tracker_server.app import Tracker, create_app
from tracker_server.config import Settings
from tracker_server.database import open_reader
from tracker_server.model import (
    Received,
    View,
)
from tracker_server.packing import SECONDS_PER_DAY, day_of
from tracker_server.queries.days import unique_visitors
from tracker_server.schema import WHOLE_SITE

DAYS = 90
PATHS = 500
VIEWS_PER_VISITOR = 50
PAGES_PER_VISIT = 4
REFERRERS = 400
BATCH = 500
CLEANUP_SECONDS = 3_600
QUESTIONS = 200
REPORTS = 50
FILTERED = 5
PAGES, PAGE_DAYS = 20, 60
"""How many views of the page are asked for over HTTP, and of how many days the longer ones."""
WARM_UP_SECONDS = 2.0
"""A tracker that has just started makes itself ready for the first look."""
PERIODS = ("today", "7d", "30d", "90d", "all")
FILTERS: dict[str, dict[str, str]] = {
    "30d of a page": {"page": "/guide/1/"},
    "30d of a country": {"country": "AT"},
    "30d of a referrer": {"referrer": "site1.example"},
    "all of a country": {"country": "AT", "period": "all"},
}
"""Reports that read raw views, and how often these are asked."""
PORT = 8403
PACE = 500
"""Views a second while a backup is made."""
PACED_SECONDS = 5.0
_ODD = 0x9E37_79B9_7F4A_7C15


def stream(views: int, end: int) -> Iterator[list[Received]]:
    """Yield batches of views: readers come again and again, popular pages are read more often."""
    dice = random.Random(views)
    visitors = max(1, views // VIEWS_PER_VISITOR)
    popularity = list(accumulate(1 / (rank + 1) ** 1.05 for rank in range(PATHS)))
    paths = [f"/guide/{n}/" for n in range(PATHS)]
    referrers = ["", *(f"site{n}.example" for n in range(REFERRERS))]
    audiences = [(c, c.lower(), d) for c in ("AT", "DE", "IN", "US") for d in ("small", "large")]
    begin, load = end - DAYS * SECONDS_PER_DAY, 0
    batch: list[Received] = []
    while load < views:
        at = begin + load * DAYS * SECONDS_PER_DAY // views
        visitor = dice.randrange(visitors) * _ODD % (1 << 63)
        referrer, audience = dice.choice(referrers), dice.choice(audiences)
        for path in dice.choices(paths, cum_weights=popularity, k=PAGES_PER_VISIT):
            view = View(visitor, load * _ODD % (1 << 63), path, referrer, *audience)
            batch.append(Received(at, view))
            load, referrer = load + 1, ""
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def fill(file: Path, views: int, end: int) -> dict[str, float]:
    """Write the stream; returns CPU per view and the longest step of housekeeping."""
    tracker = _open(file)
    gc.collect()
    gc.freeze()  # As the server does.
    steps = []
    cleaned, cpu = 0, time.process_time()
    for batch in stream(views, end):
        tracker.store.write(batch)
        if batch[-1].at - cleaned >= CLEANUP_SECONDS:
            cleaned, complete = batch[-1].at, False
            while not complete:
                begin = time.perf_counter()
                complete = tracker.store.clean_up(cleaned)
                steps.append(time.perf_counter() - begin)
    while not tracker.store.clean_up(end):  # A running tracker does so every five minutes.
        pass
    cpu = time.process_time() - cpu
    tracker.close()
    return {
        "CPU of store and housekeeping, µs a view": cpu / views * 1e6,
        "step of housekeeping, ms p99": _quantile(steps, 0.99),
        "step of housekeeping, ms max": max(steps) * 1e3,
    }


def ask(file: Path, end: int) -> dict[str, float]:
    """Time what the stats page asks, in a process that does nothing else."""
    dice = random.Random(1)
    tracker = _open(file)
    gc.collect()
    gc.freeze()  # As the server does.
    last = day_of(end)
    with closing(open_reader(tracker.engine)) as connection:

        def uniques(path_id: int) -> None:
            first = dice.randrange(last - DAYS, last - 29)
            unique_visitors(connection, first, first + 29, path_id)

        def report(**parameters: str) -> Callable[[], None]:
            def read() -> None:
                tracker.reports.forget()  # as if ten seconds had passed
                tracker.reports.answer(parameters)

            return read

        def snapshot() -> None:
            tracker.live._snapshot = None  # noqa: SLF001  # as if a second had passed
            tracker.live.snapshot()

        times = {
            "stats payload": _timed(snapshot),
            "unique visitors of 30 days, site": _timed(lambda: uniques(WHOLE_SITE)),
            "unique visitors of 30 days, page": _timed(lambda: uniques(dice.randint(2, PATHS))),
            **{f"report, {p}": _timed(report(period=p), REPORTS) for p in PERIODS},
            **{
                f"report, {name}": _timed(report(**parameters), FILTERED)
                for name, parameters in FILTERS.items()
            },
        }
        exact = all(
            unique_visitors(connection, first, first + 29, WHOLE_SITE)
            == _recounted(connection, first, first + 29)
            for first in (last - 60, last - 29)
        )
        views = connection.exec_driver_sql("SELECT count(*) FROM view").scalar_one()
    tracker.close()
    if not exact:
        raise SystemExit("unique visitors differ from a recount of the raw views")
    figures = {f"{name}, ms {q}": value for name, qs in times.items() for q, value in qs.items()}
    return {"views counted": views, "bytes on disk a view": file.stat().st_size / views, **figures}


def serve(file: Path) -> dict[str, float]:
    """Start the real server on the database; returns seconds to the first answer and memory.

    The page is asked for other days each time, else the answer would be one that is remembered.
    """
    command = [sys.executable, "-m", "tracker_server", "run", "--port", str(PORT)]
    command += ["--database-url", f"sqlite:///{file}"]
    with running(command, PORT, str(file.parent)) as (pid, seconds):
        time.sleep(WARM_UP_SECONDS)
        first = {
            f"{name}, first answer, ms": _milliseconds(address)
            for name, address in (("stats", "/api/stats"), ("page of 30 days", "/stats"))
        }
        pages = {
            f"page of {days} days, ms {quantile}": value
            for days in (30, PAGE_DAYS)
            for quantile, value in _pages(days).items()
        }
        return {
            "start to the first answer, s": seconds,
            "memory, MiB": memory_mib(pid),
            **first,
            **pages,
        }


def _pages(days: int) -> dict[str, float]:
    """Time the whole page of so many days, which end today or some days before."""
    ends = iter(range(PAGES + 1))

    def ask_once() -> None:
        end = next(ends)
        _milliseconds(f"/stats?from={_day(1 - days - end)}&to={_day(-end)}")

    return _timed(ask_once, PAGES)


def _milliseconds(address: str) -> float:
    begin = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{address}") as answer:
        answer.read()
    return (time.perf_counter() - begin) * 1e3


def back_up(file: Path) -> dict[str, float]:
    """Copy the database while views come in; returns what the views waited, without and with."""
    target = file.with_suffix(".copy")
    target.unlink(missing_ok=True)
    url = ["--database-url", f"sqlite:///{file}"]
    command = [sys.executable, "-m", "tracker_server"]
    bodies = endless_views(2)
    with running([*command, "run", "--port", str(PORT), *url], PORT, str(file.parent)):
        without = send_paced(PORT, bodies, PACE, lambda seconds: seconds < PACED_SECONDS)
        begin = time.perf_counter()
        with subprocess.Popen(
            [*command, "backup", *url, str(target)], stdout=subprocess.DEVNULL
        ) as copying:
            during = send_paced(PORT, bodies, PACE, lambda _seconds: copying.poll() is None)
        seconds = time.perf_counter() - begin
    if copying.returncode:
        raise SystemExit("the backup failed")
    size = target.stat().st_size / 2**20
    target.unlink()
    return {
        "backup, MiB": size,
        "backup, s": seconds,
        "views meanwhile, p99 ms": during[int(0.99 * len(during))],
        "views without a backup, p99 ms": without[int(0.99 * len(without))],
    }


def run(views: int, folder: Path) -> dict[str, float]:
    """Fill, ask and serve a database of so many views; the file stays for a second look."""
    folder.mkdir(parents=True, exist_ok=True)
    file, end = folder / f"history-{views}.sqlite3", int(time.time())
    for old in folder.glob(f"{file.name}*"):
        old.unlink()
    manifest(folder)
    return fill(file, views, end) | ask(file, end) | serve(file) | back_up(file)


def _open(file: Path) -> Tracker:
    manifest_path = str(file.parent / "stats-manifest.json")
    app = create_app(Settings(database_url=f"sqlite:///{file}", manifest=manifest_path))
    tracker: Tracker = app.extensions["tracker"]
    return tracker


def _recounted(connection: object, first: int, last: int) -> int:
    sql = "SELECT count(DISTINCT visitor_id) FROM view WHERE at >= ? AND at < ?"
    span = (first * SECONDS_PER_DAY, (last + 1) * SECONDS_PER_DAY)
    count: int = connection.exec_driver_sql(sql, span).scalar_one()  # type: ignore[attr-defined]
    return count


def _timed(ask_once: Callable[[], None], times_asked: int = QUESTIONS) -> dict[str, float]:
    ask_once()
    times = []
    for _ in range(times_asked):
        begin = time.perf_counter()
        ask_once()
        times.append(time.perf_counter() - begin)
    return {"p50": statistics.median(times) * 1e3, "p99": _quantile(times, 0.99)}


def _quantile(seconds: list[float], share: float) -> float:
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e3


def _day(offset: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + offset * SECONDS_PER_DAY))
