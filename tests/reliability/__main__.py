"""Puts every promise to the test and writes ``docs/promises.md``; `make promises`.

``python -m tests.reliability P5 P6`` does so for some. With ``LONG=1`` in the environment the
numbers are those for a release. A promise is kept when its script says so, and when its control,
the same script over a tracker that breaks it, says that it is broken.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.machine import machine
from tests.processes import ROOT
from tests.reliability.promises import PAGE, PROMISES, Promise

RESULTS = Path(__file__).with_name("results.json")
DOCUMENT = ROOT / "docs" / "promises.md"
MAX_CELL_CHARS = 420


@dataclass(slots=True)
class Result:
    """What a run of one promise came to."""

    passed: bool
    reached: str
    """What its script printed, the seed included."""
    control: str
    """What its control printed; empty where it has none."""
    date: str
    machine: str


def run(promise: Promise, *, long: bool) -> Result:
    """Run the script of a promise, and its control."""
    code, reached = _run(promise.script + (promise.long if long else ()))
    passed, control = code == 0, ""
    if promise.control:
        code, control = _run(promise.control)
        passed &= code == 1  # Any other is an accident, and shows nothing.
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return Result(passed, reached, control, date, machine())


def _run(arguments: tuple[str, ...]) -> tuple[int, str]:
    command = [sys.executable, "-m", *arguments]
    print("$ python -m", *arguments, flush=True)
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(ended.stdout, end="", flush=True)
    lines = ended.stdout.splitlines()
    return ended.returncode, lines[-2] if len(lines) > 1 else "it ended without a word"


def as_markdown(results: dict[str, Result]) -> str:
    """Write the results as a page."""
    rows = "\n".join(_row(promise, results.get(promise.number)) for promise in PROMISES)
    controls = "\n".join(
        f"| {promise.number} | {promise.control_is} | {_cell(results[promise.number].control)} |"
        for promise in PROMISES
        if promise.control and promise.number in results
    )
    machines = sorted({result.machine for result in results.values()})
    return PAGE.format(rows=rows, controls=controls, machines="; ".join(machines))


def _row(promise: Promise, result: Result | None) -> str:
    verdict, reached = "not run", ""
    if result is not None:
        verdict = "kept" if result.passed else "**broken**"
        reached = f"{_cell(result.reached)} ({result.date})"
    return f"| {promise.number} | {promise.sentence} | {promise.target} | {verdict} | {reached} |"


def _cell(text: str) -> str:
    """Return what a script printed without its number; of many examples the first."""
    text = text.partition(": ")[2].replace("|", "\\|") if text.startswith("P") else text
    if len(text) <= MAX_CELL_CHARS:
        return text
    return f"{text[:MAX_CELL_CHARS].rpartition('; ')[0] or text[:MAX_CELL_CHARS]} …"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability", description=__doc__)
    numbers = [promise.number for promise in PROMISES]
    parser.add_argument("promises", nargs="*", metavar="P1", help=f"of {', '.join(numbers)}")
    options = parser.parse_args()
    if unknown := set(options.promises) - set(numbers):
        parser.error(f"no such promise: {', '.join(sorted(unknown))}")
    results = {number: Result(**row) for number, row in json.loads(RESULTS.read_text()).items()}
    for promise in PROMISES:
        if promise.number in (options.promises or numbers):
            results[promise.number] = run(promise, long=bool(os.environ.get("LONG")))
    rows = {number: asdict(results[number]) for number in numbers if number in results}
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")
    DOCUMENT.write_text(as_markdown(results))
    broken = [number for number, result in results.items() if not result.passed]
    print(f"Wrote {DOCUMENT.relative_to(ROOT)}.", f"Broken: {broken}" if broken else "All kept.")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
