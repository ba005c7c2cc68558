"""The fixtures of the other browser tests."""

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
