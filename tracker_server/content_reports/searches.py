"""What readers searched for, what they found, and what they did not."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.model import EVENTS
from tracker_server.queries.moved import read_moves
from tracker_server.queries.refs import read_refs
from tracker_server.statements import EVENT_COUNTS, LABELS
from tracker_server.tables import Column, ContentReport, Table, TableQuestion

_COLUMNS = (
    Column("query", "text"),
    Column("searches", "number"),
    Column("withoutResult", "number"),
    Column("withoutClick", "number"),
    Column("meanResults", "decimal"),
    Column("clicks", "number"),
    Column("clicked", "page"),
)


@dataclass(slots=True)
class _Term:
    """What is known of the queries that differ in case and spaces alone."""

    spellings: Counter[str] = field(default_factory=Counter)
    searches: int = 0
    results: int = 0
    empty: int = 0
    clicks: Counter[int] = field(default_factory=Counter)
    """By the id of the path that was clicked."""

    @property
    def unclicked(self) -> int:
        """How many had results of which none was clicked."""
        # A message may be made up: one that clicks where there was nothing.
        return max(0, self.searches - self.empty - self.clicks.total())


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the queries, those first that led to nothing most often."""
    terms = _read_terms(connection, question)
    rows = []
    pages = read_refs(connection, {path for term in terms for path, _ in _first(term.clicks)})
    for term in sorted(terms, key=_urgency):
        clicked = [pages[path] for path, _ in _first(term.clicks)]
        rows.append(
            (
                _name(term),
                term.searches,
                term.empty,
                term.unclicked,
                round(term.results / term.searches, 1),
                term.clicks.total(),
                clicked[0] if clicked else None,
            )
        )
    facts = {
        "searches": sum(term.searches for term in terms),
        "withoutResult": sum(term.empty for term in terms),
        "withoutClick": sum(term.unclicked for term in terms),
    }
    return Table(_COLUMNS, tuple(rows), facts)


REPORT = ContentReport("searches", read)


def _read_terms(connection: Connection, question: TableQuestion) -> list[_Term]:
    moves = read_moves(connection)
    columns = EVENT_COUNTS.c
    sums = (func.sum(columns[name]) for name in ("count", "total", "zeros"))
    statement = (
        select(LABELS.c.text, columns.target_id, *sums)
        .join_from(EVENT_COUNTS, LABELS, LABELS.c.id == columns.label_id)
        .where(columns.day.between(question.first_day, question.last_day))
        .where(columns.event == EVENTS["search"])
        .group_by(LABELS.c.text, columns.target_id)
    )
    terms: defaultdict[str, _Term] = defaultdict(_Term)
    for text, target, count, results, empty in plain_rows(connection, statement):
        term = terms[" ".join(text.casefold().split())]
        term.spellings[text] += int(count)
        term.searches += int(count)
        term.results += int(results)
        term.empty += int(empty)
        if target:
            term.clicks[moves.page_of(target)] += int(count)
    return [*terms.values()]


def _first(counts: Counter[int]) -> list[tuple[int, int]]:
    """Return the greatest, of equals that with the smaller id."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:1]


def _name(term: _Term) -> str:
    """Return how it is written most often."""
    return min(term.spellings, key=lambda text: (-term.spellings[text], text))


def _urgency(term: _Term) -> tuple[int, int, str]:
    return -term.empty - term.unclicked, -term.searches, _name(term)
