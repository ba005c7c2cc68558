"""A report: from a question to its figures, each from the cheapest place that knows it.

Roll-ups know everything of the site, and the sums of a page. What a page's readers are, or
what those of a country read, is in the raw views alone.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from tracker_server.figures import (
    Deploy,
    Figures,
    PageCount,
    PageFigures,
    Question,
    Read,
    Report,
)
from tracker_server.grains import gather, spans_of
from tracker_server.packing import SECONDS_PER_DAY
from tracker_server.queries import raw, rollups
from tracker_server.queries.bots import read_bot_views, read_bots
from tracker_server.queries.breakdown import (
    Breakdown,
    audience_counts,
    campaign_counts,
    largest_pages,
    referrer_counts,
)
from tracker_server.queries.moved import Moves, find_page, read_moves
from tracker_server.queries.readings import read_readings
from tracker_server.queries.refs import read_refs
from tracker_server.queries.sections import read_sections
from tracker_server.queries.site_pages import count_links_to
from tracker_server.schema import WHOLE_SITE
from tracker_server.statements import DEPLOYS, TOTALS

MAX_DEPLOYS = 100
MAX_SPANS = 30
"""How many numbers the trend of a page has at most."""
_NO_PATH = -1


@dataclass(frozen=True, slots=True)
class _Details:
    """What is known of pages besides how often they were viewed, by id of path."""

    visitors: Mapping[int, int]
    trends: Mapping[int, Counter[int]]
    """Views by day."""
    readings: Mapping[int, Read]


def read_report(
    connection: Connection, question: Question, is_late: Callable[[], bool] = lambda: False
) -> Report:
    """Read a report.

    Args:
        connection: for reading; its statements all see one moment.
        question: what is asked.
        is_late: whether reading raw views has taken long enough.
    """
    moves, page = read_moves(connection), question.filters.page
    path_id = _path_id(connection, moves, page)
    if page is not None and page in moves.texts:
        page = read_refs(connection, [moves.texts[page]])[moves.texts[page]].path
    raw_since = connection.execute(select(TOTALS.c.raw_since)).scalar_one()
    if question.filters.are_of_views:
        report = _of_views(connection, moves, question, path_id, is_late)
    elif path_id is not None:
        report = _of_page(connection, moves, question, path_id, is_late)
    else:
        report = _of_site(connection, moves, question)
    read_since = report.raw_since
    cut = read_since is not None and read_since > question.first_day
    since = max(raw_since, read_since or 0) if cut else raw_since
    return replace(
        report,
        page=page,
        raw_since=since or None,
        exact=read_since is None or question.first_day >= since,
        deploys=_deploys(connection, question),
        links=None if path_id is None else count_links_to(connection, path_id),
    )


def _path_id(connection: Connection, moves: Moves, path: str | None) -> int | None:
    if path is None:
        return None
    found = find_page(connection, moves, path)
    return _NO_PATH if found is None else found


def _of_site(connection: Connection, moves: Moves, question: Question) -> Report:
    days = question.first_day, question.last_day
    breakdown = rollups.read_breakdown(connection, moves, *days)
    tops = largest_pages(connection, breakdown.paths, _max_pages(question))
    ids = [path_id for path_id, _ in tops]
    details = _Details(
        rollups.read_visitors(connection, moves, *days, ids),
        rollups.read_trends(connection, moves, *days, ids),
        read_readings(connection, moves, *days, ids),
    )

    def read_figures(first_day: int, last_day: int, grain: str) -> Figures:
        return rollups.read_figures(connection, (first_day, last_day), grain, {WHOLE_SITE}, None)

    visits = breakdown.entries.total()
    report = Report(
        rollups.read_figures(connection, days, question.grain, {WHOLE_SITE}, visits),
        before=_before(question, read_figures),
        pages=_pages(tops, days, breakdown, details),
        feedback=rollups.read_feedback(connection, moves, *days, WHOLE_SITE),
        not_found=rollups.read_not_found(connection, *days, question.max_rows),
        bots=read_bots(connection, *days, question.max_rows),
        bot_views=read_bot_views(connection, moves, *days, WHOLE_SITE),
    )
    return _with_lists(connection, question, report, breakdown)


def _of_page(
    connection: Connection,
    moves: Moves,
    question: Question,
    path_id: int,
    is_late: Callable[[], bool],
) -> Report:
    """The sums of a page are in roll-ups, who its readers were is not, nor at what hours."""
    days = question.first_day, question.last_day
    paths = moves.paths_of(path_id)
    selection = raw.Selection(path_id, moves=moves)
    seen = raw.read_views(connection, days, question.grain, selection, is_late)
    steps = rollups.read_steps(connection, moves, *days, path_id)
    breakdown = replace(seen.breakdown, paths=steps.paths, entries=steps.entries, leads=steps.leads)

    def read_figures(first_day: int, last_day: int, grain: str) -> Figures:
        if grain != "hour":
            return rollups.read_figures(connection, (first_day, last_day), grain, paths, None)
        some = raw.read_views(connection, (first_day, last_day), grain, selection, is_late)
        sums = rollups.read_figures(connection, (first_day, last_day), "day", paths, None)
        return replace(sums, series=some.figures.series)

    figures = read_figures(*days, question.grain)
    details = _Details(
        {path_id: figures.visitors},
        rollups.read_trends(connection, moves, *days, [path_id]),
        {path_id: figures.read or Read()},
    )
    tops = largest_pages(connection, breakdown.paths, _max_pages(question))
    report = Report(
        figures,
        before=_before(question, read_figures),
        raw_since=seen.since,
        pages=_pages(tops, days, breakdown, details),
        next_pages=_counts(connection, breakdown.onward, question.max_rows),
        feedback=rollups.read_feedback(connection, moves, *days, path_id),
        not_found=None,
        bots=None,
        bot_views=read_bot_views(connection, moves, *days, path_id),
        sections=read_sections(connection, moves, *days, path_id),
    )
    return _with_lists(connection, question, report, breakdown)


def _of_views(
    connection: Connection,
    moves: Moves,
    question: Question,
    path_id: int | None,
    is_late: Callable[[], bool],
) -> Report:
    days = question.first_day, question.last_day
    selection = raw.select_views(connection, moves, question.filters, path_id)

    def read_figures(first_day: int, last_day: int, grain: str) -> Figures:
        return raw.read_views(connection, (first_day, last_day), grain, selection, is_late).figures

    seen = raw.read_views(connection, days, question.grain, selection, is_late)
    tops = largest_pages(connection, seen.breakdown.paths, _max_pages(question))
    visitors = {path_id: len(members) for path_id, members in seen.page_visitors.items()}
    report = Report(
        seen.figures,
        before=_before(question, read_figures),
        raw_since=seen.since,
        pages=_pages(tops, days, seen.breakdown, _Details(visitors, seen.trends, {})),
        feedback=None,
        not_found=None,
        bots=None,
        bot_views=None,
    )
    report = _with_lists(connection, question, report, seen.breakdown)
    if path_id is not None:
        onward = _counts(connection, seen.breakdown.onward, question.max_rows)
        report = replace(report, next_pages=onward)
    return _without_exits(report) if question.filters.are_of_arrivals else report


def _without_exits(report: Report) -> Report:
    """What came from elsewhere only begins visits: how they went on has no referrer."""
    return replace(
        report,
        exit_pages=None,
        next_pages=None,
        pages=tuple(replace(page, exits=None) for page in report.pages),
    )


def _max_pages(question: Question) -> int:
    return question.max_rows if question.max_pages is None else question.max_pages


def _before(question: Question, read_figures: Callable[[int, int, str], Figures]) -> Figures | None:
    days = question.days_before
    return None if days is None else read_figures(*days, question.grain)


def _pages(
    tops: Iterable[tuple[int, PageCount]],
    days: tuple[int, int],
    breakdown: Breakdown,
    details: _Details,
) -> tuple[PageFigures, ...]:
    spans, exits = spans_of(*days, MAX_SPANS), breakdown.exits
    return tuple(
        PageFigures(
            page.path,
            page.title,
            page.type,
            page.count,
            details.visitors[path_id],
            gather(spans, details.trends[path_id]),
            breakdown.entries[path_id],
            exits[path_id],
            details.readings.get(path_id),
        )
        for path_id, page in tops
    )


def _with_lists(
    connection: Connection, question: Question, report: Report, breakdown: Breakdown
) -> Report:
    countries, languages, devices, browsers, versions = audience_counts(
        connection, breakdown.audiences, question.max_rows
    )
    return replace(
        report,
        entry_pages=_counts(connection, breakdown.entries, question.max_rows),
        exit_pages=_counts(connection, breakdown.exits, question.max_rows),
        referrers=referrer_counts(
            connection,
            breakdown.referrers,
            question.max_rows,
            by_host=question.filters.referrer is not None,
        ),
        campaigns=campaign_counts(connection, breakdown.campaigns, question.max_rows),
        countries=countries,
        languages=languages,
        devices=devices,
        browsers=browsers,
        versions=tuple(row for row in versions if row.text),
    )


def _counts(
    connection: Connection, counts: Mapping[int, int], max_rows: int
) -> tuple[PageCount, ...]:
    return tuple(page for _, page in largest_pages(connection, counts, max_rows))


def _deploys(connection: Connection, question: Question) -> tuple[Deploy, ...]:
    columns = DEPLOYS.c
    statement = (
        select(columns.at, columns.commit_id, columns.label)
        .where(columns.at >= question.first_day * SECONDS_PER_DAY)
        .where(columns.at < (question.last_day + 1) * SECONDS_PER_DAY)
        .order_by(columns.at.desc(), columns.id.desc())
        .limit(MAX_DEPLOYS)
    )
    return tuple(Deploy(*row) for row in connection.execute(statement))
