"""When each page was written and what its file was called before, read from git in one go.

One process reads the history of a whole folder: one for each page would take longer than the
build. Nobody's name is asked for.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT_SECONDS = 30

_COMMIT, _SEPARATOR = "\x01", "\x02"
# Whatever the user's configuration says. Of the refs none is named: what is left are the marks of
# commits whose parents a shallow clone has not.
_LOG = (
    *("git", "log", "-z", "--topo-order", "--root", "--no-show-signature"),
    *("--date=short", f"--format={_COMMIT}%ad{_SEPARATOR}%D", "--decorate-refs=refs/none"),
    *("--name-status", "-M", "--relative", "--", "."),
)
_CUT = "grafted"
# A clock that is wrong may name the year 10000, or none at all.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOVED_UNCHANGED = "R100"


@dataclass(frozen=True, slots=True)
class Past:
    """What git knows of one file. Days are ``YYYY-MM-DD``, the authors' own."""

    created: str | None = None
    updated: str | None = None
    names: tuple[str, ...] = ()
    """Under which it was kept before, newest first."""


@dataclass(frozen=True, slots=True)
class History:
    """What git knows of a folder."""

    files: Mapping[str, Past]
    """By name relative to the folder, with forward slashes."""
    cut: bool
    """The clone is shallow: of some files the beginning is not known."""


def read_history(folder: Path) -> History | None:
    """Read the history of the files in a folder.

    Args:
        folder: Somewhere in the working tree of a repository with a commit.

    Returns:
        Nothing where git fails or takes longer than `TIMEOUT_SECONDS`.
    """
    try:
        answer = subprocess.run(  # noqa: S603  # nothing in it comes from outside
            _LOG,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    # As file names are decoded, so that those that are no UTF-8 are equal to MkDocs's.
    return _follow(_parse(answer.stdout.decode("utf-8", "surrogateescape")))


@dataclass(frozen=True, slots=True)
class _Change:
    """What a commit did to a file."""

    status: str
    """As git has it: a letter, and for a move how similar the files are."""
    name: str
    before: str | None
    """What the file was called, where it was moved."""


@dataclass(frozen=True, slots=True)
class _Commit:
    day: str
    cut: bool
    changes: list[_Change] = field(default_factory=list)


def _parse(log: str) -> Iterator[_Commit]:
    """Yield the commits of a log, children before their parents."""
    commit = None
    parts = iter(log.split("\0"))
    for part in parts:
        word = part.lstrip("\n")
        if word.startswith(_COMMIT):
            if commit:
                yield commit
            day, _, marks = word[1:].partition(_SEPARATOR)
            commit = _Commit(day, _CUT in marks)
        elif word and commit:
            before = next(parts) if word[0] == "R" else None
            commit.changes.append(_Change(word, next(parts), before))
    if commit:
        yield commit


@dataclass(slots=True)
class _Trace:
    """What is known of a file so far, going back in time."""

    touched: list[str] = field(default_factory=list)
    """The days of all commits that have it."""
    changed: list[str] = field(default_factory=list)
    """The days of those that changed what is in it."""
    names: list[str] = field(default_factory=list)
    cut: bool = False
    steady: bool = True
    """No commit made, moved or deleted it, as far as was read."""

    def note(self, change: _Change, commit: _Commit) -> None:
        """Take up what a commit did."""
        if commit.cut:  # It has every file, whoever wrote it and when.
            self.cut = True
            return
        self.steady = self.steady and change.status[0] not in "ADR"
        if not _DAY.fullmatch(commit.day):
            return
        self.touched.append(commit.day)
        if change.status != _MOVED_UNCHANGED:
            self.changed.append(commit.day)

    def past(self) -> Past:
        """Say what came out."""
        created = None if self.cut else min(self.touched, default=None)
        return Past(created, max(self.changed, default=created), tuple(self.names))


def _follow(commits: Iterator[_Commit]) -> History:
    """Follow each file back through the names it had."""
    walk = _Walk()
    cut = False
    for commit in commits:
        walk.go(commit)
        cut = cut or (commit.cut and bool(commit.changes))
    return History({name: trace.past() for name, trace in walk.traces.items()}, cut)


class _Walk:
    """The way back through the commits, so far."""

    def __init__(self) -> None:
        self.traces: dict[str, _Trace] = {}
        """By what a file is called in the end."""
        self._heirs: dict[str, str | None] = {}
        """By the name of a file then: what it is called in the end; nothing for another file."""
        self._taken: set[str] = set()

    def go(self, commit: _Commit) -> None:
        """Take one step back."""
        for change in commit.changes:
            name = self._heirs.get(change.name, change.name)
            if name is None:
                continue
            self.traces.setdefault(name, _Trace()).note(change, commit)
            if change.before:
                # What had this name before that is another file.
                self._heirs[change.name] = None
                self._move(change.before, name)

    def _move(self, before: str, name: str) -> None:
        """Take up that the file `name` was called `before`."""
        self._heirs[before] = name
        # A file that had the name later keeps it.
        if before not in self._taken and before != name:
            self._taken.add(before)
            self.traces[name].names.append(before)
        # What another branch did to the file under this name before the two were merged.
        other = self.traces.get(before)
        if other and other.steady:
            self.traces[name].touched += other.touched
            self.traces[name].changed += other.changed
            del self.traces[before]
