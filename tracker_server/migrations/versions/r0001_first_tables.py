"""The first tables.

They are written out, not taken from `tracker_server.schema`, which goes on changing: a
revision makes the same tables for ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_READ = ("visible", "active", "depth", "completed", "searched")
_NO_ROW_ID = {"sqlite_with_rowid": False}


def upgrade() -> None:
    """Create all tables."""
    _create_vocabularies()
    _create_content()
    _create_events()
    _create_counts()


def _create_vocabularies() -> None:
    for name in ("path", "referrer", "campaign", "audience", "version", "label", "bot"):
        more = [sa.Column("first_day", sa.Integer())] if name == "path" else []
        text = sa.Column("text", _word(), nullable=False, unique=True)
        op.create_table(name, _key("id"), text, *more)
    op.create_table(
        "visitor",
        _row_id("session", autoincrement=False),
        sa.Column("id", sa.Integer(), nullable=False),
    )


def _create_content() -> None:
    op.create_table(
        "page",
        sa.Column("path_id", sa.Integer(), sa.ForeignKey("path.id"), primary_key=True),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("type", sa.String(8), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("date", sa.Date()),
        sa.Column("generated", sa.Boolean(), nullable=False),
        sa.Column("words", sa.Integer()),
        sa.Column("source", sa.String()),
        sa.Column("created", sa.Date()),
        sa.Column("updated", sa.Date()),
        sa.Column("nav", sa.Integer()),
        sa.Column("trail", sa.String()),
        sa.Column("authors", sa.String(), nullable=False),
        sa.Column("tags", sa.String(), nullable=False),
        sa.Column("previous_id", sa.Integer()),
        sa.Column("next_id", sa.Integer()),
        sa.Column("code_lines", sa.Integer()),
        sa.Column("reading_seconds", sa.Integer()),
        sa.Column("language", sa.String(20)),
        sa.Column("outbound", sa.Integer()),
        sa.Column("digest", sa.String(12)),
    )
    op.create_table(
        "heading",
        _key("id"),
        sa.Column("path_id", sa.Integer(), sa.ForeignKey("path.id"), nullable=False),
        sa.Column("anchor", _word(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer()),
        sa.UniqueConstraint("path_id", "anchor"),
    )
    op.create_table("link", _key("from_id"), _key("to_id"), **_NO_ROW_ID)
    op.create_index("ix_link_to_id", "link", ["to_id"])
    op.create_table(
        "broken_anchor",
        _key("from_id"),
        _key("to_id"),
        sa.Column("anchor", _word(), primary_key=True),
        **_NO_ROW_ID,
    )
    op.create_table(
        "redirect",
        sa.Column("text", _word(), primary_key=True),
        sa.Column("target", sa.String(), nullable=False),
    )
    op.create_table(
        "moved",
        sa.Column("text", _word(), primary_key=True),
        sa.Column("path_id", sa.Integer(), nullable=False),
    )
    op.create_table(
        "former_anchor",
        _key("path_id"),
        sa.Column("former", _word(), primary_key=True),
        sa.Column("anchor", _word(), nullable=False),
        sa.Column("deploy_id", sa.Integer(), nullable=False),
        **_NO_ROW_ID,
    )
    op.create_table(
        "deploy",
        _key("id"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("commit_id", sa.String()),
        sa.Column("label", sa.String()),
    )
    op.create_table(
        "deploy_change",
        _key("deploy_id"),
        _key("path_id"),
        sa.Column("kind", sa.Integer(), nullable=False),
        **_NO_ROW_ID,
    )


def _create_events() -> None:
    op.create_table(
        "view",
        _row_id("id"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("path_id", sa.Integer(), nullable=False),
        sa.Column("visitor_id", sa.Integer(), nullable=False),
        sa.Column("referrer_id", sa.Integer(), nullable=False),
        sa.Column("audience_id", sa.Integer(), nullable=False),
        sa.Column("before_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
    )
    op.create_table(
        "day_run",
        sa.Column("after_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        _key("day"),
        **_NO_ROW_ID,
    )
    op.create_table(
        "visit",
        _row_id("key", autoincrement=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "day_visitors",
        _row_id("key", autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "load",
        _row_id("key", autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "active_session",
        _row_id("key", autoincrement=False),
        sa.Column("path_id", sa.Integer(), nullable=False),
        sa.Column("load", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "reading",
        _row_id("key", autoincrement=False),
        sa.Column("path_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _READ),
        sa.Column("sections", sa.LargeBinary()),
    )


def _create_counts() -> None:
    op.create_table(
        "totals",
        _key("id"),
        sa.Column("views", sa.BigInteger(), nullable=False),
        sa.Column("visitors", sa.BigInteger(), nullable=False),
        sa.Column("raw_since", sa.Integer(), nullable=False),
        sa.Column("tracking_since", sa.BigInteger()),
        sa.Column("manifest_digest", sa.String(64), nullable=False),
        sa.Column("site_name", sa.String()),
        sa.Column("site_url", sa.String()),
        sa.Column("version", sa.String()),
        sa.Column("versions", sa.String()),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("run_day", sa.Integer(), nullable=False),
    )
    op.create_table(
        "day_reading",
        _row_id("key", autoincrement=False),
        *(sa.Column(n, sa.BigInteger(), nullable=False) for n in ("loads", *_READ, "bounced")),
    )
    op.create_table(
        "day_heading",
        _row_id("key", autoincrement=False),
        *(sa.Column(n, sa.BigInteger(), nullable=False) for n in ("loads", "visible", "stops")),
    )
    op.create_table("hour_count", _key("hour"), _count())
    op.create_table("minute_count", _key("minute"), _count())
    op.create_table(
        "hour_reading", _key("hour"), sa.Column("active", sa.BigInteger(), nullable=False)
    )
    op.create_table(
        "day_count",
        *(_key(name) for name in ("dimension", "day", "key")),
        *(sa.Column(n, sa.BigInteger(), nullable=False) for n in ("count", "entries", "leads")),
        **_NO_ROW_ID,
    )
    op.create_table("total_count", _key("dimension"), _key("key"), _count(), **_NO_ROW_ID)
    op.create_table(
        "event_count",
        *(_key(n) for n in ("day", "event", "path_id", "label_id", "target_id", "number")),
        *(sa.Column(n, sa.BigInteger(), nullable=False) for n in ("count", "total", "zeros")),
        **_NO_ROW_ID,
    )
    op.create_table(
        "bot_count",
        *(_key(name) for name in ("day", "bot_id", "path_id")),
        _count(),
        **_NO_ROW_ID,
    )
    op.create_table(
        "not_found",
        _row_id("id"),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("path_id", sa.Integer(), nullable=False),
        sa.Column("referrer_id", sa.Integer(), nullable=False),
        _count(),
        sa.UniqueConstraint("day", "path_id", "referrer_id"),
    )


def _word() -> "sa.types.TypeEngine[str]":
    return sa.String().with_variant(sa.String(collation="C"), "postgresql")


def _row_id(name: str, *, autoincrement: bool = True) -> "sa.Column[int]":
    # In a table of SQLite only INTEGER is the row id itself, and that has 64 bits.
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=autoincrement)


def _key(name: str) -> "sa.Column[int]":
    return sa.Column(name, sa.Integer(), primary_key=True, autoincrement=False)


def _count() -> "sa.Column[int]":
    return sa.Column("count", sa.BigInteger(), nullable=False)
