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
from mkdocs_stats_plugin.texts import Texts

SWITCHED_OFF = "<p>Statistics are switched off in this build.</p>\n"
MAX_ROWS = 50
MAX_SOURCES = 10
UNKNOWN = "–"  # noqa: RUF001  # a dash

_PLACEHOLDER = re.compile(r"<div\s[^>]*\bdata-stats-page\b[^>]*>\s*</div>", re.IGNORECASE)
_SLOT = re.compile(r"\{\{ ([\w.]+) \}\}")
_UNSAID = {"sources": "direct", "countries": "unknown"}
"""What an entry without a text is called."""
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
    tracker_url: str,
    texts: Texts,
    snapshot: Snapshot | None = None,
    link: Link = lambda _path: None,
    *,
    other_language: bool = False,
) -> str:
    """Render the figures and tables that `stats.js` fills.

    Args:
        tracker_url: Where it asks.
        texts: What is said.
        snapshot: What stands there before; nothing leaves the places empty.
        link: Makes an address of a path; nothing for one that leads nowhere.
        other_language: Whether the page around it is in another language than the texts.
    """
    template = (resources("mkdocs_stats_plugin") / "assets" / "stats_page.html").read_text(
        encoding="utf-8"
    )
    slots = {
        **{f"text.{key}": escape(text) for key, text in texts.all.items()},
        "tracker": escape(tracker_url),
        "lang": f' lang="{texts.language}"' if other_language else "",
        "noscript": escape(texts("noscript")),
        "offline": escape(texts("offline")),
        "views_since": _since(None, UNKNOWN, texts),
        "rows": _empty(texts("not_known")),
        **dict.fromkeys(("views", "visitors", "posts", "pages"), UNKNOWN),
        **({} if snapshot is None else _fill(snapshot, link, texts)),
    }
    return _SLOT.sub(lambda slot: slots.get(slot[1], ""), template)


def place_body(html: str, body: str) -> str:
    """Put `body` in the place of the first ``<div data-stats-page></div>``, else at the end."""
    if match := _PLACEHOLDER.search(html):
        return html[: match.start()] + body + html[match.end() :]
    return f"{html}\n{body}"


def _fill(snapshot: Snapshot, link: Link, texts: Texts) -> dict[str, str]:
    taken = texts.moment(snapshot.taken)
    time = f'<time datetime="{_iso(snapshot.taken)}">{escape(taken)}</time>'
    since = texts("never") if snapshot.since is None else texts.day(snapshot.since)
    rows = [_row(page, link, texts) for page in snapshot.pages[:MAX_ROWS]]
    return {
        "root_state": ' data-state="snapshot"',
        "as_of": _around(texts("as_of"), time),
        "offline": escape(texts("offline_as_of", time=taken)),
        "noscript": escape(texts("noscript_as_of")),
        "demo": f'<p class="mkdocs-stats-demo">{escape(texts("demo"))}</p>\n'
        if snapshot.demo
        else "",
        "views": texts.number(snapshot.views),
        "visitors": texts.number(snapshot.visitors),
        "posts": texts.number(snapshot.published_posts),
        "pages": texts.number(snapshot.published_pages),
        "views_since": _since(snapshot.since, since, texts),
        "rows": "\n".join(rows) or _empty(texts("no_views")),
        "days": _chart(snapshot, texts),
        "sources": _lists(snapshot, texts),
    }


def _around(text: str, element: str) -> str:
    """Put an element into a text that has a place for a time."""
    return escape(text).format(time=element)


def _since(since: datetime | None, text: str, texts: Texts) -> str:
    moment = "" if since is None else f' datetime="{_iso(since)}"'
    never = escape(texts("never"))
    element = f'<time data-stat="trackingSince" data-empty="{never}"{moment}>{escape(text)}</time>'
    return _around(texts("views_since"), element)


def _empty(text: str) -> str:
    return f'<tr class="empty"><td colspan="3">{escape(text)}</td></tr>'


def _row(page: PageFigures, link: Link, texts: Texts) -> str:
    """Render a row as `render.js` does, which then keeps it."""
    path = escape(page.path)
    return (
        f'<tr data-path="{path}"><td class="page">{_name(page, link)}</td>'
        f'<td class="type">{escape(texts.type(page.type))}</td>'
        f'<td class="number">{texts.number(page.views)}</td></tr>'
    )


def _name(page: PageFigures, link: Link) -> str:
    path = escape(page.path)
    if page.title is None:
        return path
    address, title = link(page.path), escape(page.title)
    name = title if address is None else f'<a href="{escape(address)}">{title}</a>'
    return f'{name} <span class="path">{path}</span>'


def _chart(snapshot: Snapshot, texts: Texts) -> str:
    """Draw the views of each day; the same in words for who does not see it."""
    days = snapshot.days
    if not any(days):
        return ""
    first, last = snapshot.last_day - timedelta(days=len(days) - 1), snapshot.last_day
    most = max(days)
    words = texts(
        "chart",
        views=texts.number(sum(days)),
        days=len(days),
        most=texts.number(most),
        day=texts.day(first + timedelta(days=days.index(most))),
    )
    return (
        f"<h2>{escape(texts('days', days=len(days)))}</h2>\n"
        '<figure class="mkdocs-stats-chart">\n'
        f'<svg viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(words)}">\n{_columns(days, first, texts)}</svg>\n'
        f"<figcaption><span>{texts.day(first)}</span> "
        f"<span>{escape(words)}</span> <span>{texts.day(last)}</span></figcaption>\n</figure>\n"
    )


def _columns(days: Sequence[int], first: date, texts: Texts) -> str:
    step = _CHART_WIDTH / len(days)
    columns = []
    for number, views in enumerate(days):
        height = max(1.0, views / max(days) * _CHART_HEIGHT)
        day = texts.day(first + timedelta(days=number))
        columns.append(
            f'<rect x="{number * step:.1f}" y="{_CHART_HEIGHT - height:.1f}" '
            f'width="{step - _COLUMN_GAP:.1f}" height="{height:.1f}">'
            f"<title>{day}: {texts.number(views)}</title></rect>\n"
        )
    return "".join(columns)


def _lists(snapshot: Snapshot, texts: Texts) -> str:
    tables = [
        _list("sources", "visits", snapshot.referrers, texts),
        _list("countries", "views", snapshot.countries, texts),
    ]
    if not any(tables):
        return ""
    heading = f"<h2>{escape(texts('whence', days=len(snapshot.days)))}</h2>\n"
    return f'{heading}<div class="mkdocs-stats-pair">\n{"".join(tables)}</div>\n'


def _list(name: str, number: str, rows: Sequence[tuple[str, int]], texts: Texts) -> str:
    if not rows:
        return ""
    body = "\n".join(
        f"<tr>{_entry(name, text, texts)}<td>{texts.number(count)}</td></tr>"
        for text, count in rows[:MAX_SOURCES]
    )
    heading, unit = (escape(texts(f"column.{key}")) for key in (name, number))
    return (
        f'<table class="mkdocs-stats-table">\n<thead><tr><th scope="col">{heading}</th>'
        f'<th scope="col" class="number">{unit}</th></tr></thead>\n<tbody>\n{body}\n</tbody>\n'
        "</table>\n"
    )


def _entry(name: str, text: str, texts: Texts) -> str:
    """Render the name of an entry; the browser knows what countries are called."""
    if not text or text == "(other)":
        return f"<td>{escape(texts('others' if text else _UNSAID[name]))}</td>"
    code = f' data-country="{escape(text)}"' if name == "countries" else ""
    return f"<td{code}>{escape(text)}</td>"


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
