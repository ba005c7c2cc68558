"""The tables of what the site contains, as its manifests say."""

from datetime import date as calendar_date

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tracker_server.base import NO_ROW_ID, Base, Word

ADDED, CHANGED, REMOVED = 1, 2, 3
"""What became of a page with a deploy."""
MAX_CHANGES = 5_000
"""Of how many pages of a deploy that is kept."""


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
    words: Mapped[int | None]
    source: Mapped[str | None]
    created: Mapped[calendar_date | None]
    updated: Mapped[calendar_date | None]
    nav: Mapped[int | None]
    trail: Mapped[str | None]
    """JSON list of texts, as are those below; none where no section is above it."""
    authors: Mapped[str]
    tags: Mapped[str]
    previous_id: Mapped[int | None]
    """A page of the manifest, as is `next_id`."""
    next_id: Mapped[int | None]
    code_lines: Mapped[int | None]
    reading_seconds: Mapped[int | None]
    language: Mapped[str | None] = mapped_column(String(20))
    outbound: Mapped[int | None]
    digest: Mapped[str | None] = mapped_column(String(12))
    """Tells one state of its source from another."""


class Link(Base):
    """Which page of the manifest in force links to which other one."""

    __tablename__ = "link"
    __table_args__ = NO_ROW_ID

    from_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    to_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)


class BrokenAnchor(Base):
    """Links to an anchor that the page it should be on does not have among its headings."""

    __tablename__ = "broken_anchor"
    __table_args__ = NO_ROW_ID

    from_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    to_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    anchor: Mapped[str] = mapped_column(Word, primary_key=True)


class Redirect(Base):
    """Where the site leads those on who ask for a path that is no page any more."""

    __tablename__ = "redirect"

    text: Mapped[str] = mapped_column(Word, primary_key=True)
    """The path, which need not be in `Path`."""
    target: Mapped[str]
    """A path or an address."""


class Moved(Base):
    """Under which paths pages of the manifest in force were published before."""

    __tablename__ = "moved"

    text: Mapped[str] = mapped_column(Word, primary_key=True)
    """The path, which is no page now and need not be in `Path`."""
    path_id: Mapped[int]
    """The page now."""


class Heading(Base):
    """The headings of the pages, those that are gone included as long as they have figures."""

    __tablename__ = "heading"
    __table_args__ = (UniqueConstraint("path_id", "anchor"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    path_id: Mapped[int] = mapped_column(ForeignKey("path.id"))
    anchor: Mapped[str] = mapped_column(Word)
    """Its id in the page."""
    title: Mapped[str]
    level: Mapped[int]
    words: Mapped[int]
    position: Mapped[int | None]
    """Where in the page it stands; none when the manifest in force does not have it."""


class FormerAnchor(Base):
    """Anchors that headings of the manifest in force had in the ones before."""

    __tablename__ = "former_anchor"
    __table_args__ = NO_ROW_ID

    path_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """A page of the manifest in force."""
    former: Mapped[str] = mapped_column(Word, primary_key=True)
    """No heading of the page has it now."""
    anchor: Mapped[str] = mapped_column(Word)
    """That of the heading now, however often it was renamed."""
    deploy_id: Mapped[int]
    """The manifest with which the former one went."""


class Deploy(Base):
    """A manifest that came into force."""

    __tablename__ = "deploy"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int] = mapped_column(BigInteger)
    commit_id: Mapped[str | None]
    label: Mapped[str | None]


class DeployChange(Base):
    """What a manifest changed against the one before it, at most `MAX_CHANGES` pages of it."""

    __tablename__ = "deploy_change"
    __table_args__ = NO_ROW_ID

    deploy_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    path_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[int]
    """`ADDED`, `CHANGED` or `REMOVED`."""
