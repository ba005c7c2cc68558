"""How much pages were read in the last 30 days and are now, as a tracker answers.

One question lists all pages, one more for each page tells its ratings and from where readers come:
pages that nobody viewed are not asked for, and one page alone takes one question. One at the end
tells who is on any of them now.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from mkdocs_stats_plugin.remote import NoAnswerError, ask, count_of, text_of

MAX_QUESTIONS = 50
"""How many pages are asked for one by one."""
MAX_LISTED = 1_000
"""How long lists of pages and of sources are, which is the most that a tracker gives."""
TIMEOUT_SECONDS = 10.0
"""The figures of one page may take seconds where there are millions of views."""

_REPORT = "/api/report?period=30d"
_NOW = "/api/stats"
_REFUSED = (401, 403)
_NO_PATH = (400, 414, 431)


@dataclass(frozen=True, slots=True)
class Readership:
    """What readers did with one page."""

    readers: int
    views: int
    page_loads: int
    """Those that said how they were read."""
    completed: int
    """How many of them were read to the end."""
    positive: int | None
    """Ratings; nothing where they were not asked for."""
    negative: int | None
    sources: tuple[tuple[str, int], ...] | None = None
    """Other sites and how many of the views came from each, the greatest first; nothing where they
    were not asked for, or not all are known."""
    links: int | None = None
    """How many published pages of the site link to it; nothing where that is not known."""

    @property
    def from_elsewhere(self) -> int | None:
        """How many of the views came from other sites."""
        return None if self.sources is None else sum(views for _, views in self.sources)


NOBODY = Readership(0, 0, 0, 0, 0, 0, ())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tracker said."""

    pages: dict[str, Readership]
    """By path; what is missing is not known."""
    now: dict[str, int]
    """How many readers are on a page at this moment, likewise."""
    problem: str
    """Why something is missing; empty where all was answered."""


def ask_readership(
    tracker_url: str, token: str, paths: Sequence[str], lost: Collection[str] = ()
) -> Answer:
    """Ask for the figures of pages.

    Args:
        tracker_url: Address without a slash at its end.
        token: Of scope ``stats:read``, for a tracker whose statistics are not public.
        paths: As in the manifest, those that matter most first.
        lost: Those of them whose readers are to find nothing there any more.
    """
    tracker, answer = _Tracker(tracker_url, token), Answer({}, {}, "")
    problem = _problem(lambda: _ask_all(tracker, paths, lost, answer.pages), token)
    if problem and not answer.pages:  # Who answers nothing need not be waited for again.
        return replace(answer, problem=problem)
    trouble = _problem(lambda: _ask_now(tracker, paths, answer.now), token)
    return replace(answer, problem=problem or trouble)


def _problem(ask_for: Callable[[], None], token: str) -> str:
    """Ask; return why not all was answered, nothing where it was."""
    try:
        ask_for()
    except NoAnswerError as error:
        return _reason(error, token)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return f"its answer is not understood: {error}"
    return ""


@dataclass(frozen=True, slots=True)
class _Tracker:
    url: str
    token: str

    def ask(self, question: str) -> Any:  # noqa: ANN401  # anything; what is wrong raises
        return ask(f"{self.url}{question}", self.token, TIMEOUT_SECONDS)


def _ask_all(
    tracker: _Tracker, paths: Sequence[str], lost: Collection[str], known: dict[str, Readership]
) -> None:
    if len(paths) > 1:
        _list_pages(tracker, paths, known)
    # First those of which nothing is known yet, then those that are lost, then the most read.
    viewed = sorted(
        (path for path in paths if known.get(path) != NOBODY),
        key=lambda path: (path in known, path not in lost, -known.get(path, NOBODY).readers),
    )
    for path in viewed[:MAX_QUESTIONS]:
        known[path] = _ask_page(tracker, path, MAX_LISTED if path in lost else 1)


def _ask_page(tracker: _Tracker, path: str, max_sources: int) -> Readership:
    question = f"{_REPORT}&limit={max_sources}&pages=1&page={quote(path, safe='/')}"
    try:
        return _read_page(tracker.ask(question))
    except NoAnswerError as error:
        if error.status not in _NO_PATH:
            raise
        return NOBODY  # What a tracker takes for no path was never counted.


def _list_pages(tracker: _Tracker, paths: Sequence[str], known: dict[str, Readership]) -> None:
    rows = tracker.ask(f"{_REPORT}&limit=1&pages={MAX_LISTED}")["pages"]
    listed = {text_of(row["path"]): row for row in rows}
    for path in paths:
        if path in listed:
            known[path] = _read_row(listed[path])
        elif len(listed) < MAX_LISTED:
            known[path] = NOBODY


def _ask_now(tracker: _Tracker, paths: Sequence[str], now: dict[str, int]) -> None:
    figures = tracker.ask(f"{_NOW}?limit={MAX_LISTED}")
    readers = {text_of(row["path"]): count_of(row["visitors"]) for row in figures["activeByPath"]}
    # A tracker may list fewer pages than have readers: nobody is where nobody is left for.
    is_whole = sum(readers.values()) == count_of(figures["activeVisitors"])
    now.update({path: readers.get(path, 0) for path in paths if is_whole or path in readers})


def _read_row(row: Any) -> Readership:  # noqa: ANN401  # as above
    return Readership(
        count_of(row["visitors"]),
        count_of(row["views"]),
        count_of(row["pageLoads"]),
        count_of(row["completed"]),
        None,
        None,
    )


def _read_page(report: Any) -> Readership:  # noqa: ANN401  # as above
    return Readership(
        count_of(report["visitors"]),
        count_of(report["views"]),
        count_of(report["reading"]["pageLoads"]),
        count_of(report["reading"]["completed"]),
        count_of(report["feedback"]["positive"]),
        count_of(report["feedback"]["negative"]),
        _read_sources(report),
        None if report.get("links") is None else count_of(report["links"]),
    )


def _read_sources(report: Any) -> tuple[tuple[str, int], ...] | None:  # noqa: ANN401  # as above
    """Return the other sites; nothing where the list does not have all.

    Each view from another site begins a visit, so visits by source are views. Older trackers have
    no such list; of others it is cut, or the views of its first days are deleted.
    """
    rows = report.get("referrers") or []
    if not all("visits" in row for row in rows):
        return None
    sources = [(text_of(row["referrer"]), count_of(row["visits"])) for row in rows]
    is_whole = sum(visits for _, visits in sources) == report.get("visits")
    return tuple(source for source in sources if source[0]) if is_whole else None


def _reason(error: NoAnswerError, token: str) -> str:
    if error.status not in _REFUSED:
        return str(error) if error.status is None else f"it answers {error.status} ({error})"
    if token:
        return f"it refuses the token in MKDOCS_STATS_TOKEN ({error.status})"
    return f"it wants a token in MKDOCS_STATS_TOKEN ({error.status})"
