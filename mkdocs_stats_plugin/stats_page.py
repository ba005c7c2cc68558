"""The statistics page of a site: its source where the site has none, and its body."""

import json
import re
from html import escape
from importlib.resources import files as resources

SWITCHED_OFF = "<p>Statistics are switched off in this build.</p>\n"

_PLACEHOLDER = re.compile(r"<div\s[^>]*\bdata-stats-page\b[^>]*>\s*</div>", re.IGNORECASE)


def render_source(title: str) -> str:
    """Render the Markdown of a page that holds nothing but the statistics.

    The title is JSON, which every YAML reader understands, in the front matter, and HTML in
    the heading, so that no letter of it is taken for markup.
    """
    meta = f"title: {json.dumps(title)}\nsearch:\n  exclude: true\nhide:\n  - toc\n  - feedback\n"
    return f"---\n{meta}---\n\n<h1>{escape(title)}</h1>\n\n<div data-stats-page></div>\n"


def render_body(tracker_url: str) -> str:
    """Render the figures and tables that `stats.js` fills."""
    template = resources("mkdocs_stats_plugin") / "assets" / "stats_page.html"
    return template.read_text(encoding="utf-8").replace("{{ tracker }}", escape(tracker_url))


def place_body(html: str, body: str) -> str:
    """Put `body` in the place of the first ``<div data-stats-page></div>``, else at the end."""
    if match := _PLACEHOLDER.search(html):
        return html[: match.start()] + body + html[match.end() :]
    return f"{html}\n{body}"
