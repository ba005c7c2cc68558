"""The fixtures of the other browser tests, and what is said of tests that need another Chromium."""

import pytest

from tests.e2e.chrome import MISSING, is_whole
from tests.e2e.conftest import (
    chrome,
    chromium,
    collector,
    example_site,
    library,
    loop,
    open_page,
    ports,
    reader,
)

__all__ = [
    "chrome",
    "chromium",
    "collector",
    "example_site",
    "library",
    "loop",
    "open_page",
    "ports",
    "reader",
]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what a headless shell cannot do."""
    if item.get_closest_marker("whole") and not is_whole():
        pytest.skip(MISSING)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly how many were left out, and what to do about it: they have shown nothing."""
    skipped = terminalreporter.stats.get("skipped", [])
    if count := sum(MISSING in str(report.longrepr) for report in skipped):
        terminalreporter.section("NOT RUN", sep="!", red=True, bold=True)
        terminalreporter.line(f"{count} browser tests were NOT RUN. {MISSING}", red=True)
