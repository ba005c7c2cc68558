"""Which ways readers take from page to page, and how many of them are those of the navigation.

Nothing is said of fewer than three readers, and what is said is put together so that no
subtraction gives it either; ``docs/reports/paths.md`` has the rule and its limits.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pyroaring import BitMap
from sqlalchemy import Connection, or_, select

from tracker_server.database import plain_rows
from tracker_server.queries.moved import Moves, find_page, read_moves
from tracker_server.queries.ranges import is_any
from tracker_server.queries.readings import read_readings
from tracker_server.queries.refs import read_refs
from tracker_server.runs import first_counted_day, read_latest_first
from tracker_server.statements import LINKS, PAGES, VIEWS
from tracker_server.tables import (
    FEWEST_READERS,
    Column,
    ContentReport,
    Kind,
    PageRef,
    Table,
    TableQuestion,
    Value,
    share_of,
)
from tracker_server.vocabulary import MAX_VARIABLES
from tracker_server.wire import as_date

NEXT, PREVIOUS, LINK, JUMP = WAYS = ("next", "previous", "link", "jump")
"""Along the navigation, against it, to a page that the page links to, anywhere else."""
FEW, LEFT, REST = "few", "left", "rest"
"""Ways that few readers went, no way at all, and both where the first alone are too few."""

_OF_SITE = (
    Column("from", "page"),
    Column("to", "page"),
    Column("how", "term"),
    Column("readers", "number"),
    Column("views", "number"),
)
_OF_PAGE = (
    Column("how", "term"),
    Column("to", "page"),
    Column("readers", "number"),
    Column("views", "number"),
    Column("share", "share"),
)
_FACT_KINDS: dict[str, Kind] = {"since": "day", "searchedShare": "share"}
_Way = tuple[int, int]
"""Ids of the path before and of the path after."""


@dataclass(slots=True)
class _Flow:
    """The views that went a way, and whose they were."""

    views: int = 0
    readers: BitMap = field(default_factory=BitMap)

    def __len__(self) -> int:
        return len(self.readers)

    @property
    def is_small(self) -> bool:
        """Whether there are some readers, and too few to be told."""
        return 0 < len(self) < FEWEST_READERS.least

    def add(self, visitors: Collection[int]) -> None:
        """Add the views of these visitors."""
        self.views += len(visitors)
        self.readers.update(visitors)


@dataclass(frozen=True, slots=True)
class _Site:
    """How some pages lead to others."""

    neighbours: Mapping[int, tuple[int | None, int | None]]
    """The page before in the navigation and the page after."""
    links: Collection[_Way]

    def how(self, way: _Way) -> str:
        """Return one of `WAYS`."""
        start, end = way
        before, after = self.neighbours.get(start, (None, None))
        if end in {after, before}:
            return NEXT if end == after else PREVIOUS
        return LINK if way in self.links else JUMP


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the ways between all pages, or what became of the views of one page."""
    moves = read_moves(connection)
    if question.page is None:
        return _read_site(connection, moves, question)
    path_id = find_page(connection, moves, question.page)
    if path_id is None:
        facts = _facts(0, first_counted_day(connection, question.days, 0))
        return Table(_OF_PAGE, (), facts, fact_kinds=_FACT_KINDS)
    return _read_page(connection, moves, question, path_id)


REPORT = ContentReport("paths", read, (FEWEST_READERS,), of_page=True)


def _read_site(connection: Connection, moves: Moves, question: TableQuestion) -> Table:
    flows: defaultdict[_Way, _Flow] = defaultdict(_Flow)
    since = question.last_day + 1
    for day, portions in read_latest_first(
        connection,
        question.days,
        ("before_id", "path_id", "visitor_id"),
        [VIEWS.c.before_id != 0],
        question.is_late,
    ):
        for rows in portions:
            visitors: defaultdict[_Way, list[int]] = defaultdict(list)
            for before, path, visitor in moves.fold_ids(rows, 0, 1):
                # From a former path to the page is no way to another page.
                if before != path:
                    visitors[before, path].append(visitor)
            for way, some in visitors.items():
                flows[way].add(some)
        since = day
    shown = {way: flow for way, flow in flows.items() if len(flow) >= question.option("k")}
    site = _read_map(connection, {start for start, _ in shown})
    pages = read_refs(connection, {path for way in shown for path in way})
    rows = sorted(
        (
            (pages[way[0]], pages[way[1]], site.how(way), len(flow), flow.views)
            for way, flow in shown.items()
        ),
        key=lambda row: (-row[3], -row[4], row[0].path, row[1].path),
    )
    facts = _facts(len(flows) - len(shown), first_counted_day(connection, question.days, since))
    return Table(_OF_SITE, tuple(rows), facts, fact_kinds=_FACT_KINDS)


def _read_page(
    connection: Connection, moves: Moves, question: TableQuestion, path_id: int
) -> Table:
    paths = moves.paths_of(path_id)
    flows: defaultdict[_Way, _Flow] = defaultdict(_Flow)
    stayed: Counter[int] = Counter()
    """By visitor, views that no other followed."""
    since = question.last_day + 1
    for day, portions in read_latest_first(
        connection,
        question.days,
        ("before_id", "path_id", "visitor_id"),
        [or_(is_any(VIEWS.c.path_id, paths), is_any(VIEWS.c.before_id, paths))],
        question.is_late,
    ):
        for before, path, visitor in (
            row for rows in portions for row in moves.fold_ids(rows, 0, 1)
        ):
            if path == path_id:
                stayed[visitor] += 1
            if before == path_id:
                stayed[visitor] -= 1
                if path != path_id:
                    flows[before, path].add((visitor,))
        since = day
    left = _Flow()
    for visitor, views in stayed.items():
        left.add([visitor] * views)
    site = _read_map(connection, {path_id})
    hidden = sum(len(flow) < question.option("k") for flow in flows.values())
    shown = [
        (how, flow)
        for how, flow in _put_together(flows, site, left)
        if len(flow) >= question.option("k")
    ]
    rows = _rows_of_page(connection, site.neighbours.get(path_id, (None, None)), shown)
    first_day = first_counted_day(connection, question.days, since)
    facts: dict[str, int | float | str | None] = {
        **_facts(hidden, first_day),
        "loads": None,
        "searchedShare": None,
    }
    if len(stayed) >= FEWEST_READERS.least:
        read = read_readings(connection, moves, first_day, question.last_day, [path_id])[path_id]
        facts |= {"loads": read.loads, "searchedShare": share_of(read.searched, read.loads)}
    return Table(_OF_PAGE, tuple(rows), facts, fact_kinds=_FACT_KINDS)


def _put_together(
    flows: Mapping[_Way, _Flow], site: _Site, left: _Flow
) -> Iterator[tuple[str, _Flow]]:
    """Yield what became of the views of a page, in such parts that none is told by subtraction.

    Ways of too few readers are summed up by how they go. Where these too are too few, a sum
    would give them away to whoever subtracts the ways that are shown, so they go to `FEW`; and
    where that is too few, together with what went no way.
    """
    few = _Flow()
    for how in WAYS:
        mine = [flow for way, flow in flows.items() if site.how(way) == how]
        small = _sum(flow for flow in mine if flow.is_small)
        if small.is_small:
            few = _sum((few, small))
            mine = [flow for flow in mine if not flow.is_small]
        yield how, _sum(mine)
    if few.is_small:
        yield REST, _sum((few, left))
    else:
        yield FEW, few
        yield LEFT, left


def _sum(flows: Iterable[_Flow]) -> _Flow:
    some = [*flows]
    return _Flow(
        sum(flow.views for flow in some), BitMap.union(BitMap(), *(flow.readers for flow in some))
    )


def _rows_of_page(
    connection: Connection,
    neighbours: tuple[int | None, int | None],
    shown: Collection[tuple[str, _Flow]],
) -> Iterator[tuple[Value, ...]]:
    pages = read_refs(connection, [path for path in neighbours if path is not None])
    before, after = (None if path is None else pages[path] for path in neighbours)
    targets: dict[str, PageRef | None] = {PREVIOUS: before, NEXT: after}
    # Of those that are shown: of all views, what is missing to one would be what is hidden.
    views = sum(flow.views for _, flow in shown)
    for how, flow in shown:
        yield how, targets.get(how), len(flow), flow.views, share_of(flow.views, views)


def _read_map(connection: Connection, starts: Collection[int]) -> _Site:
    """Read how these pages lead to others."""
    neighbours: dict[int, tuple[int | None, int | None]] = {}
    links: set[_Way] = set()
    ordered = sorted(starts)
    of_page = select(PAGES.c.path_id, PAGES.c.previous_id, PAGES.c.next_id)
    of_links = select(LINKS.c.from_id, LINKS.c.to_id)
    for begin in range(0, len(ordered), MAX_VARIABLES):
        some = ordered[begin : begin + MAX_VARIABLES]
        for path, before, after in plain_rows(connection, of_page.where(PAGES.c.path_id.in_(some))):
            neighbours[path] = before, after
        links.update(plain_rows(connection, of_links.where(LINKS.c.from_id.in_(some))))
    return _Site(neighbours, links)


def _facts(hidden: int, first_day: int) -> dict[str, int | float | str | None]:
    return {"hidden": hidden, "since": as_date(first_day)}
