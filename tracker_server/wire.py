"""The JSON that goes out; ``docs/wire.md`` is the specification."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b

from tracker_server.model import Count, Counter, DayFigures, Overview, Period, Read

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
        "siteUrl": overview.site_url,
        "demo": overview.demo,
    }
    return _dump(fields)


def write_period(first_day: int, last_day: int, path: str | None, period: Period) -> bytes:
    """Write a report; without a path it has the lists of the site."""
    fields: dict[str, object] = {
        "from": as_date(first_day),
        "to": as_date(last_day),
        "path": path,
        "views": period.views,
        "visitors": period.visitors,
        "series": _series(period.days),
        "reading": _reading(period.read),
    }
    if path is None:
        fields |= {
            "pages": [
                {
                    "path": row.path,
                    "title": row.title,
                    "type": row.type,
                    "views": row.views,
                    "visitors": row.visitors,
                }
                for row in period.pages
            ],
            "referrers": _fields("referrer", period.referrers),
            "countries": _fields("country", period.countries),
            "languages": _fields("language", period.languages),
            "devices": _fields("device", period.devices),
            "notFound": [
                {
                    "path": row.path,
                    "count": row.count,
                    "referrers": [
                        {"referrer": from_.text, "count": from_.views} for from_ in row.referrers
                    ],
                }
                for row in period.not_found
            ],
        }
    return _dump(fields)


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
    }


def _fields(name: str, counts: Iterable[Count]) -> list[dict[str, object]]:
    return [{name: row.text, "views": row.views} for row in counts]


def write_counters(counters: Iterable[Counter]) -> bytes:
    """Write the numbers of pages in the order they were asked for."""
    rows = [
        {"path": row.path, "views": row.views, "activeVisitors": row.readers} for row in counters
    ]
    return _dump({"counters": rows})


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
