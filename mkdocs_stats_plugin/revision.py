"""Which commit a site is built from, if its sources are in a git repository."""

import subprocess
from pathlib import Path

TIMEOUT_SECONDS = 5


def read_commit(folder: Path) -> str | None:
    """Return the commit that a folder's repository stands on.

    Args:
        folder: Of the sources.

    Returns:
        Nothing without git, a repository or a commit, or when git takes too long.
    """
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "HEAD"],  # noqa: S607  # wherever it is
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None
