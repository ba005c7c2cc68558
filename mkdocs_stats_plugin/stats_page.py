"""The statistics page of a site: its source where the site has none, and its body.

The body holds what the tracker said at build time, if it was asked, in the elements that
`stats.js` brings up to date; so it shows something without the tracker and without a script.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from html import escape
from importlib.resources import files as resources

from mkdocs_stats_plugin.snapshot import PageFigures, Snapshot

SWITCHED_OFF = "<p>Statistics are switched off in this build.</p>\n"
MAX_ROWS = 50
MAX_SOURCES = 10
UNKNOWN = "–"  # noqa: RUF001  # a dash

_PLACEHOLDER = re.compile(r"<div\s[^>]*\bdata-stats-page\b[^>]*>\s*</div>", re.IGNORECASE)
_SLOT = re.compile(r"\{\{ (\w+) \}\}")
_TYPES = {"home": "Home", "blog": "Post", "page": "Page", "stats": "Statistics"}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_CHART_WIDTH, _CHART_HEIGHT, _COLUMN_GAP = 600, 120, 3

Link = Callable[[str], str | None]


def render_source(title: str) -> str:
    """Render the Markdown of a page that holds nothing but the statistics.

    The title is JSON, which every YAML reader understands, in the front matter, and HTML in
    the heading, so that no letter of it is taken for markup.
    """
    meta = f"title: {json.dumps(title)}\nsearch:\n  exclude: true\nhide:\n  - toc\n  - feedback\n"
    return f"---\n{meta}---\n\n<h1>{escape(title)}</h1>\n\n<div data-stats-page></div>\n"


def render_body(
    tracker_url: str, snapshot: Snapshot | None = None, link: Link = lambda _path: None
) -> str:
    """Render the figures and tables that `stats.js` fills.

    Args:
        tracker_url: Where it asks.
        snapshot: What stands there before; nothing leaves the places empty.
        link: Makes an address of a path; nothing for one that leads nowhere.
    """
    template = (resources("mkdocs_stats_plugin") / "assets" / "stats_page.html").read_text(
        encoding="utf-8"
    )
    slots = {
        "tracker": escape(tracker_url),
        "noscript": "These figures need JavaScript.",
        **dict.fromkeys(("views", "visitors", "posts", "pages", "since"), UNKNOWN),
        **({} if snapshot is None else _fill(snapshot, link)),
    }
    return _SLOT.sub(lambda slot: slots.get(slot[1], ""), template)


def place_body(html: str, body: str) -> str:
    """Put `body` in the place of the first ``<div data-stats-page></div>``, else at the end."""
    if match := _PLACEHOLDER.search(html):
        return html[: match.start()] + body + html[match.end() :]
    return f"{html}\n{body}"


def _fill(snapshot: Snapshot, link: Link) -> dict[str, str]:
    taken = _moment(snapshot.taken)
    rows = snapshot.pages[:MAX_ROWS]
    return {
        "root_state": ' data-state="snapshot"',
        "as_of": f'As of <time datetime="{_iso(snapshot.taken)}">{taken}</time>',
        "offline": f"; figures as of {taken}",
        "noscript": "These figures do not move without JavaScript.",
        "demo": '<p class="mkdocs-stats-demo">These figures are made up (demo data).</p>\n'
        if snapshot.demo
        else "",
        "views": f"{snapshot.views:,}",
        "visitors": f"{snapshot.visitors:,}",
        "posts": f"{snapshot.published_posts:,}",
        "pages": f"{snapshot.published_pages:,}",
        "since": "nothing yet" if snapshot.since is None else _day(snapshot.since),
        "since_at": "" if snapshot.since is None else f' datetime="{_iso(snapshot.since)}"',
        "nobody": '<tr class="empty"><td colspan="2">'
        "Known while the tracker can be reached.</td></tr>",
        "rows": "\n".join(_row(page, link) for page in rows)
        or '<tr class="empty"><td colspan="3">No page has been viewed yet.</td></tr>',
        "days": _chart(snapshot),
        "sources": _lists(snapshot),
    }


def _row(page: PageFigures, link: Link) -> str:
    """Render a row as `render.js` does, which then keeps it."""
    path = escape(page.path)
    return (
        f'<tr data-path="{path}"><td class="page">{_name(page, link)}</td>'
        f'<td class="type">{_TYPES.get(page.type, "Not in the site")}</td>'
        f'<td class="number">{page.views:,}</td></tr>'
    )


def _name(page: PageFigures, link: Link) -> str:
    path = escape(page.path)
    if page.title is None:
        return path
    address, title = link(page.path), escape(page.title)
    name = title if address is None else f'<a href="{escape(address)}">{title}</a>'
    return f'{name} <span class="path">{path}</span>'


def _chart(snapshot: Snapshot) -> str:
    """Draw the views of each day; the same in words for who does not see it."""
    days = snapshot.days
    if not any(days):
        return ""
    last = snapshot.last_day
    most = max(days)
    busiest = last - timedelta(days=len(days) - 1 - days.index(most))
    words = f"{sum(days):,} views in {len(days)} days, at most {most:,} on {_day(busiest)}"
    return (
        f"<h2>The last {len(days)} days</h2>\n"
        '<figure class="mkdocs-stats-chart">\n'
        f'<svg viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{words}">\n{_columns(days, last)}</svg>\n'
        f"<figcaption><span>{_day(last - timedelta(days=len(days) - 1))}</span> "
        f"<span>{words}</span> <span>{_day(last)}</span></figcaption>\n</figure>\n"
    )


def _columns(days: Sequence[int], last: date) -> str:
    step = _CHART_WIDTH / len(days)
    columns = []
    for number, views in enumerate(days):
        height = max(1.0, views / max(days) * _CHART_HEIGHT)
        day = last - timedelta(days=len(days) - 1 - number)
        columns.append(
            f'<rect x="{number * step:.1f}" y="{_CHART_HEIGHT - height:.1f}" '
            f'width="{step - _COLUMN_GAP:.1f}" height="{height:.1f}">'
            f"<title>{_day(day)}: {views:,}</title></rect>\n"
        )
    return "".join(columns)


def _lists(snapshot: Snapshot) -> str:
    lists = [
        ("Sources", "Visits", "direct or unknown", snapshot.referrers),
        ("Countries", "Views", "unknown", snapshot.countries),
    ]
    tables = [_list(name, number, unsaid, rows) for name, number, unsaid, rows in lists if rows]
    if not tables:
        return ""
    heading = f"<h2>Where readers come from, the last {len(snapshot.days)} days</h2>\n"
    return f'{heading}<div class="mkdocs-stats-pair">\n{"".join(tables)}</div>\n'


def _list(name: str, number: str, unsaid: str, rows: Sequence[tuple[str, int]]) -> str:
    body = "\n".join(
        f"<tr><td>{escape(text) or unsaid}</td><td>{count:,}</td></tr>"
        for text, count in rows[:MAX_SOURCES]
    )
    return (
        f'<table class="mkdocs-stats-table">\n<thead><tr><th scope="col">{name}</th>'
        f'<th scope="col" class="number">{number}</th></tr></thead>\n<tbody>\n{body}\n</tbody>\n'
        "</table>\n"
    )


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _moment(time: datetime) -> str:
    return f"{_day(time)}, {time:%H:%M} UTC"


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
