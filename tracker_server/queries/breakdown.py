"""Views and visits by what they have: numbers in, the lists of a report out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, Table, select

from tracker_server.database import plain_rows
from tracker_server.figures import (
    Count,
    PageCount,
    page_type,
)
from tracker_server.schema import OTHER
from tracker_server.sources import source_of
from tracker_server.statements import AUDIENCES, CAMPAIGNS, PAGES, PATHS, REFERRERS
from tracker_server.vocabulary import MAX_VARIABLES

AUDIENCE_PARTS = 5
"""Country, language, device, browser, version."""


@dataclass(slots=True)
class Breakdown:
    """Views of some days by the ids of what they have."""

    paths: Counter[int] = field(default_factory=Counter)
    entries: Counter[int] = field(default_factory=Counter)
    """By the path on which a visit began."""
    leads: Counter[int] = field(default_factory=Counter)
    """By the path from which a visit went on."""
    onward: Counter[int] = field(default_factory=Counter)
    """By the path to which a visit went on from the page that was asked for."""
    referrers: Counter[int] = field(default_factory=Counter)
    """Visits that began."""
    campaigns: Counter[int] = field(default_factory=Counter)
    """Likewise; each of these views began one."""
    audiences: Counter[int] = field(default_factory=Counter)

    @property
    def exits(self) -> Counter[int]:
        """Views that no other followed, by path."""
        return self.paths - self.leads


def largest_pages(
    connection: Connection, counts: Mapping[int, int], max_rows: int
) -> list[tuple[int, PageCount]]:
    """Return the ids of the paths with the greatest counts, and what there is to say of them."""
    if not max_rows:
        return []
    # Where many have the same count their texts decide, so all of these are looked up.
    least = sorted(counts.values(), reverse=True)[:max_rows][-1:]
    wanted = [path_id for path_id, count in counts.items() if count and count >= least[0]]
    pages: list[tuple[int, PageCount]] = []
    for start in range(0, len(wanted), MAX_VARIABLES):
        some = wanted[start : start + MAX_VARIABLES]
        statement = select(PATHS.c.id, PATHS.c.text, PAGES.c.title, PAGES.c.type)
        statement = statement.outerjoin_from(PATHS, PAGES, PAGES.c.path_id == PATHS.c.id)
        pages += [
            (path_id, PageCount(path, title, page_type(kind), counts[path_id]))
            for path_id, path, title, kind in plain_rows(
                connection, statement.where(PATHS.c.id.in_(some))
            )
        ]
    return sorted(pages, key=lambda page: (-page[1].count, page[1].path))[:max_rows]


def read_texts(connection: Connection, vocabulary: Table) -> dict[int, str]:
    """Return all texts of a vocabulary that has a bound."""
    columns = vocabulary.c
    return dict(plain_rows(connection, select(columns.id, columns.text)))


def referrer_counts(
    connection: Connection, counts: Mapping[int, int], max_rows: int, *, by_host: bool
) -> tuple[Count, ...]:
    """Return the sources that most visits came from, or their hosts one by one."""
    texts = read_texts(connection, REFERRERS)
    sources: Counter[str] = Counter()
    for referrer_id, visits in counts.items():
        if visits:
            host = texts[referrer_id]
            sources[host if by_host else source_of(host)] += visits
    return largest(sources, max_rows)


def campaign_counts(
    connection: Connection, counts: Mapping[int, int], max_rows: int
) -> tuple[Count, ...]:
    """Return the campaigns that most visits came from."""
    if not counts:
        return ()
    texts = read_texts(connection, CAMPAIGNS)
    return largest({texts[id_]: visits for id_, visits in counts.items()}, max_rows)


def audience_counts(
    connection: Connection, counts: Mapping[int, int], max_rows: int
) -> list[tuple[Count, ...]]:
    """Return countries, languages, devices, browsers and versions."""
    texts = read_texts(connection, AUDIENCES)
    parts: list[Counter[str]] = [Counter() for _ in range(AUDIENCE_PARTS)]
    for audience_id, views in counts.items():
        for counter, entry in zip(parts, audience_parts(texts[audience_id]), strict=True):
            counter[entry] += views
    return [largest(counter, max_rows) for counter in parts]


def audience_parts(text: str) -> list[str]:
    """Return country, language, device, browser and version of an entry."""
    # What did not fit into the vocabulary is other in each respect but the one most sites lack.
    return [*[OTHER] * (AUDIENCE_PARTS - 1), ""] if text == OTHER else text.split("/")


def largest(counter: Mapping[str, int], max_rows: int) -> tuple[Count, ...]:
    """Return the entries with the greatest counts."""
    ordered = sorted(counter.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(Count(text, count) for text, count in ordered[:max_rows])
