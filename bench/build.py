"""What the plugin costs a build: its own time by event, and its share; ``python -m bench.build``.

The site is made up: pages in sections that all stand in the navigation, with links and code, in a
git repository in which pages were changed and moved. Shares are of builds in this very process, so
they hold where times do not.
"""

import argparse
import json
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig

from bench.machine import machine
from mkdocs_stats_plugin.plugin import StatsPlugin

SECTION = 50
COMMITS = 40
PARAGRAPH = (
    "The kettle runs each job once and tells you what happened. A job that fails is tried again "
    "after a while, and a job that takes too long is stopped. See [the next one]({next}) or "
    "[its second part]({other}#second-part), and <https://kettle.example/{number}>.\n\n"
)
CODE = "```python\n" + "".join(f"result = run(job, attempt={n})\n" for n in range(6)) + "```\n\n"


def make_site(root: Path, pages: int, theme: str) -> Path:
    """Write the site and its history; returns its `mkdocs.yml`."""
    names = [f"part-{n // SECTION}/page-{n}.md" for n in range(pages)]
    nav: list[object] = ["index.md"]
    nav += [{f"Part {n // SECTION}": names[n : n + SECTION]} for n in range(0, len(names), SECTION)]
    (root / "docs").mkdir()
    (root / "docs/index.md").write_text("# Kettle\n")
    for number, name in enumerate(names):
        file = root / "docs" / name
        file.parent.mkdir(exist_ok=True)
        links = {"next": f"../{names[number - 1]}", "other": f"../{names[number // 2]}"}
        parts = (PARAGRAPH.format(number=number, **links) * 2, CODE, "## Second part\n\n")
        file.write_text(
            f"# Page {number}\n\n" + "".join(parts) + PARAGRAPH.format(number=0, **links)
        )
    settings = {
        "site_name": "Kettle",
        "site_url": "https://docs.example/kettle/",
        "theme": theme,
        "nav": nav,
        "markdown_extensions": ["fenced_code", {"toc": {"permalink": True}}],
        "plugins": ["search", {"stats": {"tracker_url": "https://stats.example"}}],
    }
    config = root / "mkdocs.yml"
    config.write_text(json.dumps(settings))
    _commit(root, names)
    return config


def _commit(root: Path, names: list[str]) -> None:
    """Make a history: each commit changes some pages, and every page was moved once."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@kettle.example", "-c", "gc.auto=0")

    def git(*command: str) -> None:
        subprocess.run(["git", *identity, *command], cwd=root, check=True)

    git("init", "--quiet")
    (root / "docs").rename(root / "docs-now")
    for name in names:
        old = root / "docs/old" / name
        old.parent.mkdir(parents=True, exist_ok=True)
        old.write_bytes((root / "docs-now" / name).read_bytes())
    git("add", "docs")
    git("commit", "--quiet", "-mFirst")
    git("rm", "-r", "--quiet", "docs")
    (root / "docs-now").rename(root / "docs")
    git("add", "docs")
    git("commit", "--quiet", "-mMove")
    for number in range(COMMITS):
        for name in names[number::COMMITS]:
            with (root / "docs" / name).open("a") as file:
                file.write("\nRevised.\n")
        git("commit", "--quiet", "-a", f"-mRevise {number}")


def measure(config_file: Path) -> tuple[float, dict[str, float]]:
    """Build as in a new process; returns the seconds of all, and of the plugin by event."""
    # MkDocs keeps plugin objects for the life of a process, and ours what it read of git.
    schema = cast("dict[str, Any]", dict(MkDocsConfig._schema))  # noqa: SLF001
    schema["plugins"].plugin_cache.clear()
    config = load_config(str(config_file))
    spent: dict[str, float] = defaultdict(float)
    for event, methods in config.plugins.events.items():
        methods[:] = [
            _timed(method, event, spent)
            if isinstance(getattr(method, "__self__", None), StatsPlugin)
            else method
            for method in methods
        ]
    config.plugins.on_startup(command="build", dirty=False)
    start = time.perf_counter()
    build(config)
    return time.perf_counter() - start, spent


def _timed(
    method: Callable[..., object], event: str, spent: dict[str, float]
) -> Callable[..., object]:
    def run(*arguments: object, **named: object) -> object:
        start = time.perf_counter()
        try:
            return method(*arguments, **named)
        finally:
            spent[event] += time.perf_counter() - start

    return run


def main() -> None:
    """Build the site some times and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m bench.build", description=__doc__)
    parser.add_argument("--pages", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--theme", default="mkdocs")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        config_file = make_site(Path(folder), options.pages, options.theme)
        rounds = [measure(config_file) for _ in range(options.rounds)]
        size = (Path(folder) / "site/stats-manifest.json").stat().st_size
    print(f"{machine()}; {options.pages:,} pages, theme {options.theme}")
    own = statistics.median(sum(spent.values()) for _, spent in rounds)
    share = statistics.median(sum(spent.values()) / whole for whole, spent in rounds)
    for event in rounds[0][1]:
        seconds = statistics.median(spent[event] for _, spent in rounds)
        print(f"{event:>16} {seconds * 1e6 / options.pages:8.1f} µs a page")
    print(f"{'all':>16} {own * 1e6 / options.pages:8.1f} µs a page, {share:.2%} of the build")
    print(f"{'build':>16} {statistics.median(whole for whole, _ in rounds):8.1f} s")
    print(f"{'manifest':>16} {size / options.pages:8.0f} bytes a page")


if __name__ == "__main__":
    main()
