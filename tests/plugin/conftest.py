"""What the plugin's tests share."""

from pathlib import Path

import pytest

from tests.plugin.sites import Site, forget_plugins, write_kettle


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Give a site of three pages, to be built as in a new process."""
    forget_plugins()
    # Else each build with Material writes a message about MkDocs 2.
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    return write_kettle(tmp_path)
