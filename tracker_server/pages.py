"""The HTML that people look at: numbers rendered here, kept moving by a script."""

from datetime import UTC, datetime
from urllib.parse import quote

from flask import Blueprint, Response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.live import Live
from tracker_server.wire import DEFAULT_ROWS, MAX_ROWS, timestamp

TYPE_LABELS = {
    "home": "Home",
    "blog": "Post",
    "page": "Page",
    "stats": "Statistics",
    "other": "Not in the site",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


def make_pages(live: Live) -> Blueprint:
    """Return the routes ``/`` and ``/stats``."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def index() -> BaseResponse:
        return redirect("/stats")

    @pages.get("/stats")
    def stats() -> Response:
        overview = live.snapshot().overview
        limit = request.args.get("limit", DEFAULT_ROWS, type=int)
        rows = overview.page_stats[: max(0, min(limit, MAX_ROWS))]
        html = render_template(
            "stats.html",
            overview=overview,
            rows=rows,
            most=max((row.views for row in rows), default=0),
            labels=TYPE_LABELS,
            link=lambda path: page_link(overview.site_url, path),
            since=timestamp(overview.tracking_since),
            since_text=_day(overview.tracking_since),
            max_pages=MAX_ROWS,
        )
        response = Response(html)
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return pages


def page_link(site_url: str | None, path: str) -> str | None:
    """Return the address of a page; ``None`` when the site's own is unknown or no web address."""
    if not site_url or not site_url.startswith(("https://", "http://")):
        return None
    return site_url.rstrip("/") + quote(path)


def _day(at: int | None) -> str | None:
    if at is None:
        return None
    day = datetime.fromtimestamp(at, UTC)
    return f"{day.day} {day:%B %Y}"
