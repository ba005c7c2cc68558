"""A documentation project in a git repository, and a tracker that has counted its readers."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from mkdocs_stats_plugin.cli import main
from tests.plugin.sites import Site, forget_plugins
from tests.processes import Process
from tests.server.conftest import session_id
from tracker_server.app import Tracker as App
from tracker_server.app import create_app
from tracker_server.config import Settings

DAY_SECONDS = 86_400


@dataclass
class Project:
    """A repository whose folder `website` is a site. What is written is committed on demand."""

    root: Path

    def __post_init__(self) -> None:
        (self.root / "website").mkdir(parents=True)
        self.site = Site(self.root / "website")
        self.git("init", "--quiet", "--initial-branch=main")
        self.write("index.md", "# Kettle\n")

    def git(self, *command: str) -> str:
        """Run git; returns what it prints."""
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@kettle.example")
        answer = subprocess.run(
            ["git", *identity, *command],
            cwd=self.root,
            env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
            check=True,
            capture_output=True,
            text=True,
        )
        return answer.stdout.strip()

    def write(self, name: str, text: str) -> None:
        """Write a file below `docs_dir`."""
        self.site.write(name, text)

    def docs(self, name: str) -> str:
        """Return the path of a file in the repository."""
        return f"website/docs/{name}"

    def remove(self, *names: str) -> None:
        """Delete files below `docs_dir`."""
        self.git("rm", "--quiet", *map(self.docs, names))

    def move(self, old: str, new: str) -> None:
        """Rename a file below `docs_dir`."""
        (self.root / self.docs(new)).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", self.docs(old), self.docs(new))

    def redirect(self, maps: Mapping[str, str]) -> None:
        """Let mkdocs-redirects have these redirects."""
        own = {"redirects": {"redirect_maps": dict(maps)}}
        self.site.plugins = [*filter(lambda p: not isinstance(p, dict), self.site.plugins), own]

    def commit(self) -> str:
        """Commit all that there is; returns the commit."""
        self.site.configure()
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A step")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str = "work") -> str:
        """Commit, and go on in a branch; returns the commit."""
        commit = self.commit()
        self.git("switch", "--quiet", "--create", name)
        return commit


def run_report(root: Path, *options: str, token: str | None = None) -> Result:
    """Run ``mkdocs-stats pr-report`` on the site of a project."""
    forget_plugins()
    return CliRunner().invoke(
        main,
        ["pr-report", "-f", str(root / "website" / "mkdocs.yml"), *options],
        env={"MKDOCS_STATS_TOKEN": token},
    )


@dataclass(frozen=True)
class Read:
    """What the readers of a page did."""

    readers: int
    again: int = 0
    """How many of them came a second time, a day later."""
    finished: int = 0
    """How many read it to its end."""
    helpful: int = 0
    unhelpful: int = 0
    days_ago: int = 5
    sources: tuple[str, ...] = ()
    """From where the first of them came, one after the other; the rest came from nowhere else."""
    links: tuple[str, ...] = ()
    """Paths that the page links to."""


class Readers:
    """Writes what readers do into a new database, through the interface of a real tracker."""

    def __init__(self, database: Path, manifest: Path) -> None:
        self._now = time.time()
        self._clock = [self._now]
        self._app = create_app(
            Settings(database_url=f"sqlite:///{database}", manifest=str(manifest), rate_limit=0),
            lambda: self._clock[0],
        )
        self._client: FlaskClient = self._app.test_client()
        self._loads = 0

    def read(self, pages: Mapping[str, Read]) -> None:
        """Let readers read these pages, day after day."""
        for days_ago in sorted({what.days_ago - d for what in pages.values() for d in (0, 1)})[
            ::-1
        ]:
            self._clock[0] = self._now - days_ago * DAY_SECONDS
            for path, what in pages.items():
                if what.days_ago == days_ago:
                    self._first(path, what)
                if what.days_ago - 1 == days_ago:
                    self._views(path, what.again, 0)

    def _first(self, path: str, what: Read) -> None:
        self._views(path, what.readers, what.finished, what.sources)
        for rating, times in ((1, what.helpful), (0, what.unhelpful)):
            for number in range(times):
                self._send(path, number, {"t": "event", "n": "feedback", "k": "", "c": rating})

    def _views(self, path: str, readers: int, finished: int, sources: tuple[str, ...] = ()) -> None:
        for number in range(readers):
            self._loads += 1
            source = {"r": sources[number]} if number < len(sources) else {}
            self._send(path, number, {"t": "view", **source})
            depth = 100 if number < finished else 40
            self._send(path, number, {"t": "leave", "v": 90_000, "a": 60_000, "d": depth})

    def close(self) -> None:
        """Let go of the database."""
        tracker: App = self._app.extensions["tracker"]
        tracker.close()

    def _send(self, path: str, number: int, message: dict[str, object]) -> None:
        ids = {"s": session_id(number), "l": f"{self._loads:032x}"}
        answer = self._client.post("/api/collect", data=json.dumps({**message, **ids, "p": path}))
        assert answer.status_code in {202, 204}, answer.headers


def start_tracker(folder: Path, read: Mapping[str, Read], **variables: str) -> Process:
    """Run a tracker that has counted these readers, by path, each page apart from the others."""
    folder.mkdir(exist_ok=True)
    manifest = folder / "manifest.json"
    pages = [
        {
            "path": path,
            "slug": path.strip("/"),
            "title": path,
            "type": "page",
            "published": True,
            "links": [*read[path].links],
        }
        for path in sorted(read)
    ]
    head = {"schema": 1, "site_name": "Kettle", "site_url": None}
    manifest.write_text(
        json.dumps({**head, "pages": [{**page, "words": 9} for page in pages]}), encoding="utf-8"
    )
    readers = Readers(folder / "stats.sqlite3", manifest)
    readers.read(read)
    readers.close()
    url = f"sqlite:///{folder / 'stats.sqlite3'}"
    process = Process(folder, url, STATS_MANIFEST=str(manifest), **variables)
    process.wait_until_it_serves()
    return process
