"""The report on a branch as Markdown for a pull request, and as JSON.

Titles and paths are written by whoever opens a pull request, names of other sites by whoever sends
a tracker messages: of their text nothing is markup, a link, a mention or a reference.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import quote

from mkdocs_stats_plugin.readership import Readership
from mkdocs_stats_plugin.review import Line, PageChange, Review, Verdict

MARKER = "<!-- mkdocs-stats pr-report -->"
"""By which a comment is found again."""
MAX_LINES = 50
MAX_CHARS = 60_000
"""A comment on GitHub has 65,536 at most."""
MAX_TEXT_CHARS = 100
MAX_LINK_CHARS = 500
MAX_SOURCES = 3
"""How many other sites are named beside a page that loses its address."""

_UNKNOWN = "?"
_NONE = "–"  # noqa: RUF001  # a dash
_NOW = "Now"
_COLUMNS = ("Readers", _NOW, "Views", "Helpful", "Read to the end")
_SIGNS = {Verdict.LOST: "❌ ", Verdict.UNKNOWN: "⚠️ ", Verdict.UNREAD: "⚠️ "}
_MARKUP = re.compile(r"[&<>\[\]`*_~|\\#@$]")
# What GitHub makes mentions, references and addresses of: a space without width ends them.
_REFERENCES = re.compile(r"(?<=[@#])|(?<=\bGH)(?=-)|(?<=\bwww)(?=\.)|(?<=:)(?=//)", re.IGNORECASE)
_JOINERS = "\u200c\u200d"


def write_markdown(review: Review) -> str:
    """Write the report for people, at most `MAX_CHARS` long."""
    shown = review.lines[:MAX_LINES]
    text = _write(review, shown)
    while len(text) > MAX_CHARS:
        shown = shown[:-5]
        text = _write(review, shown)
    return text


def _write(review: Review, shown: Sequence[Line]) -> str:
    blocks = [f"{MARKER}\n### Readers of the changed pages\n", *_summary(review)]
    if shown:
        blocks.append(_table(review, shown))
    blocks += _notes(review, len(review.lines) - len(shown))
    return "\n".join(blocks)


def _table(review: Review, shown: Sequence[Line]) -> str:
    columns = [name for name in _COLUMNS if name != _NOW or _has_readers_now(review)]
    head = f"| Page | Change | {' | '.join(columns)} |\n| --- | --- |{' ---: |' * len(columns)}\n"
    return head + "".join(_row(line, review.tracker_url, columns) for line in shown)


def _has_readers_now(review: Review) -> bool:
    return any(line.now for line in review.lines)


def _summary(review: Review) -> list[str]:
    if not review.lines:
        return ["No documentation page changes.\n"]
    limit = f"{_counted(review.max_readers, 'reader')} in 30 days"
    said = []
    if lost := review.of(Verdict.LOST):
        said.append(
            f"❌ **{_counted(len(lost))} with more than {limit} {_lose(lost)} "
            "without a redirect.** "
            "Keep the page, or name another in `redirect_maps` of mkdocs-redirects.\n"
        )
    if unknown := review.of(Verdict.UNKNOWN):
        said.append(
            f"⚠️ {_counted(len(unknown))} {_lose(unknown)} without a redirect, "
            "and how many readers come there is not known.\n"
        )
    if unread := review.of(Verdict.UNREAD):
        said.append(
            f"⚠️ {_counted(len(unread))} with at most {limit} {_lose(unread)} without a redirect.\n"
        )
    return said or ["No page loses its address without a redirect.\n"]


def _lose(lines: Sequence[Line]) -> str:
    return "loses its address" if len(lines) == 1 else "lose their addresses"


def _counted(count: int, noun: str = "page") -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _row(line: Line, tracker_url: str, columns: Sequence[str]) -> str:
    change = line.change
    path = _code(change.path)
    link = f"{tracker_url}/stats?page={quote(change.path, safe='/')}"
    if line.figures and len(link) <= MAX_LINK_CHARS:
        path = f"[{path}]({quote(link, safe=':/?=%[]')})"
    page = f"{escape(line.title)}<br>{path}"
    said = f"{_SIGNS.get(line.verdict, '')}{_change(change)}{_risk(line)}"
    cells = _cells(line)
    return f"| {page} | {said} | {' | '.join(cells[name] for name in columns)} |\n"


def _change(change: PageChange) -> str:
    said: str = "new" if change.kind == "added" else change.kind
    if change.new_path is not None:
        said += f" to {_code(change.new_path)}"
    if change.target is not None:
        same = change.target == change.new_path
        said += ", redirected" if same else f", redirected to {_code(change.target)}"
    elif change.loses_address:
        said += ", **its redirect leads nowhere**" if change.is_redirected else ", **no redirect**"
    return said


def _risk(line: Line) -> str:
    """Say from where readers would come to a page that is not there any more."""
    figures = line.figures
    if not line.change.loses_address or figures is None or not figures.views:
        return ""
    came = f"{_some(figures.from_elsewhere, 'none')} of its views came from other sites"
    pages = f"{_some(figures.links, 'no')} published page{'' if figures.links == 1 else 's'}"
    leads = "links" if figures.links == 1 else "link"
    return f"<br>{came}{_sources(figures)}, {pages} {leads} to it"


def _some(count: int | None, none: str) -> str:
    if count is None:
        return _UNKNOWN
    return f"{count:,}" if count else none


def _sources(figures: Readership) -> str:
    sources = figures.sources or ()
    named = [f"{escape(source)} {views:,}" for source, views in sources[:MAX_SOURCES]]
    if left := len(sources) - len(named):
        named.append(f"{left:,} more")
    return f" ({', '.join(named)})" if named else ""


def _cells(line: Line) -> dict[str, str]:
    """Return what each of `_COLUMNS` has of a page."""
    figures, missing = line.figures, _NONE if line.change.kind == "added" else _UNKNOWN
    now = missing if line.now is None else f"{line.now:,}"
    if figures is None:
        return dict.fromkeys(_COLUMNS, missing) | {_NOW: now}
    readers, views = f"{figures.readers:,}", f"{figures.views:,}"
    cells = readers, now, views, _rating(figures), _completion(figures)
    return dict(zip(_COLUMNS, cells, strict=True))


def _rating(figures: Readership) -> str:
    if figures.positive is None or figures.negative is None:
        return _UNKNOWN
    ratings = figures.positive + figures.negative
    return f"{figures.positive:,} of {ratings:,}" if ratings else _NONE


def _completion(figures: Readership) -> str:
    loads = figures.page_loads
    return f"{round(100 * figures.completed / loads)} %" if loads else _NONE


def _notes(review: Review, left: int) -> list[str]:
    notes = []
    if left:
        notes.append(f"{_counted(left, 'more page')} of this branch {_are(left)} not listed.\n")
    if review.unplaced:
        notes.append(
            f"{_counted(review.unplaced, 'post')} of the blog plugin {_are(review.unplaced)} left "
            "out: only a build knows their addresses.\n"
        )
    if review.problem:
        notes.append(
            f"⚠️ Figures are missing, the tracker could not be asked: {escape(review.problem)}.\n"
        )
    if any(line.figures for line in review.lines):
        unasked = any(line.figures and line.figures.positive is None for line in review.lines)
        notes.append(
            "Readers, views, ratings and page loads that were read to the end, of the last 30 days"
            f"{'; ratings only of those with most readers' if unasked else ''}"
            f"{'. Now: readers when this was written' if _has_readers_now(review) else ''}.\n"
        )
    return notes


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def escape(text: str) -> str:
    """Return text that GitHub shows as it is, in a cell of a table as elsewhere.

    Whitespace is one space, what cannot be seen is left out, and only the first `MAX_TEXT_CHARS`
    characters stay.
    """
    line = " ".join(text.split())
    seen = "".join(c for c in line if c in _JOINERS or unicodedata.category(c)[0] != "C")
    if len(seen) > MAX_TEXT_CHARS:
        seen = seen[: MAX_TEXT_CHARS - 1] + "…"
    apart = _REFERENCES.sub("\u200b", seen)
    # References to characters, because what they stand for is never taken for markup.
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", apart)


def write_json(review: Review) -> str:
    """Write the report for programs; `docs/pull-requests.md` has the keys."""
    document = {
        "base": review.base,
        "head": review.head,
        "tracker": review.tracker_url or None,
        "problem": review.problem or None,
        "maxReaders": review.max_readers,
        "lost": len(review.of(Verdict.LOST)),
        "unplacedPosts": review.unplaced,
        "pages": [_document(line) for line in review.lines],
    }
    return json.dumps(document, indent=2) + "\n"


def _document(line: Line) -> dict[str, object]:
    change, figures = line.change, line.figures
    risk = figures if change.loses_address else None
    return {
        "change": change.kind,
        "path": change.path,
        "newPath": change.new_path,
        "source": change.source,
        "title": line.title,
        "redirect": change.target,
        "verdict": line.verdict.value,
        "readers": figures and figures.readers,
        "views": figures and figures.views,
        "pageLoads": figures and figures.page_loads,
        "completed": figures and figures.completed,
        "positive": figures and figures.positive,
        "negative": figures and figures.negative,
        "now": line.now,
        "fromElsewhere": risk and risk.from_elsewhere,
        "sources": _source_rows(risk),
        "links": risk and risk.links,
    }


def _source_rows(figures: Readership | None) -> list[dict[str, object]] | None:
    if figures is None or figures.sources is None:
        return None
    return [{"source": source, "views": views} for source, views in figures.sources]
