"""Measures everything and writes ``bench/RESULTS.md`` and ``bench/results.json``; `make bench`.

Numbers of one run stand beside the floors of the same run: compare ratios, not times.
"""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import browser, history, ingest
from bench.machine import machine

HERE = Path(__file__).parent
BUILD = HERE.parent / "build" / "bench"


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=30_000, help="of each kind in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--total", type=int, default=1_000_000, help="views sent over HTTP in all")
    parser.add_argument(
        "--history",
        type=int,
        nargs="*",
        default=[100_000, 1_000_000, 4_000_000, 10_000_000],
        help="sizes of the databases that reports are asked of",
    )
    options = parser.parse_args()
    results: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        # First, because the others bind this process to a core.
        "browser": browser.run(),
        "ingest": ingest.run(options.messages, options.rounds, options.total),
        "history": {str(size): history.run(size, BUILD) for size in options.history},
    }
    text = as_markdown(results)
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "RESULTS.md").write_text(text)
    print(text)


def as_markdown(results: dict[str, Any]) -> str:
    """Write the results as tables."""
    return TEMPLATE.format(
        **results,
        ingest_table=_ingest_table(results["ingest"]["figures"]),
        history_table=_history_table(results["history"]),
        browser_table=browser.as_markdown(results["browser"]),
        slowdown=browser.SLOWDOWN,
        loads=browser.LOADS,
        periods=len(browser.PERIODS),
        paths=ingest.PATHS,
        days=history.DAYS,
        history_paths=history.PATHS,
        per_visitor=history.VIEWS_PER_VISITOR,
        referrers=history.REFERRERS,
        questions=history.QUESTIONS,
        reports=history.REPORTS,
        filtered=history.FILTERED,
        pace=history.PACE,
    )


TEMPLATE = """\
# Measured

`make bench` on {date}: {machine}.

The server has one core, the load generator another. Times change with the machine and its
neighbours; the ratio to a floor of the same run holds.

## Ingest

{ingest[connections]} connections, medians of {ingest[rounds]} rounds of {ingest[messages]:,}
messages after {ingest[warm_up]:,} that are not accounted. Every view is of a new session, over
{paths} paths. CPU is that of all processes of a server, by the kernel's account. The floors read
the body and answer 204: one is the tracker's own server with nothing behind it, the other a bare
WSGI application on granian, the leanest WSGI server, with {ingest[wsgi_threads]} threads. Ratios
are to the lower one.

{ingest_table}

- answered with 204: {ingest[answered]:,} views; stored: {ingest[stored]:,}
- resident memory: {ingest[memory_mib][start]:.0f} MiB after the rounds,
  {ingest[memory_mib][end]:.0f} MiB after all views and as many sessions
- bare SQLite, rows of 64 bytes, flushed: {ingest[sqlite_floor][1]:.1f} µs of CPU a row with one row
  to the commit, {ingest[sqlite_floor][16]:.1f} with 16, {ingest[sqlite_floor][64]:.1f} with 64

## History

{days} days, {history_paths} paths of Zipf popularity, {per_visitor} views to a visitor,
{referrers} referrers; written through the tracker's own store and housekeeping. Reports are asked
{questions} times each, those by period {reports} and those with a filter {filtered} times, in
process. Unique visitors are compared with a recount of the raw views.
While the backup is made, {pace} views a second come in.

{history_table}

## Browser

Medians of {loads} loads in Chromium at 1/{slowdown} of the speed of this machine, by its own
account; {periods} changes of the period after each load of the stats page. How long a view takes
to be seen is at full speed, and mostly the wait for the next message of the tracker, one a second.
What stands beside a figure was measured in the same run.

{browser_table}
"""


def _ingest_table(figures: dict[str, dict[str, float]]) -> str:
    floor = min(f["cpu_us"] for kind, f in figures.items() if kind.startswith("no-op"))
    return "\n".join(
        [
            "| message | CPU µs | times no-op | per second | p50 ms | p99 ms |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *(
                f"| {kind} | {f['cpu_us']:.0f} | {f['cpu_us'] / floor:.1f} "
                f"| {f['per_second']:,.0f} | {f['p50_ms']:.1f} | {f['p99_ms']:.1f} |"
                for kind, f in figures.items()
            ),
        ]
    )


def _history_table(part: dict[str, dict[str, float]]) -> str:
    sizes = list(part)
    names = list(next(iter(part.values()), {}))
    heads = [f"{int(size):,} views sent" for size in sizes]
    rows = [[name, *(_figure(name, part[size][name]) for size in sizes)] for name in names]
    lines = [["", *heads], ["---", *("---:" for _ in sizes)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(name: str, value: float) -> str:
    return f"{value:,.0f}" if name == "views counted" else f"{value:,.2f}"


if __name__ == "__main__":
    main()
