"""What to fix next: what the other reports find, by the page that it is about, weighed."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from tracker_server.tables import (
    Column,
    ContentReport,
    PageRef,
    Reason,
    Table,
    TableQuestion,
    Value,
)

_COLUMNS = (
    Column("path", "page"),
    Column("query", "text"),
    Column("points", "decimal"),
    Column("reasons", "reasons"),
)
_Row = Mapping[str, Any]
_Subject = tuple[str, str]
"""The path of a page, or a query; the other is empty."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is looked for in the rows of a report."""

    report: str
    code: str
    count: Callable[[_Row], int]
    """How many readers, searches or links it concerns; 0 for a row without it."""
    weight: float
    """Points for each of them."""
    subject: str = "path"
    """The column that says what it is about."""


def _searched(row: _Row) -> int:
    """Count the page loads left for the search, but for the front page: there it is a way in."""
    return 0 if row["path"].is_front_page else row["searched"]


FINDINGS = (
    _Finding("not-found", "not-found", lambda row: 0 if row["redirect"] else row["count"], 1.0),
    _Finding("searches", "no-result", lambda row: row["withoutResult"], 1.0, "query"),
    _Finding("searches", "no-click", lambda row: row["withoutClick"], 0.5, "query"),
    _Finding("feedback", "negative", lambda row: row["negative"], 5.0),
    _Finding("broken-anchors", "broken-anchor", lambda row: row["views"] or 0, 0.2),
    _Finding("broken-anchors", "lost-anchor", lambda row: row["count"] or 0, 0.5, "target"),
    _Finding("completion", "bounced", lambda row: row["bounced"], 0.2),
    _Finding("completion", "searched", _searched, 0.2),
    _Finding("stale", "stale", lambda row: row["views"], 0.1),
    _Finding("never-read", "unread", lambda _row: 1, 1.0),
    _Finding("never-read", "unlinked", lambda row: int(row["unlinked"]), 1.0),
)
"""A point is about one reader who did not get what the site could have given.

A missing page or a search in vain is one. Who rates a page stands for the many who do not, hence
five. Who comes by an anchor that is not there has the page at least, hence a half. Who leaves at
once, goes on to the search, reads something old or may follow a link to nowhere may have been
content all the same. A page that nobody reads has cost no reader anything yet.
"""


def report_on(reports: Sequence[ContentReport]) -> ContentReport:
    """Return the report that weighs what these say, each asked with its own defaults."""
    named = {report.name: report for report in reports}

    def read(connection: Connection, question: TableQuestion) -> Table:
        rows = {
            name: [*_rows(connection, named[name], question)]
            for name in dict.fromkeys(finding.report for finding in FINDINGS)
        }
        return _weigh(rows)

    return ContentReport("health", read)


def _rows(
    connection: Connection, report: ContentReport, question: TableQuestion
) -> Iterator[dict[str, Value]]:
    options = tuple((option.name, option.default) for option in report.options)
    own = replace(question, report=report.name, options=options, page=None)
    table = report.read(connection, own)
    names = [column.name for column in table.columns]
    for row in table.rows:
        yield dict(zip(names, row, strict=True))


def _weigh(rows: Mapping[str, Sequence[_Row]]) -> Table:
    pages: dict[str, PageRef] = {}
    reasons: defaultdict[_Subject, list[Reason]] = defaultdict(list)
    for finding in FINDINGS:
        counts: defaultdict[_Subject, int] = defaultdict(int)
        for row in rows[finding.report]:
            value = row[finding.subject]
            if value is None:
                continue
            if isinstance(value, PageRef):
                pages[value.path] = value
            key = (value.path, "") if isinstance(value, PageRef) else ("", str(value))
            counts[key] += finding.count(row)
        for key, count in counts.items():
            if count:
                points = round(count * finding.weight, 1)
                reasons[key].append(Reason(finding.code, finding.report, count, points))
    entries = [
        (pages.get(path), query, round(sum(r.points for r in found), 1), _ordered(found))
        for (path, query), found in reasons.items()
    ]
    entries.sort(key=lambda entry: (-entry[2], entry[0].path if entry[0] else "", entry[1]))
    facts = {"entries": len(entries), "points": round(sum(entry[2] for entry in entries))}
    return Table(_COLUMNS, tuple(entries), facts)


def _ordered(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(reasons, key=lambda reason: -reason.points))
