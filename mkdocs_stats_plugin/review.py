"""What a branch means for readers: which pages it changes, and which they would miss."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from mkdocs_stats_plugin.branch import Branch
from mkdocs_stats_plugin.readership import Readership

Kind = Literal["added", "changed", "renamed", "deleted"]


class Verdict(Enum):
    """What becomes of a page's address, worst first."""

    LOST = "lost"
    """It leads nowhere, and more readers come to it than may."""
    UNKNOWN = "unknown"
    """It leads nowhere, and how many readers come to it is not known."""
    UNREAD = "unread"
    """It leads nowhere, and few come to it, or none."""
    REDIRECTED = "redirected"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class PageChange:
    """One page that a branch adds, changes, moves to another address or deletes."""

    kind: Kind
    path: str
    """The address that readers know; of an added page the new one."""
    new_path: str | None
    """Of a renamed page."""
    source: str
    """The file that tells its title, as it is now, or was before where it is gone."""
    is_redirected: bool
    target: str | None
    """Of the redirect; nothing with `is_redirected` says that it leads nowhere."""

    @property
    def loses_address(self) -> bool:
        """Whether nothing is at `path` any more."""
        return self.kind in {"renamed", "deleted"} and self.target is None


@dataclass(frozen=True, slots=True)
class Line:
    """A changed page with its figures."""

    change: PageChange
    title: str
    figures: Readership | None
    """Nothing where they are not known, and of an added page."""
    now: int | None
    """How many readers are there at this moment; nothing as above."""
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Review:
    """The report on a branch."""

    base: str
    """The commit that it is compared with."""
    head: str
    lines: tuple[Line, ...]
    """The worst verdict first, then most readers."""
    unplaced: int
    """How many changed posts have addresses that only a build knows."""
    max_readers: int
    """How many readers in 30 days a page may lose its address with."""
    tracker_url: str
    problem: str
    """Why figures are missing; empty where none are."""

    def of(self, *verdicts: Verdict) -> list[Line]:
        """Return the lines with these verdicts."""
        return [line for line in self.lines if line.verdict in verdicts]


def compare_pages(
    branch: Branch,
    before: Mapping[str, str],
    after: Mapping[str, str],
    redirects: Mapping[str, str | None],
) -> list[PageChange]:
    """Find the pages that a branch concerns; those that lose their address come first.

    Args:
        branch: Its files.
        before: The pages at its base: sources by site path.
        after: Those that it has now.
        redirects: Targets by path, nothing for a target that does not exist.
    """
    old_paths = {source: path for path, source in before.items()}
    new_paths = {source: path for path, source in after.items()}
    found: dict[str, PageChange] = {}
    for change in branch.changes:
        old = old_paths.get(change.former or "")
        new = new_paths.get(change.name or "")
        for kind, path, new_path in _kinds(old, new, before, after):
            source = after.get(new_path or path) or before[path]
            redirect = (path in redirects, redirects.get(path))
            found.setdefault(path, PageChange(kind, path, new_path, source, *redirect))
    return sorted(found.values(), key=lambda page: (not page.loses_address, page.path))


def _kinds(
    old: str | None, new: str | None, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[tuple[Kind, str, str | None]]:
    """Say what the change of a file means for the addresses it had and has.

    Another file may have taken the old one, or have had the new one before.
    """
    is_gone = old is not None and old not in after
    is_new = new is not None and new not in before
    if old and new and is_gone and is_new:
        yield "renamed", old, new
        return
    if old:
        yield ("deleted" if is_gone else "changed"), old, None
    if new and new != old:
        yield ("added" if is_new else "changed"), new, None


def judge(change: PageChange, figures: Readership | None, max_readers: int) -> Verdict:
    """Say what becomes of a page's address."""
    if change.kind in {"added", "changed"}:
        return Verdict.KEPT
    if not change.loses_address:
        return Verdict.REDIRECTED
    if figures is None:
        return Verdict.UNKNOWN
    return Verdict.LOST if figures.readers > max_readers else Verdict.UNREAD


def order_lines(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Sort by what matters most to who merges the branch."""
    ranks = {verdict: rank for rank, verdict in enumerate(Verdict)}

    def key(line: Line) -> tuple[int, bool, int, str]:
        readers = line.figures.readers if line.figures else 0
        return ranks[line.verdict], line.change.kind == "added", -readers, line.change.path

    return tuple(sorted(lines, key=key))
