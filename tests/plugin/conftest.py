"""What the plugin's tests share."""

from pathlib import Path

import pytest

from tests.plugin.sites import Site, forget_plugins


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Give a site of three pages, to be built as in a new process."""
    forget_plugins()
    # Else each build with Material writes a message about MkDocs 2.
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    site = Site(tmp_path)
    site.write("index.md", "# Kettle\n\nWelcome.\n")
    site.write("guide/install.md", "# Install\n\n## From a release\n\nUnpack it.\n")
    site.write("guide/index.md", "# Guide\n")
    return site
