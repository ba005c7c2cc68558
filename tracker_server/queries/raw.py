"""Reads raw views: what a filter selects, counted row by row."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from pyroaring import BitMap
from sqlalchemy import ColumnElement, Connection, bindparam, or_

from tracker_server.figures import (
    Figures,
    Filters,
    Series,
)
from tracker_server.grains import gather, part_of, starts_of
from tracker_server.packing import SECONDS_PER_DAY, SECONDS_PER_HOUR
from tracker_server.queries.breakdown import Breakdown, audience_parts, read_texts
from tracker_server.queries.days import unite
from tracker_server.queries.moved import NO_MOVES, Moves
from tracker_server.queries.ranges import is_any
from tracker_server.runs import read_latest_first
from tracker_server.sources import source_of
from tracker_server.statements import AUDIENCES, CAMPAIGNS, REFERRERS, VIEWS

_COLUMNS = ("at", "path_id", "visitor_id", "referrer_id", "audience_id", "before_id", "campaign_id")
_OF_PATHS = _COLUMNS.index("path_id"), _COLUMNS.index("before_id")
_Row = tuple[int, int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which raw views are wanted, by ids; ``None`` allows any."""

    path_id: int | None = None
    referrers: Collection[int] | None = None
    audiences: Collection[int] | None = None
    campaigns: Collection[int] | None = None
    moves: Moves = NO_MOVES
    """Which paths are the page's as well."""

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """Those of the statement: with a path, the views that followed one of it too."""
        found: list[ColumnElement[bool]] = []
        if self.path_id is not None:
            paths = self.moves.paths_of(self.path_id)
            found.append(or_(is_any(VIEWS.c.path_id, paths), is_any(VIEWS.c.before_id, paths)))
        for column, ids in (
            (VIEWS.c.referrer_id, self.referrers),
            (VIEWS.c.audience_id, self.audiences),
            (VIEWS.c.campaign_id, self.campaigns),
        ):
            if ids is not None:
                # Written into the statement: there may be more of them than parameters allowed.
                found.append(
                    column.in_(bindparam(None, sorted(ids), expanding=True, literal_execute=True))
                )
        return found


@dataclass(slots=True)
class Seen:
    """What the selected views of some days come to."""

    first_day: int
    last_day: int
    grain: str
    since: int
    """The first day that was read; later than `first_day` when the time was up."""
    breakdown: Breakdown = field(default_factory=Breakdown)
    views: Counter[int] = field(default_factory=Counter)
    """By day, or by hour where that is the grain."""
    visitors: defaultdict[int, BitMap] = field(default_factory=lambda: defaultdict(BitMap))
    """Likewise."""
    page_visitors: defaultdict[int, BitMap] = field(default_factory=lambda: defaultdict(BitMap))
    trends: defaultdict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    """Views by path and day."""

    @property
    def figures(self) -> Figures:
        """What is known of them; how they were read is not."""
        starts = starts_of(self.first_day, self.last_day, self.grain)
        parts: list[list[BitMap]] = [[] for _ in starts]
        for moment, visitors in self.visitors.items():
            parts[part_of(starts, moment)].append(visitors)
        numbers = tuple(len(unite(part)) for part in parts)
        return Figures(
            self.first_day,
            self.last_day,
            self.views.total(),
            len(unite(self.visitors.values())),
            self.breakdown.entries.total(),
            None,
            Series(starts, gather(starts, self.views), numbers, None),
        )

    def add(self, day: int, rows: Sequence[_Row]) -> None:
        """Count views of one day."""
        times, paths, visitors, referrers, audiences, leaders, campaigns = zip(*rows, strict=True)
        found = self.breakdown
        found.referrers.update(
            referrer for referrer, before in zip(referrers, leaders, strict=True) if not before
        )
        found.campaigns.update(filter(None, campaigns))
        found.audiences.update(audiences)
        found.leads.update(filter(None, leaders))
        found.entries.update(
            path for path, before in zip(paths, leaders, strict=True) if not before
        )
        for path, count in Counter(paths).items():
            found.paths[path] += count
            self.trends[path][day] += count
        unit = SECONDS_PER_HOUR if self.grain == "hour" else SECONDS_PER_DAY
        moments = [at // unit for at in times]
        self.views.update(moments)
        for moment, some in groupby(zip(moments, visitors, strict=True), itemgetter(0)):
            self.visitors[moment].update([visitor for _, visitor in some])
        of_pages: defaultdict[int, list[int]] = defaultdict(list)
        for path, visitor in zip(paths, visitors, strict=True):
            of_pages[path].append(visitor)
        for path, some_visitors in of_pages.items():
            self.page_visitors[path].update(some_visitors)


def select_views(
    connection: Connection, moves: Moves, filters: Filters, path_id: int | None
) -> Selection:
    """Return which views fit; `path_id` is that of the filter's page."""
    referrers = audiences = campaigns = None
    if filters.referrer is not None:
        texts = read_texts(connection, REFERRERS)
        referrers = [
            id_ for id_, text in texts.items() if filters.referrer in {text, source_of(text)}
        ]
    wanted = filters.audience
    if any(part is not None for part in wanted):
        audiences = [
            id_
            for id_, text in read_texts(connection, AUDIENCES).items()
            if all(a in {None, b} for a, b in zip(wanted, audience_parts(text), strict=True))
        ]
    if filters.campaign is not None:
        texts = {0: "", **read_texts(connection, CAMPAIGNS)}
        campaigns = [id_ for id_, text in texts.items() if text == filters.campaign]
    return Selection(path_id, referrers, audiences, campaigns, moves)


def read_views(
    connection: Connection,
    days: tuple[int, int],
    grain: str,
    selection: Selection,
    is_late: Callable[[], bool],
) -> Seen:
    """Read the selected views.

    Args:
        connection: for reading.
        days: the first and the last.
        grain: of the series.
        selection: which of the views.
        is_late: whether no further day is to be begun.
    """
    first_day, last_day = days
    seen = Seen(first_day, last_day, grain, last_day + 1)
    path_id = selection.path_id
    for day, portions in read_latest_first(
        connection, days, _COLUMNS, selection.conditions, is_late
    ):
        for stored in portions:
            rows = selection.moves.fold_ids(stored, *_OF_PATHS)
            own = [row for row in rows if path_id in (None, row[1])]
            if path_id is not None:
                seen.breakdown.onward.update(row[1] for row in rows if row[5] == path_id)
            if own:
                seen.add(day, own)
        seen.since = day
    if path_id is not None:
        seen.breakdown.leads = Counter({path_id: seen.breakdown.onward.total()})
        # From a former path to the page: a step, but not to another page.
        seen.breakdown.onward.pop(path_id, None)
    return seen
