"""What a branch does to the files of a folder, as git tells it.

A branch is compared with where it left its base, so what happened on the base meanwhile is none
of its doing.
"""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_SECONDS = 60

_ADDED, _DELETED, _RENAMED = "A", "D", "R"


class HistoryError(Exception):
    """git cannot tell what a branch does; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file that a branch adds, changes, renames or deletes."""

    former: str | None
    """What it was called before, relative to the folder; nothing where it is new."""
    name: str | None
    """What it is called now; nothing where it is gone."""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch, seen from one folder. Names are relative to it, with forward slashes."""

    base: str
    """The commit where it left its base."""
    head: str
    """Its last commit."""
    changes: tuple[Change, ...]
    before: Mapping[str, str]
    """All files at `base`: their blobs by name."""
    after: Mapping[str, str]
    """All files at `head`."""


def read_branch(folder: Path, base: str) -> Branch:
    """Compare the current commit with where it left another branch.

    Args:
        folder: Somewhere in the working tree.
        base: Name of that branch, here or at ``origin``, or a commit.

    Raises:
        HistoryError: There is no git, repository or commit, no such branch, or nothing
            that the two have in common, as in a shallow clone.
    """
    head = _git(folder, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
    fork = _find_fork(folder, base, head)
    changes = _git(
        *(folder, "diff", "--name-status", "-M", "-z", "--relative", fork, head, "--", "."),
    )
    return Branch(
        fork,
        head,
        tuple(_parse_changes(_names(changes))),
        _list_files(folder, fork),
        _list_files(folder, head),
    )


def read_blobs(folder: Path, blobs: Iterable[str]) -> dict[str, bytes]:
    """Return the contents of files, by blob, in one go."""
    wanted = list(dict.fromkeys(blobs))
    output = _git(folder, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in wanted))
    contents, start = {}, 0
    for blob in wanted:
        end = output.index(b"\n", start)
        size = int(output[start:end].rsplit(b" ", maxsplit=1)[1])
        contents[blob] = output[end + 1 : end + 1 + size]
        start = end + size + 2
    return contents


def _find_fork(folder: Path, base: str, head: str) -> str:
    for name in (base, f"origin/{base}"):
        tip = _try_git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if tip is None or base.startswith("-"):
            continue
        fork = _try_git(folder, "merge-base", tip, head)
        if fork is None:
            raise HistoryError(f"{name} and HEAD have no commit in common{_hint(folder)}")
        return fork
    raise HistoryError(f"there is neither {base} nor origin/{base} here{_hint(folder)}")


def _hint(folder: Path) -> str:
    if _try_git(folder, "rev-parse", "--is-shallow-repository") != "true":
        return ": name the branch that this one is to be merged into, and fetch it"
    return (
        ", because this clone is shallow: let actions/checkout have fetch-depth: 0,"
        " or run git fetch --unshallow"
    )


def _parse_changes(parts: Iterator[str | None]) -> Iterator[Change]:
    """Read what ``--name-status -z`` prints; a name that is no UTF-8 is that of no page."""
    for status in parts:
        kind = (status or "")[:1]
        first = next(parts)
        if kind == _RENAMED:
            change = Change(first, next(parts))
        else:
            change = Change(None if kind == _ADDED else first, None if kind == _DELETED else first)
        if change.former or change.name:
            yield change


def _list_files(folder: Path, commit: str) -> dict[str, str]:
    entries = (entry for entry in _names(_git(folder, "ls-tree", "-r", "-z", commit)) if entry)
    pairs = (entry.partition("\t")[::2] for entry in entries)
    # Mode, type and name of the object; another repository within this one is no blob.
    objects = ((facts.split(" "), name) for facts, name in pairs)
    return {name: blob for (_, kind, blob), name in objects if kind == "blob"}


def _names(output: bytes) -> Iterator[str | None]:
    for part in output.split(b"\0")[:-1]:
        try:
            yield part.decode()
        except UnicodeDecodeError:  # MkDocs cannot make an address of it either.
            yield None


def _try_git(folder: Path, *arguments: str) -> str | None:
    try:
        return _git(folder, *arguments).decode().strip()
    except HistoryError:
        return None


def _git(folder: Path, *arguments: str, given: str = "") -> bytes:
    try:
        answer = subprocess.run(  # noqa: S603  # no shell; names of branches cannot be options
            ["git", *arguments],  # noqa: S607  # wherever it is
            cwd=folder,
            input=given.encode(),
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise HistoryError(f"git {arguments[0]}: {said[0] if said else 'failed'}") from error
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise HistoryError(f"git {arguments[0]}: {error}") from error
    return answer.stdout
