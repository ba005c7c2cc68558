"""What the tracker said at build time, and what it said last when it says nothing now.

Two requests a build, however many pages show a number. The answers are kept as they came,
so that a build without the tracker shows the figures of the last one that had it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mkdocs_stats_plugin.remote import NoAnswerError, ask, count_of, text_of

MAX_PAGES = 1_000
"""Of how many pages the views of all time are asked."""
MAX_ROWS = 100
FRESH_SECONDS = 60.0
"""A build in several languages, which is several builds, asks once."""
FILE_NAME = "snapshot.json"

_SCHEMA = 1
_QUESTIONS = {
    "stats": f"/api/stats?limit={MAX_PAGES}",
    "report": f"/api/report?limit={MAX_ROWS}",  # The last 30 days.
}


@dataclass(frozen=True, slots=True)
class PageFigures:
    """How often a page was viewed."""

    path: str
    title: str | None
    """Nothing for a path that the site does not have."""
    type: str
    """``home``, ``blog``, ``page``, ``stats`` or ``other``."""
    views: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The figures of one moment."""

    taken: datetime
    demo: bool
    """Whether they are made up."""
    views: int
    """Of all time, as are those of `pages`."""
    visitors: int
    published_posts: int
    published_pages: int
    since: datetime | None
    pages: tuple[PageFigures, ...]
    """The most viewed, `MAX_PAGES` of them."""
    is_complete: bool
    """Whether `pages` has all that were ever viewed."""
    days: tuple[int, ...]
    """Views of the last 30 days, the current one last."""
    last_day: date
    """The current one."""
    popular: tuple[PageFigures, ...]
    """In these days."""
    referrers: tuple[tuple[str, int], ...]
    """Sources and how many visits began there."""
    countries: tuple[tuple[str, int], ...]

    def views_of(self, path: str) -> int | None:
        """Return the views of all time of a page; nothing where they are not known."""
        for page in self.pages:
            if page.path == path:
                return page.views
        return 0 if self.is_complete else None


class Source:
    """Where figures come from: a tracker, or a file in which its last answers are kept."""

    def __init__(
        self, tracker_url: str, folder: Path, clock: Callable[[], float], token: str = ""
    ) -> None:
        """`folder` is made when there is something to keep in it; the clock gives seconds.

        A tracker whose statistics are not public wants a token.
        """
        self.problem = ""
        """Why the tracker could not be asked; empty when it answered."""
        self._tracker_url = tracker_url
        self._file = folder / FILE_NAME
        self._token = token
        self._clock = clock
        self._asked = float("-inf")
        self._kept: dict[str, Any] | None = None
        self._snapshot: Snapshot | None = None

    def is_of(self, tracker_url: str, folder: Path, token: str = "") -> bool:
        """Tell whether it was made with these: `mkdocs serve` reads its configuration again."""
        own = self._tracker_url, self._file, self._token
        return (tracker_url, folder / FILE_NAME, token) == own

    def read(
        self, fresh_seconds: float = FRESH_SECONDS, *, trusts_file: bool = False
    ) -> Snapshot | None:
        """Return the latest figures there are; nothing when the tracker has never answered.

        Args:
            fresh_seconds: for how long one answer, or one failure, will do.
            trusts_file: whether that holds for what an earlier process has kept as well.
        """
        now = self._clock()
        if 0 <= now - self._asked < fresh_seconds:
            return self._snapshot
        self._asked = now
        kept = self._load()
        if trusts_file and kept is not None and 0 <= now - kept["taken"] < fresh_seconds:
            self._asked = kept["taken"]
        else:
            kept = self._ask(now) or kept
        self._snapshot = None if kept is None else parse_snapshot(kept)
        return self._snapshot

    def _ask(self, now: float) -> dict[str, Any] | None:
        try:
            document: dict[str, Any] = {
                "schema": _SCHEMA,
                "tracker": self._tracker_url,
                "taken": int(now),
            }
            for name, question in _QUESTIONS.items():
                document[name] = ask(self._tracker_url + question, self._token)
            parse_snapshot(document)
        except NoAnswerError as error:
            self.problem = str(error)
            return None
        except ValueError as error:
            self.problem = f"its answer is not understood: {error}"
            return None
        self.problem = ""
        self._save(document)
        return document

    def _save(self, document: Mapping[str, Any]) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            half = self._file.with_suffix(".partial")
            half.write_text(json.dumps(document), encoding="utf-8")
            half.replace(self._file)
        except OSError as error:
            self.problem = f"the answer cannot be kept: {error}"

    def _load(self) -> dict[str, Any] | None:
        try:
            document = json.loads(self._file.read_bytes())
            parse_snapshot(document)
        except (OSError, ValueError):  # There is none, or it is of another version.
            return None
        kept: dict[str, Any] = document
        # Figures of another tracker are those of another site.
        return kept if kept.get("tracker") == self._tracker_url else None


def parse_snapshot(document: object) -> Snapshot:
    """Read the two answers of a tracker.

    Args:
        document: JSON with the keys ``schema``, ``taken``, ``stats`` and ``report``.

    Raises:
        ValueError: a figure is missing or none.
    """
    try:
        return _parse(document)
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError, OSError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _parse(document: Any) -> Snapshot:  # noqa: ANN401  # anything; what is wrong raises
    if document["schema"] != _SCHEMA:
        raise ValueError("it is of another version")
    stats, report = document["stats"], document["report"]
    since = stats["trackingSince"]
    pages = _pages(stats["pageStats"])
    return Snapshot(
        taken=datetime.fromtimestamp(count_of(document["taken"]), UTC),
        demo=stats.get("demo") is True,
        views=count_of(stats["totalPageViews"]),
        visitors=count_of(stats["uniqueVisitors"]),
        published_posts=count_of(stats["publishedPosts"]),
        published_pages=count_of(stats["publishedPages"]),
        since=None if since is None else datetime.fromisoformat(since),
        pages=pages,
        is_complete=count_of(stats["pageCount"]) <= len(pages),
        days=tuple(map(count_of, report["series"]["views"])),
        last_day=date.fromisoformat(report["to"]),
        popular=_pages(report["pages"]),
        referrers=_counts(report["referrers"], "referrer", "visits"),
        countries=_counts(report["countries"], "country", "views"),
    )


def _pages(rows: Any) -> tuple[PageFigures, ...]:  # noqa: ANN401  # as above
    return tuple(
        PageFigures(
            text_of(row["path"]),
            None if row["title"] is None else text_of(row["title"]),
            text_of(row["type"]),
            count_of(row["views"]),
        )
        for row in rows
    )


def _counts(
    rows: Any,  # noqa: ANN401  # as above
    name: str,
    number: str,
) -> tuple[tuple[str, int], ...]:
    return tuple((text_of(row[name]), count_of(row[number])) for row in rows)
