"""The snapshot that everybody who looks at the stats page shares.

It is read from the database at most once a second however many look, so that
viewers never take time from readers' messages.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from tracker_server.model import Overview

DEFAULT_PAGES = 50
MAX_PAGES = 1_000
MAX_AGE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The figures of one moment."""

    taken: float
    overview: Overview
    body: bytes
    """JSON of ``GET /api/stats`` with the default number of pages."""
    etag: str


class Live:
    """Keeps the latest snapshot."""

    def __init__(self, read: Callable[[int], Overview], clock: Callable[[], float]) -> None:
        """`read` gets the time in seconds and reads the overview of it."""
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        """Return figures that are at most `MAX_AGE_SECONDS` old."""
        with self._lock:
            now = self._clock()
            latest = self._snapshot
            if latest is None or not 0 <= now - latest.taken < MAX_AGE_SECONDS:
                overview = self._read(int(now))
                body = as_json(overview, DEFAULT_PAGES)
                latest = self._snapshot = Snapshot(now, overview, body, etag_of(body))
            return latest


def as_json(overview: Overview, max_pages: int) -> bytes:
    """Write an overview in the fields of ``docs/wire.md``."""
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
        "siteUrl": overview.site_url,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def etag_of(body: bytes) -> str:
    """Return an entity tag for a body, without quotes."""
    return blake2b(body, digest_size=12).hexdigest()


def timestamp(at: int | None) -> str | None:
    """Write a time as RFC 3339 in UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
