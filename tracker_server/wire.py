"""The JSON that goes out; ``docs/wire.md`` is the specification."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b

from tracker_server.figures import (
    Count,
    Counter,
    DayFigures,
    Figures,
    MissingPath,
    Overview,
    PageCount,
    PageFigures,
    Question,
    Read,
    Report,
    SectionFigures,
)
from tracker_server.packing import SECONDS_PER_HOUR
from tracker_server.tables import share_of

DEFAULT_ROWS = 50
MAX_ROWS = 1_000
"""How long a list is that nobody asked to be longer, and how long at most."""

_EPOCH = date(1970, 1, 1)


def write_overview(overview: Overview, max_pages: int) -> bytes:
    """Write the figures of the stats page."""
    fields = {
        "activeVisitors": overview.active_visitors,
        "activeByPath": [
            {"path": row.path, "title": row.title, "type": row.type, "visitors": row.visitors}
            for row in overview.active_by_path
        ],
        "totalPageViews": overview.total_page_views,
        "uniqueVisitors": overview.unique_visitors,
        "publishedPosts": overview.published_posts,
        "publishedPages": overview.published_pages,
        "trackingSince": timestamp(overview.tracking_since),
        "pageStats": [
            {"path": row.path, "title": row.title, "type": row.type, "views": row.views}
            for row in overview.page_stats[:max_pages]
        ],
        "pageCount": overview.page_count,
        "series": _series(overview.series),
        "minutes": overview.minutes,
        "recent": [
            {
                "at": timestamp(row.at),
                "path": row.path,
                "title": row.title,
                "country": row.country,
                "referrer": row.referrer,
            }
            for row in overview.recent
        ],
        "siteUrl": overview.site_url,
        "demo": overview.demo,
    }
    return _dump(fields)


def write_report(question: Question, report: Report) -> bytes:
    """Write a report."""
    fields: dict[str, object] = {
        "period": question.period,
        "from": as_date(question.first_day),
        "to": as_date(question.last_day),
        "grain": question.grain,
        "path": report.page,
        "filters": asdict(question.filters),
        "exact": report.exact,
        "rawSince": None if report.raw_since is None else as_date(report.raw_since),
        **_figures(report.figures, question.grain),
        "before": _before(report.before, question.grain),
        "deploys": [
            {"at": timestamp(row.at), "commit": row.commit, "label": row.label}
            for row in report.deploys
        ],
        "pages": [_page(row) for row in report.pages],
        "entryPages": _page_counts(report.entry_pages),
        "exitPages": _page_counts(report.exit_pages),
    }
    if question.filters.page is not None:
        fields["next"] = _page_counts(report.next_pages)
    fields |= {
        "referrers": _fields("referrer", report.referrers, "visits"),
        "campaigns": _fields("campaign", report.campaigns, "visits"),
        "countries": _fields("country", report.countries),
        "languages": _fields("language", report.languages),
        "devices": _fields("device", report.devices),
        "browsers": _fields("browser", report.browsers),
        "versions": _fields("version", report.versions),
        "feedback": _feedback(report.feedback),
        "notFound": _not_found(report.not_found),
        "bots": None if report.bots is None else _fields("bot", report.bots),
        "botViews": report.bot_views,
        "links": report.links,
        "sections": _sections(report.sections),
    }
    return _dump(fields)


def _before(figures: Figures | None, grain: str) -> dict[str, object] | None:
    if figures is None:
        return None
    days = {"from": as_date(figures.first_day), "to": as_date(figures.last_day)}
    return days | _figures(figures, grain)


def _figures(figures: Figures, grain: str) -> dict[str, object]:
    series, active = figures.series, figures.series.active
    is_hours = grain == "hour"
    return {
        "views": figures.views,
        "visitors": figures.visitors,
        "visits": figures.visits,
        "reading": None if figures.read is None else _reading(figures.read),
        "series": {
            "starts": [
                timestamp(start * SECONDS_PER_HOUR) if is_hours else as_date(start)
                for start in series.starts
            ],
            "views": series.views,
            "visitors": series.visitors,
            "activeSeconds": None if active is None else [round(ms / 1_000) for ms in active],
        },
    }


def _page(row: PageFigures) -> dict[str, object]:
    read = row.read
    return {
        "path": row.path,
        "title": row.title,
        "type": row.type,
        "views": row.views,
        "visitors": row.visitors,
        "activeSeconds": None if read is None else round(read.active / 1_000),
        "pageLoads": None if read is None else read.loads,
        "completed": None if read is None else read.completed,
        "trend": row.trend,
        "entries": row.entries,
        "exits": row.exits,
    }


def _page_counts(rows: Iterable[PageCount] | None) -> list[dict[str, object]] | None:
    if rows is None:
        return None
    # `asdict` copies deeply: with it these rows took a tenth of a report.
    return [
        {"path": row.path, "title": row.title, "type": row.type, "count": row.count} for row in rows
    ]


def _feedback(ratings: tuple[int, int] | None) -> dict[str, int] | None:
    return None if ratings is None else {"positive": ratings[0], "negative": ratings[1]}


def _not_found(rows: Iterable[MissingPath] | None) -> list[dict[str, object]] | None:
    if rows is None:
        return None
    return [
        {
            "path": row.path,
            "count": row.count,
            "referrers": [{"referrer": r.text, "count": r.count} for r in row.referrers],
        }
        for row in rows
    ]


def _sections(rows: Sequence[SectionFigures] | None) -> list[dict[str, object]] | None:
    if rows is None:
        return None
    # Each load that said what it had in view stopped in one section.
    loads = sum(row.stops for row in rows)
    return [
        {
            "id": row.anchor,
            "title": row.title,
            "level": row.level,
            "words": row.words,
            "pageLoads": row.loads,
            "share": share_of(row.loads, loads),
            "visibleSeconds": round(row.visible / 1_000),
            "meanSeconds": round(row.visible / row.loads / 1_000, 1) if row.loads else None,
            "stops": row.stops,
            "gone": row.gone,
        }
        for row in rows
    ]


def _series(days: Sequence[DayFigures]) -> dict[str, object]:
    """Write days that follow each other; as columns, which is a fifth of the bytes."""
    return {
        "from": as_date(days[0].day) if days else None,
        "views": [row.views for row in days],
        "visitors": [row.visitors for row in days],
    }


def _reading(read: Read) -> dict[str, object]:
    return {
        "pageLoads": read.loads,
        "visibleSeconds": round(read.visible / 1_000),
        "activeSeconds": round(read.active / 1_000),
        "scrollDepth": round(read.depth / read.loads) if read.loads else None,
        "completed": read.completed,
        "bounced": read.bounced,
        "searched": read.searched,
    }


def _fields(name: str, counts: Iterable[Count], number: str = "views") -> list[dict[str, object]]:
    return [{name: row.text, number: row.count} for row in counts]


def write_counters(counters: Iterable[Counter]) -> bytes:
    """Write the numbers of pages in the order they were asked for."""
    rows = [
        {"path": row.path, "views": row.views, "activeVisitors": row.readers} for row in counters
    ]
    return _dump({"counters": rows})


def write_cut(report: Mapping[str, object]) -> bytes:
    """Write a report again of which something was taken away."""
    return _dump(report)


def write_error(reason: str) -> bytes:
    """Write why a question was refused."""
    return _dump({"error": reason})


def _dump(fields: object) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def as_date(day: int) -> str:
    """Write a day, counted from the epoch, as ``YYYY-MM-DD``."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def etag_of(body: bytes) -> str:
    """Return an entity tag for a body, without quotes."""
    return blake2b(body, digest_size=12).hexdigest()


def timestamp(at: int | None) -> str | None:
    """Write a time as RFC 3339 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
