"""The tables, and every statement of the write path."""

from typing import ClassVar

from sqlalchemy import (
    ColumnElement,
    Engine,
    FromClause,
    Table,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from tracker_server import schema, schema_content  # noqa: F401  # they enter their tables
from tracker_server.base import Base
from tracker_server.database import insert_into
from tracker_server.model import (
    Beat,
    Leave,
    View,
)
from tracker_server.packing import MAX_PATH_ID
from tracker_server.prepared import Lookup, Prepared, Ranges, Removal

TABLES = Base.metadata.tables
PATHS, PAGES, REFERRERS, AUDIENCES = (TABLES[n] for n in ("path", "page", "referrer", "audience"))
CAMPAIGNS, VERSIONS = TABLES["campaign"], TABLES["version"]
VISITORS, VIEWS, VISITS, LOADS = (TABLES[n] for n in ("visitor", "view", "visit", "load"))
DAY_VISITORS = TABLES["day_visitors"]
RUNS = TABLES["day_run"]
READINGS, DAY_READINGS, HOUR_READINGS = (
    TABLES[n] for n in ("reading", "day_reading", "hour_reading")
)
HEADINGS, DAY_HEADINGS = TABLES["heading"], TABLES["day_heading"]
LINKS, BROKEN_ANCHORS = TABLES["link"], TABLES["broken_anchor"]
FORMER_ANCHORS = TABLES["former_anchor"]
REDIRECTS, MOVED = TABLES["redirect"], TABLES["moved"]
MINUTES, DEPLOYS, DEPLOY_CHANGES = (TABLES[n] for n in ("minute_count", "deploy", "deploy_change"))
SESSIONS, HOURS, DAYS, ALL_TIME = (
    TABLES[n] for n in ("active_session", "hour_count", "day_count", "total_count")
)
LABELS, EVENT_COUNTS = TABLES["label"], TABLES["event_count"]
BOTS, BOT_COUNTS = TABLES["bot"], TABLES["bot_count"]
NOT_FOUND, TOTALS = TABLES["not_found"], TABLES["totals"]

READ = ("visible", "active", "depth", "completed", "searched")
"""What is known of how a page load was read."""
DAY_READ = ("loads", *READ, "bounced")
"""What is known of how a page was read on a day."""
SECTION_READ = ("loads", "visible", "stops")
"""What is known of how a section was read."""


class Statements:
    """The statements of one database; the dialects differ in their upserts only."""

    _known: ClassVar[dict[tuple[str, int], "Statements"]] = {}

    @classmethod
    def of(cls, engine: Engine, heartbeat_window_seconds: int) -> "Statements":
        """Return those for a database, compiled once for all of its kind: that takes 10 ms."""
        kind = engine.dialect.name, heartbeat_window_seconds
        if kind not in cls._known:
            cls._known[kind] = cls(engine, heartbeat_window_seconds)
        return cls._known[kind]

    def __init__(self, engine: Engine, heartbeat_window_seconds: int) -> None:
        """`heartbeat_window_seconds`: within it a repeated beat changes nothing."""
        first = insert_into(engine, TOTALS).values(
            id=literal_column("1"),
            views=literal_column("0"),
            visitors=literal_column("0"),
            raw_since=literal_column("0"),
            run_day=literal_column("-1"),
            manifest_digest=literal_column("''"),
            demo=false(),
        )
        self.first_totals = Prepared(engine, first.on_conflict_do_nothing(index_elements=["id"]))
        self.lock = Prepared(
            engine,
            select(
                *(TOTALS.c[n] for n in ("visitors", "tracking_since", "manifest_digest", "run_day"))
            )
            .where(TOTALS.c.id == literal_column("1"))
            .with_for_update(),
        )
        """Nothing else can write until the transaction ends; SQLite has locked already."""
        self.redirects = Lookup(engine, REDIRECTS.c.text)
        self.loads = Lookup(engine, LOADS.c.key)
        self.visitors = Lookup(engine, VISITORS.c.session, VISITORS.c.id)
        self.visits = Ranges(engine, MAX_PATH_ID, VISITS.c.key, VISITS.c.last)
        self.insert_load = _inserting(engine, LOADS)
        self.insert_visitor = _inserting(engine, VISITORS)
        self.insert_view = _inserting(
            engine,
            VIEWS,
            *("at", "path_id", "visitor_id", "referrer_id", "audience_id", "before_id"),
            "campaign_id",
        )
        self.last_view = Prepared(
            engine, select(func.coalesce(func.max(VIEWS.c.id), literal_column("0")))
        )
        self.add_run = _inserting(engine, RUNS)
        self.keep_visit = _keeping(engine, VISITS)
        self.day_visitors = Lookup(engine, DAY_VISITORS.c.key, DAY_VISITORS.c.members)
        self.keep_day_visitors = _keeping(engine, DAY_VISITORS)
        self.readings = Lookup(
            engine, *(READINGS.c[n] for n in ("key", "path_id", "day", *READ, "sections"))
        )
        self.keep_reading = _keeping(engine, READINGS)
        self.add_day_reading = _adding(engine, DAY_READINGS, *DAY_READ)
        self.headings = Lookup(
            engine, *(HEADINGS.c[n] for n in ("path_id", "id", "anchor", "position"))
        )
        self.add_day_heading = _adding(engine, DAY_HEADINGS, *SECTION_READ)
        self.add_hour_reading = _adding(engine, HOUR_READINGS, "active")
        self.add_minute = _adding(engine, MINUTES)
        self.add_hour = _adding(engine, HOURS)
        self.add_day = _adding(engine, DAYS, "count", "entries", "leads")
        self.add_all_time = _adding(engine, ALL_TIME)
        pairs = select(NOT_FOUND.c.path_id, NOT_FOUND.c.referrer_id)
        self.not_found = Prepared(engine, pairs.where(NOT_FOUND.c.day == bindparam("day_")), "day_")
        self.add_not_found = _adding(engine, NOT_FOUND)
        columns = EVENT_COUNTS.c
        of_kind = select(
            *(columns[name] for name in ("path_id", "label_id", "target_id", "number"))
        ).where(columns.day == bindparam("day_"), columns.event == bindparam("event_"))
        self.events = Prepared(engine, of_kind, "day_", "event_")
        self.labels = Lookup(engine, LABELS.c.text, LABELS.c.id)
        self.add_event = _adding(engine, EVENT_COUNTS, "count", "total", "zeros")
        self.add_bot = _adding(engine, BOT_COUNTS)
        totals = update(TOTALS).values(
            views=TOTALS.c.views + bindparam("new_views"),
            visitors=TOTALS.c.visitors + bindparam("new_visitors"),
            tracking_since=bindparam("since"),
            run_day=bindparam("day_"),
        )
        self.add_totals = Prepared(engine, totals, "new_views", "new_visitors", "since", "day_")
        leave = delete(SESSIONS).where(
            SESSIONS.c.key == bindparam("key_"), SESSIONS.c.load == bindparam("load_")
        )
        self.drop_sessions = Removal(engine, SESSIONS.c.key)
        self.sessions = {
            View: _session_upsert(engine, heartbeat_window_seconds, new_load=True),
            Beat: _session_upsert(engine, heartbeat_window_seconds, new_load=False),
            Leave: Prepared(engine, leave, "key_", "load_"),
        }


def with_pages(rows: FromClause, path_id: ColumnElement[int]) -> FromClause:
    """Join rows that have a path to its text and to the page the manifest has for it."""
    return rows.join(PATHS, PATHS.c.id == path_id).outerjoin(PAGES, PAGES.c.path_id == path_id)


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _inserting(engine: Engine, table: Table, *columns: str) -> Prepared:
    return Prepared(engine, insert(table), *(columns or _names(table)))


def _keeping(engine: Engine, table: Table) -> Prepared:
    """Return an upsert that replaces the row before; the first column is the key."""
    key, *rest = _names(table)
    statement = insert_into(engine, table)
    new = {name: statement.excluded[name] for name in rest}
    statement = statement.on_conflict_do_update(index_elements=[key], set_=new)
    return Prepared(engine, statement, key, *rest)


def _adding(engine: Engine, table: Table, *sums: str) -> Prepared:
    """Return an upsert that adds to ``count``, or to `sums`; the columns before are the key."""
    sums = sums or ("count",)
    key = [name for name in _names(table) if name != "id" and name not in sums]
    statement = insert_into(engine, table)
    statement = statement.on_conflict_do_update(
        index_elements=key,
        set_={name: table.c[name] + statement.excluded[name] for name in sums},
    )
    return Prepared(engine, statement, *key, *sums)


def _session_upsert(engine: Engine, window: int, *, new_load: bool) -> Prepared:
    """One conditional upsert: there is no read before the write, hence nothing to conflict.

    A beat within the window changes nothing; another path always does, and so does a
    view of another page load, because a late `Leave` of the load before must not end it.
    """
    statement = insert_into(engine, SESSIONS)
    new = statement.excluded
    changes = [
        SESSIONS.c.path_id != new.path_id,
        # Also when the clock was set back: a row from the future must not swallow beats.
        func.abs(new.last_seen - SESSIONS.c.last_seen) >= literal_column(str(window)),
    ]
    if new_load:
        changes.append(SESSIONS.c.load != new.load)
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={"path_id": new.path_id, "load": new.load, "last_seen": new.last_seen},
        where=or_(*changes),
    )
    return Prepared(engine, statement, *_names(SESSIONS))
