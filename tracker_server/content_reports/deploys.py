"""What came of each page that a deploy added, changed or removed: as many days before and after."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from tracker_server.database import plain_rows
from tracker_server.model import EVENTS
from tracker_server.packing import SECONDS_PER_DAY, day_of
from tracker_server.queries.moved import Moves, read_moves
from tracker_server.queries.ranges import is_any, is_in, ranges_of
from tracker_server.queries.refs import read_refs
from tracker_server.ratios import Change, change_of
from tracker_server.schema import BY_PATH
from tracker_server.schema_content import ADDED, CHANGED, REMOVED
from tracker_server.statements import (
    DAY_READINGS,
    DAYS,
    DEPLOY_CHANGES,
    DEPLOYS,
    EVENT_COUNTS,
    TOTALS,
)
from tracker_server.tables import (
    SHARE_DIGITS,
    Column,
    ContentReport,
    Option,
    Table,
    TableQuestion,
    share_of,
)
from tracker_server.wire import as_date

MAX_DEPLOYS = 100
KINDS = {ADDED: "added", CHANGED: "changed", REMOVED: "removed"}
MORE, FEWER, UNCLEAR = VERDICTS = ("more", "fewer", "unclear")

_DAYS = Option("days", 7, 1, 90)
_DAY_MASK = (1 << 16) - 1
_COLUMNS = (
    Column("day", "day"),
    Column("deploy", "text"),
    Column("path", "page"),
    Column("kind", "term"),
    Column("comparedDays", "days"),
    Column("viewsBefore", "number"),
    Column("viewsAfter", "number"),
    Column("change", "change"),
    Column("changeLow", "change"),
    Column("changeHigh", "change"),
    Column("verdict", "term"),
    Column("completionBefore", "share"),
    Column("completionAfter", "share"),
    Column("positiveBefore", "share"),
    Column("positiveAfter", "share"),
)


@dataclass(frozen=True, slots=True)
class _Deploy:
    """A manifest that came into force."""

    id: int
    day: int
    name: str | None


@dataclass(frozen=True, slots=True)
class _Figures:
    """What is said of a page, in the order of the columns; ``None`` where nothing is known."""

    days: int = 0
    views_before: int | None = None
    views_after: int | None = None
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    verdict: str | None = None
    completion_before: float | None = None
    completion_after: float | None = None
    positive_before: float | None = None
    positive_after: float | None = None

    @property
    def views(self) -> int:
        """All that are compared."""
        return (self.views_before or 0) + (self.views_after or 0)


@dataclass(slots=True)
class _Page:
    """What is known of a page by day: views, and parts of what they are parts of."""

    views: Counter[int] = field(default_factory=Counter)
    loads: Counter[int] = field(default_factory=Counter)
    completed: Counter[int] = field(default_factory=Counter)
    ratings: Counter[int] = field(default_factory=Counter)
    positive: Counter[int] = field(default_factory=Counter)


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the changes of the latest deploy first, of each the pages that are viewed most."""
    deploys = _read_deploys(connection, question)
    columns = DEPLOY_CHANGES.c
    wanted = select(columns.deploy_id, columns.path_id, columns.kind)
    moves = read_moves(connection)
    changes = _of_pages(moves, plain_rows(connection, wanted.where(columns.deploy_id.in_(deploys))))
    if not changes:
        return Table(_COLUMNS, (), dict.fromkeys(("deploys", *VERDICTS), 0))
    since = connection.execute(select(TOTALS.c.tracking_since)).scalar_one()
    first_whole_day = question.today if since is None else day_of(since) + 1
    pages = _read_pages(connection, moves, question, deploys, {path for _, path, _ in changes})
    refs = read_refs(connection, {path for _, path, _ in changes})
    compared = []
    for deploy_id, path, kind in changes:
        deploy = deploys[deploy_id]
        known = min(question.today - 1 - deploy.day, deploy.day - first_whole_day)
        days = max(0, min(question.option("days"), known))
        compared.append((deploy, refs[path], kind, _compare(pages[path], deploy.day, days, kind)))
    compared.sort(key=lambda row: (-row[0].id, -row[3].views, row[1].path))
    verdicts = Counter(figures.verdict for _, _, _, figures in compared)
    facts = {name: verdicts[name] for name in VERDICTS}
    return Table(
        _COLUMNS,
        tuple(
            (as_date(deploy.day), deploy.name, page, KINDS[kind], *astuple(figures))
            for deploy, page, kind, figures in compared
        ),
        {"deploys": len({deploy_id for deploy_id, _, _ in changes}), **facts},
    )


REPORT = ContentReport("deploys", read, (_DAYS,))


def _of_pages(moves: Moves, changes: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return the changes by page: one that got another path was changed, not removed and added."""
    if not moves.pages:
        return changes
    kinds: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    for deploy, path, kind in changes:
        page = moves.page_of(path)
        kinds[deploy, page].add(CHANGED if kind == REMOVED and page != path else kind)
    return [
        (deploy, page, some.pop() if len(some) == 1 else CHANGED)
        for (deploy, page), some in kinds.items()
    ]


def _compare(page: _Page, day: int, days: int, kind: int) -> _Figures:
    """Compare so many days before and after the day of a deploy; none of them is not known."""
    if not days:
        return _Figures()
    # Paired by the day of the week where whole weeks are compared.
    before = [*range(day - days + 1, day), day - days]
    after = range(day + 1, day + days + 1)
    first, second = ([page.views[one] for one in some] for some in (before, after))
    change = change_of(first, second) if kind == CHANGED else None
    return _Figures(
        days,
        sum(first),
        sum(second),
        *_ends(change),
        _verdict(change) if kind == CHANGED else None,
        *(_share(page.completed, page.loads, some) for some in (before, after)),
        *(_share(page.positive, page.ratings, some) for some in (before, after)),
    )


def _ends(change: Change | None) -> tuple[float | None, float | None, float | None]:
    if change is None:
        return None, None, None
    share, low, high = (
        None if end is None else round(end, SHARE_DIGITS)
        for end in (change.share, change.low, change.high)
    )
    return share, low, high


def _verdict(change: Change | None) -> str:
    if change is None or not change.is_clear:
        return UNCLEAR
    return MORE if change.low > 0 else FEWER


def _share(parts: Counter[int], wholes: Counter[int], days: Sequence[int]) -> float | None:
    return share_of(sum(parts[day] for day in days), sum(wholes[day] for day in days))


def _read_deploys(connection: Connection, question: TableQuestion) -> dict[int, _Deploy]:
    columns = DEPLOYS.c
    statement = (
        select(columns.id, columns.at, columns.label, columns.commit_id)
        .where(columns.at >= question.first_day * SECONDS_PER_DAY)
        .where(columns.at < (question.last_day + 1) * SECONDS_PER_DAY)
        .order_by(columns.id.desc())
        .limit(MAX_DEPLOYS)
    )
    return {
        id_: _Deploy(id_, day_of(at), label or commit)
        for id_, at, label, commit in plain_rows(connection, statement)
    }


def _read_pages(
    connection: Connection,
    moves: Moves,
    question: TableQuestion,
    deploys: Mapping[int, _Deploy],
    path_ids: Collection[int],
) -> defaultdict[int, _Page]:
    """Read all that is compared, by the id of the path."""
    pages: defaultdict[int, _Page] = defaultdict(_Page)
    days = [deploy.day for deploy in deploys.values()]
    first = min(days) - question.option("days")
    last = min(max(days) + question.option("days"), question.today - 1)
    columns = DEPLOY_CHANGES.c
    is_changed = select(columns.path_id).where(columns.deploy_id.in_(deploys))
    is_wanted: ColumnElement[bool] = DAYS.c.key.in_(is_changed)
    if moves.pages:
        is_wanted = or_(is_wanted, is_any(DAYS.c.key, moves.concerned))
    views = select(DAYS.c.key, DAYS.c.day, DAYS.c.count).where(
        DAYS.c.dimension == BY_PATH, DAYS.c.day.between(first, last), is_wanted
    )
    for path, day, count in plain_rows(connection, views):
        pages[moves.page_of(path)].views[day] += count
    for number, ranges in ranges_of(max(0, first), last, moves.paths_of(*path_ids)):
        for key, loads, completed in plain_rows(connection, _readings_in(number), ranges):
            page, day = pages[moves.page_of(key >> 16)], key & _DAY_MASK
            page.loads[day] += loads
            page.completed[day] += completed
    columns = EVENT_COUNTS.c
    ratings = (
        select(columns.path_id, columns.day, func.sum(columns.total), func.sum(columns.zeros))
        .where(columns.day.between(first, last), columns.event == EVENTS["feedback"])
        .where(is_any(columns.path_id, moves.paths_of(*path_ids)))
        .group_by(columns.path_id, columns.day)
    )
    for path, day, positive, negative in plain_rows(connection, ratings):
        # PostgreSQL's sum is a decimal number.
        page = pages[moves.page_of(path)]
        page.ratings[day] += int(positive) + int(negative)
        page.positive[day] += int(positive)
    return pages


@cache
def _readings_in(ranges: int) -> Select[Any]:
    columns = DAY_READINGS.c
    wanted = select(columns.key, columns.loads, columns.completed)
    return wanted.where(is_in(columns.key, ranges))
