"""The tables, and the few numbers that their layout fixes.

Raw views are compact: integers only, and no index but the row id. Everything a
report reads is a roll-up kept in the same transaction (`total_count`, `day_count`,
`hour_count`), so that a report costs the same after ten million views.
"""

from datetime import date as calendar_date

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECONDS_PER_DAY = 86_400
SECONDS_PER_HOUR = 3_600

OTHER = "(other)"
"""The entry of a vocabulary that stands for everything beyond its bound."""

PATH_BITS = 20
VISITOR_BITS = 27
MAX_PATH_ID = (1 << PATH_BITS) - 1
MAX_VISITOR_ID = (1 << VISITOR_BITS) - 1


class Base(DeclarativeBase):
    """Base of all tables."""


db = SQLAlchemy(model_class=Base)

# SQLite's row id is 64 bits wide whatever the type says, and only INTEGER makes an alias of it.
RowId = BigInteger().with_variant(Integer, "sqlite")
# Sorted by code point, as SQLite does, whatever language the server was set up for.
Word = String().with_variant(String(collation="C"), "postgresql")
_NO_ROW_ID = {"sqlite_with_rowid": False}


class Totals(Base):
    """One row: the counters of the site. A batch locks it first, so batches never interleave."""

    __tablename__ = "totals"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    views: Mapped[int] = mapped_column(BigInteger, default=0)
    visitors: Mapped[int] = mapped_column(BigInteger, default=0)
    """Also the highest visitor id handed out."""
    tracking_since: Mapped[int | None] = mapped_column(BigInteger)
    manifest_digest: Mapped[str] = mapped_column(String(64), default="")
    """Empty until a manifest has been loaded."""
    site_name: Mapped[str | None]
    site_url: Mapped[str | None]


class Path(Base):
    """Vocabulary: every path that has a row of its own."""

    __tablename__ = "path"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)


class Page(Base):
    """The pages of the manifest in force."""

    __tablename__ = "page"

    path_id: Mapped[int] = mapped_column(ForeignKey("path.id"), primary_key=True)
    slug: Mapped[str]
    title: Mapped[str]
    type: Mapped[str] = mapped_column(String(8))
    published: Mapped[bool]
    date: Mapped[calendar_date | None]
    generated: Mapped[bool]


class Referrer(Base):
    """Vocabulary: hosts that readers came from."""

    __tablename__ = "referrer"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)


class Audience(Base):
    """Vocabulary: combinations ``country/language/device`` that views came with."""

    __tablename__ = "audience"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)


class Visitor(Base):
    """Every session id ever counted, and the small number it goes by elsewhere."""

    __tablename__ = "visitor"
    __table_args__ = _NO_ROW_ID

    session: Mapped[bytes] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(Integer)


class View(Base):
    """The raw counted views: for export, audit and recounting, never read by a report."""

    __tablename__ = "view"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    path_id: Mapped[int]
    visitor_id: Mapped[int]
    referrer_id: Mapped[int]
    audience_id: Mapped[int]


class Visit(Base):
    """Who viewed what on which day, and when it was last counted.

    Serves both the 30-minute window and the distinct visitors of a day. The three
    parts of the key are packed into one integer (`visit_key`), which is SQLite's row
    id: a look-up or an upsert touches one small B-tree and no index.
    """

    __tablename__ = "visit"

    key: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigInteger)


class Load(Base):
    """Page-load ids of the last day: what makes a retry harmless."""

    __tablename__ = "load"

    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    at: Mapped[int] = mapped_column(BigInteger)


class ActiveSession(Base):
    """One row per session that is, or just was, reading."""

    __tablename__ = "active_session"
    __table_args__ = _NO_ROW_ID

    session: Mapped[bytes] = mapped_column(primary_key=True)
    path_id: Mapped[int]
    load: Mapped[int] = mapped_column(BigInteger)
    last_seen: Mapped[int] = mapped_column(BigInteger)


class HourCount(Base):
    """Views of the site by hour."""

    __tablename__ = "hour_count"

    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)


class DayCount(Base):
    """Views by day and by one entry of a dimension."""

    __tablename__ = "day_count"
    __table_args__ = _NO_ROW_ID

    dimension: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)


class TotalCount(Base):
    """Views of all time by one entry of a dimension."""

    __tablename__ = "total_count"
    __table_args__ = _NO_ROW_ID

    dimension: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)


class NotFound(Base):
    """How often the 404 page was shown, by day, path and referrer."""

    __tablename__ = "not_found"
    __table_args__ = (UniqueConstraint("day", "path_id", "referrer_id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    day: Mapped[int]
    path_id: Mapped[int]
    referrer_id: Mapped[int]
    count: Mapped[int] = mapped_column(BigInteger)


BY_PATH, BY_REFERRER, BY_AUDIENCE = 1, 2, 3
"""Values of ``dimension``; ``key`` is then the id in `Path`, `Referrer` or `Audience`."""


def day_of(at: int) -> int:
    """Return the UTC day of a time, in days since the epoch."""
    return at // SECONDS_PER_DAY


def visit_key(day: int, path_id: int, visitor_id: int) -> int:
    """Pack a day (16 bits, to the year 2149), a path (20) and a visitor (27) into one integer."""
    return (day << PATH_BITS | path_id) << VISITOR_BITS | visitor_id
