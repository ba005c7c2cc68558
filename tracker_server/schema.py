"""The tables of what readers do; `schema_content` has those of what the site contains.

Raw views are compact: integers only, and no index but the row id. Everything a
report reads is a roll-up kept in the same transaction (`total_count`, `day_count`,
`hour_count`), so that a report costs the same after ten million views.
"""

from sqlalchemy import BigInteger, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker_server.base import NO_ROW_ID, Base, RowId, Word

LIVE_MINUTES = 30
"""For how many minutes views are shown by minute."""

OTHER = "(other)"
"""The entry of a vocabulary that stands for everything beyond its bound."""

WHOLE_SITE = 0
"""Stands where the id of a path stands, and means all of them."""
ANY_BOT = 0
"""Stands where the id of a program stands, and means all of them."""


class Totals(Base):
    """One row: the counters of the site. A batch locks it first, so batches never interleave."""

    __tablename__ = "totals"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    views: Mapped[int] = mapped_column(BigInteger, default=0)
    visitors: Mapped[int] = mapped_column(BigInteger, default=0)
    """Also the highest visitor number handed out."""
    raw_since: Mapped[int] = mapped_column(default=0)
    """The first day, since the epoch, of which all raw views are still there."""
    tracking_since: Mapped[int | None] = mapped_column(BigInteger)
    manifest_digest: Mapped[str] = mapped_column(String(64), default="")
    """Empty until a manifest has been loaded."""
    site_name: Mapped[str | None]
    site_url: Mapped[str | None]
    version: Mapped[str | None]
    """Of the documentation, from the manifest."""
    versions: Mapped[str | None]
    """All of them, from the manifest: a JSON object, to each the list of its other names."""
    demo: Mapped[bool] = mapped_column(default=False)
    """True when the history was made up (`tracker-server demo-data`)."""
    run_day: Mapped[int] = mapped_column(default=-1)
    """The day of the latest `DayRun`; -1 when the next views begin one whatever their day."""


class Path(Base):
    """Vocabulary: every path that has a row of its own."""

    __tablename__ = "path"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)
    first_day: Mapped[int | None]
    """When it was first asked for, since the epoch; null once a manifest has named it.

    What a manifest has named was a page or led to one: it is not invented, also when it is gone.
    """


class Referrer(Base):
    """Vocabulary: hosts that readers came from."""

    __tablename__ = "referrer"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)


class Campaign(Base):
    """Vocabulary: campaigns, as `tracker_server.enrich.campaign_of` writes them."""

    __tablename__ = "campaign"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)


class Audience(Base):
    """Vocabulary: combinations ``country/language/device/browser/version`` of views."""

    __tablename__ = "audience"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)


class Version(Base):
    """Vocabulary: versions of the documentation that views are of, as addresses call them."""

    __tablename__ = "version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)


class Visitor(Base):
    """Every session ever counted, and the small number it goes by elsewhere.

    Numbers rise in the order of the first views. What is keyed by them grows at its end,
    where random ids would change a page of the database with every view.
    """

    __tablename__ = "visitor"

    session: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(Integer)


class View(Base):
    """The raw counted views, for export, audit and recounting; reports with a filter read them."""

    __tablename__ = "view"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    at: Mapped[int] = mapped_column(BigInteger)
    path_id: Mapped[int]
    visitor_id: Mapped[int]
    referrer_id: Mapped[int]
    audience_id: Mapped[int]
    before_id: Mapped[int]
    """Path of the view before it in the same visit; 0 where a visit began."""
    campaign_id: Mapped[int]
    """0 for none."""


class DayRun(Base):
    """Where in `View` the views of a day are, so that none of another day is looked at.

    From the view behind `after_id` on, up to where the next run begins, views may be of this day;
    nowhere else. A new run begins when the day changes, so there are one or two a day, and
    more only when the clock is set.
    """

    __tablename__ = "day_run"
    __table_args__ = NO_ROW_ID

    after_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Visit(Base):
    """Who viewed what on which day, and when it was last counted, until it is sealed.

    Serves the window within which a view counts once, and a visit goes on. The three
    parts of the key are packed into one integer (`packing.visit_key`), which is SQLite's row id:
    what a visitor viewed on a day lies together, and a look-up or an upsert touches one
    small B-tree and no index. Rows that the window has left behind go into `DayVisitors`.
    """

    __tablename__ = "visit"

    key: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(BigInteger)


class DayVisitors(Base):
    """Who viewed a path on a day, as a set of visitor numbers; with `WHOLE_SITE`, any path."""

    __tablename__ = "day_visitors"

    key: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    """Path and day (`packing.day_visitors_key`), so that the days of one path lie together."""
    count: Mapped[int]
    """How many there are, for whoever needs no more."""
    members: Mapped[bytes]
    """A roaring bitmap in its portable format."""


class Load(Base):
    """Page-load ids of the last day: what makes a retry harmless."""

    __tablename__ = "load"

    key: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    """Visitor and load (`packing.load_key`)."""
    at: Mapped[int] = mapped_column(BigInteger)


class ActiveSession(Base):
    """One row per session that is, or just was, reading."""

    __tablename__ = "active_session"

    key: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    """The number of a visitor, or `uncounted_key` of a session that has no view yet."""
    path_id: Mapped[int]
    load: Mapped[int] = mapped_column(BigInteger)
    last_seen: Mapped[int] = mapped_column(BigInteger)


class Reading(Base):
    """How the page loads of the last day have been read so far."""

    __tablename__ = "reading"

    key: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    """Visitor and load, as that of `Load`."""
    path_id: Mapped[int]
    day: Mapped[int]
    """On which it was first heard of, and to which it counts, since the epoch."""
    at: Mapped[int] = mapped_column(BigInteger)
    """When it was last heard of."""
    visible: Mapped[int]
    """Milliseconds, as are those below."""
    active: Mapped[int]
    depth: Mapped[int]
    """Percent."""
    completed: Mapped[int]
    """1 once the page has been read to its end, see `tracker_server.readings`; else 0."""
    searched: Mapped[int]
    """1 once the site's search was used on it, whatever became of it; else 0."""
    sections: Mapped[bytes | None]
    """What was said of its sections, see `tracker_server.dwell`; none where nothing was."""


class DayReading(Base):
    """How a path was read on a day; with `WHOLE_SITE`, any path. Sums over page loads.

    Time and depth are of the day on which they were said; that a load was read, and how, is of
    its first, so that on no day there are more of a class than loads.
    """

    __tablename__ = "day_reading"

    key: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    """Path and day (`packing.day_visitors_key`)."""
    loads: Mapped[int] = mapped_column(BigInteger)
    visible: Mapped[int] = mapped_column(BigInteger)
    active: Mapped[int] = mapped_column(BigInteger)
    depth: Mapped[int] = mapped_column(BigInteger)
    completed: Mapped[int] = mapped_column(BigInteger)
    searched: Mapped[int] = mapped_column(BigInteger)
    """Not read to the end, and the site's search was used on it."""
    bounced: Mapped[int] = mapped_column(BigInteger)
    """Left at once, see `tracker_server.readings`; what is none of these has been skimmed."""


class DayHeading(Base):
    """How a section was read on a day. Sums over page loads."""

    __tablename__ = "day_heading"

    key: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    """Heading and day, packed as a path and a day are (`packing.day_visitors_key`)."""
    loads: Mapped[int] = mapped_column(BigInteger)
    """How many had it in view."""
    visible: Mapped[int] = mapped_column(BigInteger)
    """Milliseconds."""
    stops: Mapped[int] = mapped_column(BigInteger)
    """How many had nothing in view that stands further down."""


class HourReading(Base):
    """For how many milliseconds the site was read actively, by hour."""

    __tablename__ = "hour_reading"

    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    active: Mapped[int] = mapped_column(BigInteger)


class MinuteCount(Base):
    """Views of the site by minute, those of the last hour or so."""

    __tablename__ = "minute_count"

    minute: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)


class HourCount(Base):
    """Views of the site by hour."""

    __tablename__ = "hour_count"

    hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)


class DayCount(Base):
    """Views by day and by one entry of a dimension."""

    __tablename__ = "day_count"
    __table_args__ = NO_ROW_ID

    dimension: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)
    entries: Mapped[int] = mapped_column(BigInteger)
    """Of a path or a referrer: how many of these views began a visit. Of all else 0."""
    leads: Mapped[int] = mapped_column(BigInteger)
    """Of a path: from how many of these views a visit went on. Of all else 0."""


class TotalCount(Base):
    """Views of all time by one entry of a dimension."""

    __tablename__ = "total_count"
    __table_args__ = NO_ROW_ID

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


class Label(Base):
    """Vocabulary: what events are about, such as queries and outbound links."""

    __tablename__ = "label"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)


class EventCount(Base):
    """How often readers did something, by day, event, page, label, target and number."""

    __tablename__ = "event_count"
    __table_args__ = NO_ROW_ID

    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """A value of `tracker_server.model.EVENTS`."""
    path_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    target_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """A path; 0 for none."""
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Which block of the page was copied, or in which set of tabs one was chosen, from 0.

    Of feedback the heading above it, of a missing anchor the referrer; 0 for none, and of all else.
    """
    count: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int] = mapped_column(BigInteger)
    """Sum of the numbers: of feedback, how many were positive."""
    zeros: Mapped[int] = mapped_column(BigInteger)
    """How many had the number 0: of searches, those without a result."""


class Bot(Base):
    """Vocabulary: programs that are no readers, as `tracker_server.bots` calls them."""

    __tablename__ = "bot"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Word, unique=True)


class BotCount(Base):
    """Views by programs, which are in no other figure: by day and program, and by day and path."""

    __tablename__ = "bot_count"
    __table_args__ = NO_ROW_ID

    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """`ANY_BOT` where it is about a path."""
    path_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """`WHOLE_SITE` where it is about a program."""
    count: Mapped[int] = mapped_column(BigInteger)


BY_PATH, BY_REFERRER, BY_AUDIENCE, BY_CAMPAIGN = 1, 2, 3, 4
"""Values of ``dimension``; ``key`` is then the id in `Path`, `Referrer`, `Audience` or `Campaign`.

Every view has one of each but the last.
"""
