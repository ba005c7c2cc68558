"""The figures of the stats page. Each statement reads a roll-up or the active sessions."""

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.figures import (
    Overview,
    PageCount,
    PathReaders,
    PathViews,
    RecentView,
    page_type,
)
from tracker_server.packing import SECONDS_PER_MINUTE
from tracker_server.queries.breakdown import largest_pages
from tracker_server.queries.counters import count_active
from tracker_server.queries.moved import Moves, read_moves
from tracker_server.queries.ranges import is_any
from tracker_server.queries.refs import read_refs
from tracker_server.queries.site_pages import IS_OFFERED
from tracker_server.schema import BY_PATH, LIVE_MINUTES, OTHER
from tracker_server.statements import (
    ALL_TIME,
    AUDIENCES,
    MINUTES,
    PAGES,
    PATHS,
    REFERRERS,
    TOTALS,
    VIEWS,
    with_pages,
)
from tracker_server.tables import PageRef

RECENT_VIEWS = 20


def read_overview(
    connection: Connection, now: int, session_timeout_seconds: int, max_pages: int
) -> Overview:
    """Read everything the stats page shows, at most `max_pages` pages in each list."""
    totals = connection.execute(select(TOTALS)).one()
    moves = read_moves(connection)
    readers = count_active(connection, moves, now, session_timeout_seconds)
    moved = _count_moved(connection, moves)
    posts, pages = _published(connection)
    return Overview(
        active_visitors=sum(readers.values()),
        active_by_path=tuple(
            PathReaders(page.path, page.title, page.type, page.count)
            for _, page in largest_pages(connection, readers, max_pages)
        ),
        total_page_views=totals.views,
        unique_visitors=totals.visitors,
        published_posts=posts,
        published_pages=pages,
        tracking_since=totals.tracking_since,
        page_stats=_most_viewed(connection, moves, moved, max_pages),
        page_count=_count_pages(connection, moves, moved),
        site_name=totals.site_name,
        site_url=totals.site_url,
        minutes=_by_minute(connection, now // SECONDS_PER_MINUTE),
        recent=_recent(connection, moves),
        demo=totals.demo,
    )


def _by_minute(connection: Connection, this_minute: int) -> tuple[int, ...]:
    minutes = range(this_minute - LIVE_MINUTES + 1, this_minute + 1)
    statement = select(MINUTES.c.minute, MINUTES.c.count)
    rows = connection.execute(statement.where(MINUTES.c.minute.between(minutes[0], minutes[-1])))
    counts = {row[0]: row[1] for row in rows}
    return tuple(counts.get(minute, 0) for minute in minutes)


def _recent(connection: Connection, moves: Moves) -> tuple[RecentView, ...]:
    """Read the last views; nothing in them says who."""
    last = select(VIEWS).order_by(VIEWS.c.id.desc()).limit(RECENT_VIEWS).subquery()
    statement = (
        select(
            *(last.c.path_id, last.c.at, PATHS.c.text, PAGES.c.title),
            *(AUDIENCES.c.text, REFERRERS.c.text),
        )
        .select_from(with_pages(last, last.c.path_id))
        .join(AUDIENCES, AUDIENCES.c.id == last.c.audience_id)
        .join(REFERRERS, REFERRERS.c.id == last.c.referrer_id)
        .order_by(last.c.id.desc())
    )
    rows = plain_rows(connection, statement)
    pages = {path_id: moves.pages[path_id] for path_id, *_ in rows if path_id in moves.pages}
    refs = read_refs(connection, set(pages.values()))
    found = []
    for path_id, at, path, title, audience, referrer in rows:
        page = refs[pages[path_id]] if path_id in pages else PageRef(path, title)
        country = OTHER if audience == OTHER else audience.partition("/")[0]
        found.append(RecentView(at, page.path, page.title, country, referrer))
    return tuple(found)


def _count_moved(connection: Connection, moves: Moves) -> list[tuple[int, int]]:
    """Return the views of all time of the paths whose figures are not just their own."""
    if not moves.pages:
        return []
    statement = select(ALL_TIME.c.key, ALL_TIME.c.count)
    statement = statement.where(ALL_TIME.c.dimension == BY_PATH)
    return plain_rows(connection, statement.where(is_any(ALL_TIME.c.key, moves.concerned)))


def _count_pages(connection: Connection, moves: Moves, moved: list[tuple[int, int]]) -> int:
    statement = select(func.count()).select_from(ALL_TIME).where(ALL_TIME.c.dimension == BY_PATH)
    paths: int = connection.execute(statement).scalar_one()
    return paths - len(moved) + len(moves.fold(moved))


def _most_viewed(
    connection: Connection, moves: Moves, moved: list[tuple[int, int]], max_pages: int
) -> tuple[PathViews, ...]:
    # So many that enough are left without those that moved, which have other numbers.
    found = _most_viewed_paths(connection, max_pages + len(moved))
    if moved:
        found = [(path_id, page) for path_id, page in found if path_id not in moves.concerned]
        found += largest_pages(connection, dict(moves.fold(moved)), max_pages)
        found.sort(key=lambda row: (-row[1].count, row[1].path))
    pages = (page for _, page in found[:max_pages])
    return tuple(PathViews(page.path, page.title, page.type, page.count) for page in pages)


def _most_viewed_paths(connection: Connection, max_pages: int) -> list[tuple[int, PageCount]]:
    # Only of those that may be in the list are the texts read, by which the last of them is chosen.
    counts = select(ALL_TIME.c.count).where(ALL_TIME.c.dimension == BY_PATH)
    least = counts.order_by(ALL_TIME.c.count.desc()).limit(1).offset(max(0, max_pages - 1))
    statement = (
        select(PATHS.c.id, PATHS.c.text, PAGES.c.title, PAGES.c.type, ALL_TIME.c.count)
        .select_from(with_pages(ALL_TIME, ALL_TIME.c.key))
        .where(ALL_TIME.c.dimension == BY_PATH)
        .where(ALL_TIME.c.count >= func.coalesce(least.scalar_subquery(), 0))
        .order_by(ALL_TIME.c.count.desc(), PATHS.c.text)
        .limit(max_pages)
    )
    return [
        (path_id, PageCount(path, title, page_type(kind), count))
        for path_id, path, title, kind, count in plain_rows(connection, statement)
    ]


def _published(connection: Connection) -> tuple[int, int]:
    """Return how many posts and how many pages are published."""
    statement = select(PAGES.c.type, func.count()).where(IS_OFFERED).group_by(PAGES.c.type)
    counts = {row[0]: row[1] for row in connection.execute(statement)}
    posts = counts.pop("post", 0)
    return posts, sum(counts.values())
