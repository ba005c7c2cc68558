"""Real git repositories for the tests."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

AUTHOR = "Ada Lovelace"


@dataclass(frozen=True)
class Repository:
    """A repository in a folder, with one author who commits at noon."""

    root: Path

    def git(self, *command: str, day: str = "2026-01-01", committed: str = "2026-11-01") -> str:
        """Run git on some day; returns what it prints.

        The committer's clock is another than the author's, so that a test sees whose is taken.
        """
        env = {
            **os.environ,
            "GIT_AUTHOR_DATE": day if {"T", "@"} & {*day} else f"{day}T12:00:00+0000",
            "GIT_COMMITTER_DATE": f"{committed}T12:00:00+0000",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        identity = ("-c", f"user.name={AUTHOR}", "-c", "user.email=ada@kettle.example")
        answer = subprocess.run(
            ["git", *identity, *command],
            cwd=self.root,
            env=env,
            check=True,
            capture_output=True,
            text=True,
        )
        return answer.stdout.strip()

    def commit(self, day: str, committed: str = "2026-11-01") -> str:
        """Commit whatever is in the folder; returns the commit."""
        self.git("add", "--all")
        command = ("commit", "--quiet", "--allow-empty", "--message", f"On {day}")
        self.git(*command, day=day, committed=committed)
        return self.git("rev-parse", "HEAD")

    def move(self, old: str, new: str) -> None:
        """Rename a file."""
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        self.git("mv", "--", old, new)

    def publish(self, versions: str, name: str = "versions.json") -> None:
        """Write mike's list of versions into the branch of the site, as a deployment does."""
        self.git("checkout", "--quiet", "--orphan", "deployed")
        file = self.root / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(versions)
        self.git("add", "--force", name)
        self.git("commit", "--quiet", "--message", "Deploy")
        self.git("branch", "--move", "--force", "gh-pages")
        self.git("checkout", "--quiet", "--force", "main")


def new_repository(root: Path) -> Repository:
    """Make an empty repository."""
    root.mkdir(parents=True, exist_ok=True)
    repository = Repository(root)
    repository.git("init", "--quiet", "--initial-branch=main")
    return repository
