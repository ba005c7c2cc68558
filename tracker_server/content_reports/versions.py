"""Which version of the documentation readers have before them, and who is not on the latest.

What a view says of its version is what its address says, so whether another name of a version
counts as that version is decided when the report is read. Where versions are folders
of one site, they are told by the paths.
"""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pyroaring import BitMap
from sqlalchemy import Connection, select

from tracker_server.database import plain_rows
from tracker_server.queries.breakdown import audience_parts, read_texts
from tracker_server.queries.days import unite
from tracker_server.queries.moved import read_moves
from tracker_server.queries.refs import read_refs
from tracker_server.runs import first_counted_day, read_latest_first
from tracker_server.schema import OTHER
from tracker_server.statements import AUDIENCES, PATHS, TOTALS, VERSIONS
from tracker_server.tables import (
    Column,
    ContentReport,
    Kind,
    Option,
    Table,
    TableQuestion,
    Value,
    share_of,
)
from tracker_server.wire import as_date

OF_THE_LATEST = ("latest", "stable")
"""Names that the latest version has unless the manifest says otherwise."""

_COLUMNS = (
    Column("version", "text"),
    Column("aliases", "list"),
    Column("latest", "flag"),
    Column("views", "number"),
    Column("readers", "number"),
    Column("share", "share"),
    Column("topPage", "page"),
)
_READ = ("path_id", "visitor_id", "audience_id")
_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)")
# A year, or the number of a chapter, is no version.
_FOLDER = re.compile(r"v\d+(?:\.\d+)*|\d+(?:\.\d+)+")


@dataclass(frozen=True, slots=True)
class Versions:
    """What the manifest says of the versions, and what follows for those that views are of."""

    told: Mapping[str, Collection[str]]
    """Each version and its other names."""
    latest: str | None
    """``None`` where no name is that of a release."""
    split: bool
    """Whether other names count by themselves."""

    def name(self, said: str) -> str:
        """Return the version that a view is of, from what its address says."""
        if self.split:
            return said
        return next((name for name, others in self.told.items() if said in others), said)

    def is_latest(self, name: str) -> bool:
        """Whether this is the latest version, or another name of it."""
        return name == self.latest or name in self.told.get(self.latest or "", ())


@dataclass(slots=True)
class _Group:
    """Views of one version."""

    views: int = 0
    readers: BitMap = field(default_factory=BitMap)
    paths: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Views by the id of the path."""
    names: set[str] = field(default_factory=set)
    """What addresses called the version."""


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read how many have which version before them, the most first."""
    own, text = connection.execute(select(TOTALS.c.version, TOTALS.c.versions)).one()
    told: dict[str, list[str]] = json.loads(text or "{}")
    said = {id_: audience_parts(t)[-1] for id_, t in read_texts(connection, AUDIENCES).items()}
    seen = {*read_texts(connection, VERSIONS).values()} - {OTHER}
    named = {*seen, *told, *(name for names in told.values() for name in names)}
    of_paths = _read_folders(connection, named)
    versions = versions_of(
        told, own, {*seen, *of_paths.values()}, split=bool(question.option("split"))
    )
    groups, since = _read_groups(connection, question, versions, said, of_paths)
    everybody = unite(group.readers for group in groups.values())
    behind = unite(g.readers for name, g in groups.items() if not versions.is_latest(name))
    tops = {
        name: max(group.paths, key=lambda path: (group.paths[path], -path))
        for name, group in groups.items()
    }
    refs = read_refs(connection, {*tops.values()})
    rows: list[tuple[Value, ...]] = [
        (
            name,
            tuple(sorted(groups[name].names - {name})),
            versions.is_latest(name),
            group.views,
            len(group.readers),
            share_of(len(group.readers), len(everybody)),
            refs[tops[name]],
        )
        for name, group in sorted(groups.items(), key=_by_readers)
    ]
    facts = {
        "latest": versions.latest,
        "readers": len(everybody),
        "readersNotLatest": len(behind) if versions.latest else None,
        "shareNotLatest": share_of(len(behind), len(everybody)) if versions.latest else None,
        "since": as_date(first_counted_day(connection, question.days, since)),
    }
    kinds: dict[str, Kind] = {"latest": "text", "shareNotLatest": "share", "since": "day"}
    return Table(_COLUMNS, tuple(rows), facts, fact_kinds=kinds)


REPORT = ContentReport("versions", read, (Option("split", 0, 0, 1),))


def versions_of(
    told: Mapping[str, Collection[str]], own: str | None, seen: Iterable[str], *, split: bool
) -> Versions:
    """Work out which version is the latest, and which names are other ones of it.

    Args:
        told: the manifest's versions and their other names.
        own: the version that the manifest is of.
        seen: names that addresses had, which anybody may make up: they tell the latest one only
            where the manifest does not.
        split: whether other names count by themselves.
    """
    known = {**told, **({own: ()} if own and own not in told else {})}
    latest = _latest(known) or _latest(seen)
    others = {name for names in known.values() for name in names}
    free = [name for name in OF_THE_LATEST if name not in known and name not in others]
    if latest:
        known[latest] = (*known.get(latest, ()), *free)
    return Versions(known, latest, split)


def version_of_path(path: str, names: Collection[str]) -> str:
    """Return the version whose folder a path is in; empty where it is in none.

    Args:
        path: site-relative.
        names: what is known to be a version; besides, ``v2`` and ``1.2`` are taken for ones.
    """
    first, slash, _ = path.removeprefix("/").partition("/")
    return first if slash and (first in names or _FOLDER.fullmatch(first)) else ""


def _latest(names: Iterable[str]) -> str | None:
    releases = ((_RELEASE.fullmatch(name), name) for name in names)
    return max(
        ((tuple(map(int, match[1].split("."))), name) for match, name in releases if match),
        default=(None, None),
    )[1]


def _by_readers(entry: tuple[str, _Group]) -> tuple[int, int, str]:
    name, group = entry
    return -len(group.readers), -group.views, name


def _read_folders(connection: Connection, names: Collection[str]) -> dict[int, str]:
    """Return the version whose folder a path is in, by the id of the path."""
    texts = plain_rows(connection, select(PATHS.c.id, PATHS.c.text))
    return {path: name for path, text in texts if (name := version_of_path(text, names))}


def _read_groups(
    connection: Connection,
    question: TableQuestion,
    versions: Versions,
    said: Mapping[int, str],
    of_paths: Mapping[int, str],
) -> tuple[dict[str, _Group], int]:
    """Return the views by version, and the first day that was read; those of none are left out.

    Args:
        connection: for reading.
        question: the days.
        versions: what each name counts as.
        said: the version of an audience, empty where it has none.
        of_paths: that of a path, for views that do not say theirs.
    """
    groups: defaultdict[str, _Group] = defaultdict(_Group)
    if not of_paths and not any(said.values()):
        return groups, question.first_day
    name_of = {name: versions.name(name) for name in {*said.values(), *of_paths.values()}}
    pages = read_moves(connection).pages
    since = question.last_day + 1
    days = question.days
    for day, portions in read_latest_first(connection, days, _READ, [], question.is_late):
        for rows in portions:
            visitors: defaultdict[str, list[int]] = defaultdict(list)
            for path, visitor, audience in rows:
                name = said[audience] or of_paths.get(path, "")
                if name:
                    visitors[name].append(visitor)
                    groups[name_of[name]].paths[pages.get(path, path)] += 1
            for name, some in visitors.items():
                group = groups[name_of[name]]
                group.views += len(some)
                group.readers.update(some)
                group.names.add(name)
        since = day
    return groups, since
