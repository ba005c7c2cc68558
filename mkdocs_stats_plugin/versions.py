"""Which versions of a documentation there are, as mike keeps them in the branch it deploys to."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mkdocs_stats_plugin.reading import is_writable

MAX_VERSIONS = 500
MAX_ALIASES = 20
MAX_NAME_CHARS = 100
"""How long the names of a version, a commit and a state may be; the rest is cut."""
TIMEOUT_SECONDS = 10

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)")

Versions = Mapping[str, tuple[str, ...]]
"""By the name of each version, its other names."""


def read_versions(folder: Path, branch: str, prefix: str = "") -> Versions:
    """Read the versions that are published.

    Args:
        folder: Somewhere in the working tree of the repository that is deployed from.
        branch: Where mike keeps the site.
        prefix: The folder of it in which the versions are.

    Returns:
        Nothing where nothing is published yet, or git cannot tell.
    """
    name = "/".join(filter(None, (prefix.strip("/"), "versions.json")))
    try:
        answer = subprocess.run(  # noqa: S603  # no shell, and the name of a branch is no option
            ["git", "cat-file", "blob", f"refs/heads/{branch}:{name}"],  # noqa: S607
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
        rows: object = json.loads(answer.stdout)
    except (OSError, ValueError, RecursionError, subprocess.SubprocessError):
        return {}
    return dict([*_pairs(rows)][:MAX_VERSIONS]) if isinstance(rows, list) else {}


def with_version(versions: Versions, built: str) -> Versions:
    """Add the version that is being built.

    A greater release takes over the other names of the one that was greatest, as
    ``mike deploy --update-aliases`` lets it do once the build is over.
    """
    if built in versions:
        return versions
    releases = [(number, name) for name in versions if (number := release_of(name))]
    number, before = max(releases, default=(None, ""))
    own = release_of(built)
    if number is None or own is None or own < number:
        return {built: (), **versions}
    return {built: versions[before], **versions, before: ()}


def release_of(name: str) -> tuple[int, ...] | None:
    """Return the numbers of a release such as ``1.2`` or ``v3``; ``None`` for another name."""
    match = _RELEASE.fullmatch(name)
    return tuple(map(int, match[1].split("."))) if match else None


def _pairs(rows: list[object]) -> list[tuple[str, tuple[str, ...]]]:
    """Return what can be understood of mike's list."""
    found = []
    for row in rows:
        if isinstance(row, dict) and _is_name(version := row.get("version")):
            names = row.get("aliases")
            aliases = [name for name in names if _is_name(name)] if isinstance(names, list) else []
            found.append((str(version), tuple(aliases[:MAX_ALIASES])))
    return found


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME_CHARS and is_writable(value)
