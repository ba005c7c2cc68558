"""Every statement of the write path, built once: SQLAlchemy then reuses the compiled text."""

from typing import Any

from sqlalchemy import (
    BindParameter,
    Delete,
    Engine,
    Table,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from tracker_server.database import insert_into
from tracker_server.model import Beat, Leave, View
from tracker_server.schema import Base, Totals

Upsert = sqlite.Insert | postgresql.Insert

TABLES = Base.metadata.tables
PATHS, PAGES, REFERRERS, AUDIENCES = (TABLES[n] for n in ("path", "page", "referrer", "audience"))
VISITORS, VIEWS, VISITS, LOADS = (TABLES[n] for n in ("visitor", "view", "visit", "load"))
SESSIONS, HOURS, DAYS, ALL_TIME = (
    TABLES[n] for n in ("active_session", "hour_count", "day_count", "total_count")
)
NOT_FOUND, TOTALS = TABLES["not_found"], TABLES["totals"]


class Statements:
    """The statements of one database; the dialects differ in their upserts only."""

    def __init__(self, engine: Engine, heartbeat_window_seconds: int) -> None:
        self.first_totals = (
            insert_into(engine, TOTALS).values(id=1).on_conflict_do_nothing(index_elements=["id"])
        )
        self.lock = select(Totals.__table__).where(TOTALS.c.id == 1).with_for_update()
        """Nothing else can write until the transaction ends; SQLite has locked already."""
        self.loads = select(LOADS.c.id).where(LOADS.c.id.in_(_list("ids")))
        self.visitors = select(VISITORS.c.session, VISITORS.c.id).where(
            VISITORS.c.session.in_(_list("sessions"))
        )
        self.visits = select(VISITS.c.key, VISITS.c.last).where(VISITS.c.key.in_(_list("keys")))
        visit = insert_into(engine, VISITS)
        self.keep_visit = visit.on_conflict_do_update(
            index_elements=["key"], set_={"last": visit.excluded.last}
        )
        self.add_hour = _adding(engine, HOURS, "hour")
        self.add_day = _adding(engine, DAYS, "dimension", "day", "key")
        self.add_all_time = _adding(engine, ALL_TIME, "dimension", "key")
        self.add_not_found = _adding(engine, NOT_FOUND, "day", "path_id", "referrer_id")
        self.add_totals = update(TOTALS).values(
            views=TOTALS.c.views + bindparam("new_views"),
            visitors=TOTALS.c.visitors + bindparam("new_visitors"),
            tracking_since=bindparam("since"),
        )
        self.sessions: dict[type, Upsert | Delete] = {
            View: _session_upsert(engine, heartbeat_window_seconds, new_load=True),
            Beat: _session_upsert(engine, heartbeat_window_seconds, new_load=False),
            Leave: delete(SESSIONS).where(
                SESSIONS.c.session == bindparam("session_"), SESSIONS.c.load == bindparam("load_")
            ),
        }


def _list(name: str) -> BindParameter[Any]:
    return bindparam(name, expanding=True)


def _adding(engine: Engine, table: Table, *key: str) -> Upsert:
    statement = insert_into(engine, table)
    return statement.on_conflict_do_update(
        index_elements=list(key), set_={"count": table.c.count + statement.excluded.count}
    )


def _session_upsert(engine: Engine, window: int, *, new_load: bool) -> Upsert:
    """One conditional upsert: there is no read before the write, hence nothing to conflict.

    A beat within the window changes nothing; another path always does, and so does a
    view of another page load, because a late `Leave` of the load before must not end it.
    """
    statement = insert_into(engine, SESSIONS)
    new = statement.excluded
    changes = [
        SESSIONS.c.path_id != new.path_id,
        # Also when the clock was set back: a row from the future must not swallow beats.
        func.abs(new.last_seen - SESSIONS.c.last_seen) >= window,
    ]
    if new_load:
        changes.append(SESSIONS.c.load != new.load)
    return statement.on_conflict_do_update(
        index_elements=["session"],
        set_={"path_id": new.path_id, "load": new.load, "last_seen": new.last_seen},
        where=or_(*changes),
    )
