"""How much pages were read in the last 30 days, as a tracker answers.

One question lists all pages, one more for each page tells its ratings: pages that nobody viewed
are not asked for, and one page alone takes one question.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mkdocs_stats_plugin.remote import NoAnswerError, ask, count_of, text_of

MAX_QUESTIONS = 50
"""For how many pages the ratings are asked."""
MAX_LISTED = 1_000
"""How many pages the list has, which is the most that a tracker gives."""
TIMEOUT_SECONDS = 10.0
"""The figures of one page may take seconds where there are millions of views."""

_REPORT = "/api/report?period=30d&limit=1&pages="
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


NOBODY = Readership(0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tracker said."""

    pages: dict[str, Readership]
    """By path; what is missing is not known."""
    problem: str
    """Why something is missing; empty where all was answered."""


def ask_readership(tracker_url: str, token: str, paths: Sequence[str]) -> Answer:
    """Ask for the figures of pages.

    Args:
        tracker_url: Address without a slash at its end.
        token: Of scope ``stats:read``, for a tracker whose statistics are not public.
        paths: As in the manifest, those that matter most first.
    """
    known: dict[str, Readership] = {}
    try:
        _ask_all(_Tracker(tracker_url, token), paths, known)
    except NoAnswerError as error:
        return Answer(known, _reason(error, token))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return Answer(known, f"its answer is not understood: {error}")
    return Answer(known, "")


@dataclass(frozen=True, slots=True)
class _Tracker:
    url: str
    token: str

    def ask(self, question: str) -> Any:  # noqa: ANN401  # anything; what is wrong raises
        return ask(f"{self.url}{_REPORT}{question}", self.token, TIMEOUT_SECONDS)


def _ask_all(tracker: _Tracker, paths: Sequence[str], known: dict[str, Readership]) -> None:
    if len(paths) > 1:
        _list_pages(tracker, paths, known)
    # First those of which nothing is known yet, then those with most readers.
    viewed = sorted(
        (path for path in paths if known.get(path) != NOBODY),
        key=lambda path: (path in known, -known.get(path, NOBODY).readers),
    )
    for path in viewed[:MAX_QUESTIONS]:
        known[path] = _ask_page(tracker, path)


def _ask_page(tracker: _Tracker, path: str) -> Readership:
    try:
        return _read_page(tracker.ask(f"1&page={quote(path, safe='/')}"))
    except NoAnswerError as error:
        if error.status not in _NO_PATH:
            raise
        return NOBODY  # What a tracker takes for no path was never counted.


def _list_pages(tracker: _Tracker, paths: Sequence[str], known: dict[str, Readership]) -> None:
    rows = tracker.ask(str(MAX_LISTED))["pages"]
    listed = {text_of(row["path"]): row for row in rows}
    for path in paths:
        if path in listed:
            known[path] = _read_row(listed[path])
        elif len(listed) < MAX_LISTED:
            known[path] = NOBODY


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
    )


def _reason(error: NoAnswerError, token: str) -> str:
    if error.status not in _REFUSED:
        return str(error) if error.status is None else f"it answers {error.status} ({error})"
    if token:
        return f"it refuses the token in MKDOCS_STATS_TOKEN ({error.status})"
    return f"it wants a token in MKDOCS_STATS_TOKEN ({error.status})"
