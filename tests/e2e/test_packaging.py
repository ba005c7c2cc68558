"""What a user installs: the built wheel, in an environment that has nothing else, runs the loop."""

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import Loop, build_site, eventually, serving, tracking
from tests.processes import free_port

ROOT = Path(__file__).parents[2]

SHIPPED = {
    "mkdocs_stats_plugin/assets/counters.js",
    "mkdocs_stats_plugin/assets/extras.js",
    "mkdocs_stats_plugin/assets/stats.css",
    "mkdocs_stats_plugin/assets/stats.js",
    "mkdocs_stats_plugin/assets/tracker.js",
    "mkdocs_stats_plugin/py.typed",
    "tracker_server/data/time_zones.json",
    "tracker_server/migrations/env.py",
    "tracker_server/migrations/versions/r0001_first_tables.py",
    "tracker_server/py.typed",
    "tracker_server/static/icon.svg",
    "tracker_server/data/names.json",
    "tracker_server/data/texts.json",
    "tracker_server/static/stats.css",
    "tracker_server/static/stats.js",
    "tracker_server/static/world.svg",
    "tracker_server/templates/report.html",
}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the sdist, and from its contents the wheel."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build"]
    subprocess.run([*build, "-t", "sdist", "-d", folder], cwd=ROOT, check=True, capture_output=True)
    sdist = next(folder.glob("*.tar.gz"))
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    source = folder / sdist.name.removesuffix(".tar.gz")
    subprocess.run(
        [*build, "-t", "wheel", "-d", folder], cwd=source, check=True, capture_output=True
    )
    return sdist, next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(distributions: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Install the wheel with the extra `server` into a clean environment; returns its Python."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    wheel = f"{distributions[1]}[server]"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel],
        check=True,
    )
    return str(python)


def test_wheel_carries_scripts_templates_and_data(distributions: tuple[Path, Path]) -> None:
    """Everything that is read at run time is in the wheel, and nothing that is not ours."""
    with zipfile.ZipFile(distributions[1]) as wheel:
        names = set(wheel.namelist())

    assert names >= SHIPPED
    tops = {name.split("/", maxsplit=1)[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "mkdocs_stats_plugin",
        "tracker_server",
    }


def test_sdist_carries_sources_and_tests(distributions: tuple[Path, Path]) -> None:
    """The source distribution has what is needed to rebuild and to test."""
    with tarfile.open(distributions[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert names >= {
        "js/src/tracker.js", "js/package-lock.json", "tests/contract/messages.json",
        "example_site/mkdocs.yml", "docs/wire.md", "Makefile",
    }  # fmt: skip
    assert not any("node_modules" in name for name in names)


@pytest.mark.parametrize(
    ("command", "said"), [("mkdocs-stats", "pr-report"), ("tracker-server", "run")]
)
def test_installed_wheel_has_the_commands(installed: str, command: str, said: str) -> None:
    """Each is beside its Python and lists what it can do."""
    script = Path(installed).parent / command
    answer = subprocess.run([script, "--help"], check=True, capture_output=True, text=True)

    assert f"\n  {said} " in answer.stdout


def test_installed_wheel_runs_the_loop(installed: str, tmp_path: Path, chromium: Browser) -> None:
    """Plugin and tracker from the wheel: build a site, read it in a browser, see the reader."""
    site_port, tracker_port = free_port(), free_port()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Welcome\n\nHello.\n")
    (tmp_path / "mkdocs.yml").write_text(
        f"site_name: Small\nsite_url: http://127.0.0.1:{site_port}/\nplugins:\n  - stats:\n"
        f"      tracker_url: http://127.0.0.1:{tracker_port}\n      track_local: true\n"
    )
    build_site(tmp_path / "mkdocs.yml", tmp_path / "site", python=installed)
    manifest = str(tmp_path / "site" / "stats-manifest.json")
    options = ("--manifest", manifest)
    with (
        serving(tmp_path / "site", site_port) as site,
        tracking(tmp_path, tracker_port, *options, python=installed) as tracker,
        chromium.new_context() as context,
    ):
        loop = Loop(site, tracker)
        context.new_page().goto(site)
        eventually(lambda: loop.active() == {"/": 1}, "the reader is seen")

        assert loop.stats()["pageStats"] == [
            {"path": "/", "title": "Welcome", "type": "home", "views": 1}
        ]
