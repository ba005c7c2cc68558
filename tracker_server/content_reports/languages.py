"""Readers whose browser speaks another language than the page they view.

Of a site in several languages it says for each page which translations its readers lack, or have
and do not use; of a site in one language, who would read a translation.
"""

from collections import Counter, defaultdict
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
from tracker_server.questions import MAX_ENTRY_CHARS
from tracker_server.runs import first_counted_day, read_latest_first
from tracker_server.schema import OTHER
from tracker_server.statements import AUDIENCES, PAGES, PATHS
from tracker_server.tables import (
    FEWEST_READERS,
    Column,
    ContentReport,
    Option,
    PageRef,
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
_BY_DOCS = (_BY_LANGUAGE[0], Column("pages", "number"), *_BY_LANGUAGE[1:])
_COLUMNS = ("path_id", "visitor_id", "audience_id")

_DOCS = Option("docs", 0, 0, 1)
"""1: a row for each language that pages are in, whoever views them."""
_LANGUAGE = Option("language", "", 0, MAX_ENTRY_CHARS)
"""Only the rows of this one."""

_Key = TypeVar("_Key")
_Rows = tuple[tuple[Value, ...], ...]
_LanguageRow = tuple[str, int, int, float | None, PageRef | None]


@dataclass(slots=True)
class _Group:
    """Views by readers of a language, and whose they were."""

    views: int = 0
    readers: BitMap = field(default_factory=BitMap)

    def add(self, visitors: Collection[int]) -> None:
        """Add the views of these visitors."""
        self.views += len(visitors)
        self.readers.update(visitors)

    def join(self, other: "_Group") -> None:
        """Add the views of another group."""
        self.views += other.views
        self.readers |= other.readers


@dataclass(slots=True)
class _Seen:
    """What the views of some days come to, of pages whose language is known.

    Languages are primary subtags, empty where that of the reader is not known. Without the option
    `_DOCS` only views by readers whose language is known are looked at.
    """

    since: int
    """The first day that was read."""
    groups: defaultdict[tuple[str, int], _Group] = field(
        default_factory=lambda: defaultdict(_Group)
    )
    """By the language of the reader and the id of the path; without the option not those by
    readers of the language of the page."""
    views: int = 0
    """All of them."""


@dataclass(frozen=True, slots=True)
class _Pages:
    """The pages whose language is known."""

    languages: Mapping[int, str]
    """By the id of the path."""
    alternates: Mapping[int, Collection[str]]
    """In which languages a page is there, by the id of the path of each."""

    @property
    def are_translated(self) -> bool:
        """Whether there are several languages."""
        return len({*self.languages.values()}) > 1

    def has(self, path: int, language: str) -> bool:
        """Whether a page is there in a language."""
        return language in self.alternates[path]


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read which languages readers have and pages do not."""
    pages = _read_pages(connection)
    seen = _read_seen(connection, question, pages.languages)
    columns: tuple[Column, ...]
    rows: _Rows
    if question.option(_DOCS.name):
        columns, rows, hidden = _BY_DOCS, *_by_docs(connection, question, pages, seen)
    elif pages.are_translated:
        columns, rows, hidden = _BY_PAGE, *_by_page(connection, question, pages, seen)
    else:
        groups, views = seen.groups, seen.views
        columns, rows, hidden = _BY_LANGUAGE, *_by_language(connection, question, groups, views)
    if wanted := question.said(_LANGUAGE.name):
        rows = tuple(row for row in rows if row[0] == subtag_of(wanted))
    facts: dict[str, int | str] = {
        "languages": len({*pages.languages.values()}),
        # Of all languages, also where one is asked for: who is hidden shall not be told by asking.
        "hidden": hidden,
        "since": as_date(first_counted_day(connection, question.days, seen.since)),
    }
    return Table(columns, rows, facts, fact_kinds={"since": "day"})


REPORT = ContentReport("languages", read, (FEWEST_READERS, _DOCS, _LANGUAGE))


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
    shown = _of_enough(question.option("k"), seen.groups)
    refs = read_refs(connection, {path for _, path in shown})
    rows = sorted(
        (
            (language, refs[path], group.views, len(group.readers), pages.has(path, language))
            for (language, path), group in shown.items()
        ),
        key=lambda row: (row[4], -row[3], -row[2], row[0], row[1].path),
    )
    return tuple(rows), len(seen.groups) - len(shown)


def _by_language(
    connection: Connection,
    question: TableQuestion,
    groups: Mapping[tuple[str, int], _Group],
    views: int | None = None,
) -> tuple[tuple[_LanguageRow, ...], int]:
    """Return a row for each language, and how many have none.

    Shares are of so many `views`, or of those in the rows: then they say nothing of others.
    """
    least = question.option("k")
    languages = _by_first(groups)
    shown = _of_enough(least, languages)
    tops: dict[str, tuple[int, int]] = {}
    """By language, the views of the page with most, and the id of its path."""
    for (language, path), group in _of_enough(least, groups).items():
        tops[language] = max(tops.get(language, (0, 0)), (group.views, -path))
    refs = read_refs(connection, {-path for _, path in tops.values()})
    if views is None:
        views = sum(group.views for group in shown.values())
    rows = sorted(
        (
            (
                language,
                group.views,
                len(group.readers),
                share_of(group.views, views),
                refs[-tops[language][1]] if language in tops else None,
            )
            for language, group in shown.items()
        ),
        key=lambda row: (-row[2], -row[1], row[0]),
    )
    return tuple(rows), len(languages) - len(shown)


def _by_docs(
    connection: Connection, question: TableQuestion, pages: _Pages, seen: _Seen
) -> tuple[_Rows, int]:
    """Return those of the languages that pages are in.

    What a row has more than those without the option is its readers who are in none of them. A
    language is hidden where these are too few: they would be told by subtracting.
    """
    told = _told(pages, seen)
    groups: defaultdict[tuple[str, int], _Group] = defaultdict(_Group)
    rest: defaultdict[str, BitMap] = defaultdict(BitMap)
    for (language, path), group in seen.groups.items():
        own = pages.languages[path]
        groups[own, path].join(group)
        if (language, path) not in told:
            rest[own] |= group.readers
    few = {own for own, readers in rest.items() if len(readers) < FEWEST_READERS.least}
    kept = {key: group for key, group in groups.items() if key[0] not in few}
    rows, _ = _by_language(connection, question, kept)
    counts = Counter(pages.languages.values())
    return tuple((row[0], counts[row[0]], *row[1:]) for row in rows), len(counts) - len(rows)


def _told(pages: _Pages, seen: _Seen) -> Collection[tuple[str, int]]:
    """Return which groups are in the rows without the option, with the least `k` that there is."""
    foreign = {
        (language, path): group
        for (language, path), group in seen.groups.items()
        if language not in {"", pages.languages[path]}
    }
    if pages.are_translated:
        return _of_enough(FEWEST_READERS.least, foreign)
    languages = _of_enough(FEWEST_READERS.least, _by_first(foreign))
    return {key for key in foreign if key[0] in languages}


def _by_first(groups: Mapping[tuple[str, int], _Group]) -> dict[str, _Group]:
    """Return what groups are together that have the same language."""
    found: defaultdict[str, _Group] = defaultdict(_Group)
    for (language, _), group in groups.items():
        found[language].join(group)
    return found


def _of_enough(least: int, groups: Mapping[_Key, _Group]) -> dict[_Key, _Group]:
    """Return the groups that have as many readers as a row needs."""
    return {key: group for key, group in groups.items() if len(group.readers) >= least}


def _read_seen(
    connection: Connection, question: TableQuestion, languages: Mapping[int, str]
) -> _Seen:
    texts = read_texts(connection, AUDIENCES)
    said = {id_: audience_parts(text)[1] for id_, text in texts.items()}
    spoken = {id_: language for id_, language in said.items() if language not in {"", OTHER}}
    is_whole = bool(question.option(_DOCS.name))
    seen = _Seen(question.last_day + 1)
    days = question.days
    moves = read_moves(connection)
    for day, portions in read_latest_first(connection, days, _COLUMNS, [], question.is_late):
        for rows in portions:
            visitors: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
            for path, visitor, audience in moves.fold_ids(rows, 0):
                own, language = languages.get(path), spoken.get(audience, "")
                if own is None or not (language or is_whole):
                    continue
                seen.views += 1
                if is_whole or language != own:
                    visitors[language, path].append(visitor)
            for key, some in visitors.items():
                seen.groups[key].add(some)
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
