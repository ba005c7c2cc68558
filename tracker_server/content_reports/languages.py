"""Readers whose browser speaks another language than the page they view.

Of a site in several languages it says for each page which translations its readers lack, or have
and do not use; of a site in one language, who would read a translation.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pyroaring import BitMap
from sqlalchemy import Connection, select

from tracker_server.database import plain_rows
from tracker_server.queries.breakdown import audience_parts, read_texts
from tracker_server.queries.moved import read_moves
from tracker_server.queries.refs import read_refs
from tracker_server.queries.site_pages import IS_OFFERED
from tracker_server.runs import first_counted_day, read_latest_first
from tracker_server.schema import OTHER
from tracker_server.statements import AUDIENCES, PAGES, PATHS
from tracker_server.tables import (
    FEWEST_READERS,
    Column,
    ContentReport,
    Table,
    TableQuestion,
    Value,
    share_of,
)
from tracker_server.wire import as_date

_BY_PAGE = (
    Column("language", "language"),
    Column("path", "page"),
    Column("views", "number"),
    Column("readers", "number"),
    Column("translated", "flag"),
)
_BY_LANGUAGE = (
    Column("language", "language"),
    Column("views", "number"),
    Column("readers", "number"),
    Column("share", "share"),
    Column("topPage", "page"),
)
_COLUMNS = ("path_id", "visitor_id", "audience_id")

_Key = TypeVar("_Key")
_Rows = tuple[tuple[Value, ...], ...]


@dataclass(slots=True)
class _Group:
    """Views by readers of a language, and whose they were."""

    views: int = 0
    readers: BitMap = field(default_factory=BitMap)

    def add(self, visitors: Collection[int]) -> None:
        """Add the views of these visitors."""
        self.views += len(visitors)
        self.readers.update(visitors)


@dataclass(slots=True)
class _Seen:
    """What the views of some days come to; languages are primary subtags."""

    since: int
    """The first day that was read."""
    foreign: defaultdict[tuple[str, int], _Group] = field(
        default_factory=lambda: defaultdict(_Group)
    )
    """By the language of the reader, which is not that of the page, and the id of the path."""
    views: int = 0
    """Of pages whose language is known, by readers whose language is."""


@dataclass(frozen=True, slots=True)
class _Pages:
    """The pages whose language is known."""

    languages: Mapping[int, str]
    """By the id of the path."""
    alternates: Mapping[int, Collection[str]]
    """In which languages a page is there, by the id of the path of each."""

    def has(self, path: int, language: str) -> bool:
        """Whether a page is there in a language."""
        return language in self.alternates[path]


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read which languages readers have and pages do not."""
    pages = _read_pages(connection)
    seen = _read_seen(connection, question, pages.languages)
    languages = len({*pages.languages.values()})
    if languages > 1:
        columns, rows, hidden = _BY_PAGE, *_by_page(connection, question, pages, seen)
    else:
        columns, rows, hidden = _BY_LANGUAGE, *_by_language(connection, question, seen)
    facts: dict[str, int | str] = {
        "languages": languages,
        "hidden": hidden,
        "since": as_date(first_counted_day(connection, question.first_day, seen.since)),
    }
    return Table(columns, rows, facts, fact_kinds={"since": "day"})


REPORT = ContentReport("languages", read, (FEWEST_READERS,))


def base_of(path: str, language: str) -> str:
    """Return a path without the folder of its language, which all translations of a page share."""
    first, slash, rest = path.removeprefix("/").partition("/")
    folder = first.casefold().replace("_", "-")
    return f"/{rest}" if slash and folder in {language, subtag_of(language)} else path


def subtag_of(language: str) -> str:
    """Return the primary subtag of a language, which is all that is known of readers."""
    return language.replace("_", "-").partition("-")[0].lower()


def _by_page(
    connection: Connection, question: TableQuestion, pages: _Pages, seen: _Seen
) -> tuple[_Rows, int]:
    """Return the rows of a site in several languages, and how many are hidden."""
    shown = _of_enough(question, seen.foreign)
    refs = read_refs(connection, {path for _, path in shown})
    rows = sorted(
        (
            (language, refs[path], group.views, len(group.readers), pages.has(path, language))
            for (language, path), group in shown.items()
        ),
        key=lambda row: (row[4], -row[3], -row[2], row[0], row[1].path),
    )
    return tuple(rows), len(seen.foreign) - len(shown)


def _by_language(connection: Connection, question: TableQuestion, seen: _Seen) -> tuple[_Rows, int]:
    """Return those of a site in one language."""
    groups: defaultdict[str, _Group] = defaultdict(_Group)
    for (language, _), group in seen.foreign.items():
        groups[language].views += group.views
        groups[language].readers |= group.readers
    shown = _of_enough(question, groups)
    tops: dict[str, tuple[int, int]] = {}
    """By language, the views of the page with most, and the id of its path."""
    for (language, path), group in _of_enough(question, seen.foreign).items():
        tops[language] = max(tops.get(language, (0, 0)), (group.views, -path))
    refs = read_refs(connection, {-path for _, path in tops.values()})
    rows = sorted(
        (
            (
                language,
                group.views,
                len(group.readers),
                share_of(group.views, seen.views),
                refs[-tops[language][1]] if language in tops else None,
            )
            for language, group in shown.items()
        ),
        key=lambda row: (-row[2], -row[1], row[0]),
    )
    return tuple(rows), len(groups) - len(shown)


def _of_enough(question: TableQuestion, groups: Mapping[_Key, _Group]) -> dict[_Key, _Group]:
    """Return the groups that have as many readers as a row needs."""
    least = question.option("k")
    return {key: group for key, group in groups.items() if len(group.readers) >= least}


def _read_seen(
    connection: Connection, question: TableQuestion, languages: Mapping[int, str]
) -> _Seen:
    texts = read_texts(connection, AUDIENCES)
    said = {id_: audience_parts(text)[1] for id_, text in texts.items()}
    spoken = {id_: language for id_, language in said.items() if language not in {"", OTHER}}
    seen = _Seen(question.last_day + 1)
    days = question.first_day, question.last_day
    moves = read_moves(connection)
    for day, portions in read_latest_first(connection, days, _COLUMNS, [], question.is_late):
        for rows in portions:
            visitors: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
            for path, visitor, audience in moves.fold_ids(rows, 0):
                own, language = languages.get(path), spoken.get(audience)
                if own is None or language is None:
                    continue
                seen.views += 1
                if language != own:
                    visitors[language, path].append(visitor)
            for key, some in visitors.items():
                seen.foreign[key].add(some)
        seen.since = day
    return seen


def _read_pages(connection: Connection) -> _Pages:
    columns = PAGES.c
    statement = (
        select(columns.path_id, PATHS.c.text, columns.language, columns.source)
        .join_from(PAGES, PATHS, PATHS.c.id == columns.path_id)
        .where(IS_OFFERED, columns.language.is_not(None))
    )
    rows = plain_rows(connection, statement)
    bases = {path: base_of(text, language) for path, text, language, _ in rows}
    # Where a translation plugin falls back, it builds one source into the folders of all languages.
    originals = {
        source: subtag_of(language)
        for path, text, language, source in rows
        if source is not None and bases[path] == text
    }
    languages = {
        path: originals.get(source, subtag_of(language)) for path, _, language, source in rows
    }
    there: defaultdict[str, set[str]] = defaultdict(set)
    for path, language in languages.items():
        there[bases[path]].add(language)
    return _Pages(languages, {path: there[base] for path, base in bases.items()})
