"""How tests let readers walk through a site."""

from typing import Any

from tests.server.conftest import Site

STEP_SECONDS = 10


def walk(site: Site, reader: int, *paths: str, **keys: Any) -> None:
    """Let a reader view pages one after the other, in one visit if they come within it."""
    for path in paths:
        site.view(path, reader, **keys)
        site.clock.advance(STEP_SECONDS)
