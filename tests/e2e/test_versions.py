"""A documentation in several versions, built by mike: who reads which, in a real Chromium."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import eventually, fetch_json, serving, tracking
from tests.processes import free_port


def _git(folder: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _deploy(folder: Path, *arguments: str) -> None:
    tools = Path(sys.executable).parent
    environ = {
        **os.environ,
        "NO_MKDOCS_2_WARNING": "1",
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",  # It runs MkDocs by its name.
    }
    command = [str(tools / "mike"), "deploy", "--update-aliases", *arguments]
    subprocess.run(command, cwd=folder, env=environ, check=True, capture_output=True)


def _published(repository: Path, folder: Path) -> Path:
    """Return what a host serves of the branch, with the links of the aliases."""
    archive = _git(repository, "archive", "gh-pages")
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, Path]]:
    """Publish 1.0, then 1.1 as the latest; yields the addresses of site and tracker."""
    folder = tmp_path_factory.mktemp("versions")
    sources, (site_port, tracker_port) = folder / "kettle", (free_port(), free_port())
    (sources / "docs").mkdir(parents=True)
    (sources / "docs" / "index.md").write_text("# Kettle\n\n[Guide](guide.md)\n")
    (sources / "docs" / "guide.md").write_text("# Guide\n\nIt boils.\n")
    settings = {
        "site_name": "Kettle",
        "site_url": f"http://127.0.0.1:{site_port}/kettle/",
        "theme": {"name": "material", "font": False, "features": ["navigation.instant"]},
        "plugins": [
            "search",
            "mike",
            {
                "stats": {
                    "tracker_url": f"http://127.0.0.1:{tracker_port}",
                    "track_local": True,
                }
            },
        ],
    }
    (sources / "mkdocs.yml").write_text(json.dumps(settings))
    _git(folder, "init", "-q", "-b", "main", str(sources))
    _git(sources, "config", "user.name", "Ada")
    _git(sources, "config", "user.email", "ada@kettle.example")
    _git(sources, "add", ".")
    _git(sources, "commit", "-q", "-m", "Begin")
    _deploy(sources, "1.0", "latest")
    _deploy(sources, "1.1", "latest")
    site = _published(sources, folder / "site" / "kettle")
    manifest = site / "1.1" / "stats-manifest.json"
    with (
        serving(folder / "site", site_port) as address,
        tracking(folder, tracker_port, "--manifest", str(manifest)) as tracker,
    ):
        yield f"{address}/kettle", tracker, site


def _report(tracker: str, **options: object) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in options.items())
    return fetch_json(f"{tracker}/api/content/versions?period=today&{asked}")


def test_the_manifest_says_which_versions_there_are(book: tuple[str, str, Path]) -> None:
    """What mike has published, this one, and the names that go over to it."""
    _, _, site = book
    first = json.loads((site / "1.0" / "stats-manifest.json").read_text())
    assert (first["version"], first["versions"]) == ("1.0", {"1.0": []})
    second = json.loads((site / "1.1" / "stats-manifest.json").read_text())
    assert (second["version"], second["versions"]) == ("1.1", {"1.1": ["latest"], "1.0": []})
    assert (site / "latest").is_symlink()


def test_readers_are_told_by_the_version_they_read(
    book: tuple[str, str, Path], chromium: Browser
) -> None:
    """By the alias in the address too, one page is one page, and instant navigation is counted."""
    site, tracker, _ = book
    for start in ("/1.0/", "/1.0/guide/", "/1.1/", "/latest/"):
        context = chromium.new_context()
        page = context.new_page()
        page.goto(site + start)
        page.wait_for_timeout(900)
        if start == "/latest/":
            page.get_by_role("link", name="Guide").first.click()
            page.wait_for_url("**/latest/guide/")
            page.wait_for_timeout(900)
        context.close()

    def views() -> int:
        return int(fetch_json(f"{tracker}/api/stats")["totalPageViews"])

    eventually(lambda: views() == 5, "all views are counted")
    assert {
        row["path"]: row["views"] for row in fetch_json(f"{tracker}/api/stats")["pageStats"]
    } == {"/": 3, "/guide/": 2}

    def split() -> list[tuple[Any, ...]]:
        return [(row["version"], row["views"]) for row in _report(tracker, split=1)["rows"]]

    eventually(
        lambda: sorted(split()) == [("1.0", 2), ("1.1", 1), ("latest", 2)],
        "each name is counted by itself",
        15,
    )
    merged = _report(tracker)
    assert [
        (row["version"], row["aliases"], row["latest"], row["views"], row["readers"])
        for row in merged["rows"]
    ] == [("1.1", ["latest"], True, 3, 2), ("1.0", [], False, 2, 2)]
    facts = merged["facts"]
    assert (facts["latest"], facts["readers"], facts["readersNotLatest"]) == ("1.1", 4, 2)
    assert facts["shareNotLatest"] == 0.5
