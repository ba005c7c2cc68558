"""Fills a database with a made-up history, and marks it as such.

It goes the way of real messages: through the store, in batches, with its own
housekeeping at the end, so every figure is what it would have been.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from zlib import crc32

from sqlalchemy import Engine, create_engine, delete, select, update

from tracker_server.access import one_line_errors
from tracker_server.base import Base
from tracker_server.config import Settings, database_file
from tracker_server.database import open_reader, open_writer, prepare_engine
from tracker_server.demo_readers import DAYS, deploys, history
from tracker_server.demo_visits import LINKED_HEADINGS, lost_anchor
from tracker_server.errors import ConfigurationError, InvalidManifestError
from tracker_server.manifest import MAX_MANIFEST_BYTES, digest_of, parse_manifest
from tracker_server.model import (
    Manifest,
    Page,
    Received,
    View,
)
from tracker_server.statements import EVENT_COUNTS, NOT_FOUND, TOTALS, Statements
from tracker_server.storage import make_ready
from tracker_server.store import Store

BATCH = 1_000
"""How many messages are stored at a time."""
_OLD_DIGEST = "0" * 12


@dataclass(frozen=True, slots=True)
class Filled:
    """What was made up."""

    views: int
    visitors: int


def fill(
    settings: Settings, manifest_file: Path, now: float, *, seed: int, days: int = DAYS
) -> Filled:
    """Write the history of a site, in the place of one that was made up before.

    Args:
        settings: where the database is; it is made where there is none.
        manifest_file: what the site contains.
        now: seconds since the epoch, the end of the history.
        seed: which history.
        days: how many it has, today included.

    Raises:
        TrackerError: the database has real figures or a tracker has it, or the manifest is none.
    """
    manifest, digest = _read_manifest(manifest_file)
    until = int(now)
    with _open(settings) as engine:
        _begin_anew(engine, Statements.of(engine, settings.heartbeat_window_seconds))
        store = Store(engine, settings)
        try:
            builds = deploys(manifest.pages, until, days)
            _deploy(store, manifest, digest, builds)
            messages = history(manifest.pages, until, seed, days)
            for batch in _batches(_as_built(messages, manifest, builds)):
                store.write(batch)
            while not store.clean_up(until):
                pass
        finally:
            store.close()
        with open_reader(engine) as connection:
            totals = connection.execute(select(TOTALS.c.views, TOTALS.c.visitors)).one()
    return Filled(totals.views, totals.visitors)


def _deploy(
    store: Store, manifest: Manifest, digest: str, builds: Sequence[tuple[int, str]]
) -> None:
    """Put builds of the site in force, the last one under the digest that a tracker will find."""
    former = _former_paths(manifest)
    for number, (at, label) in enumerate(builds, 1):
        if number == len(builds):
            store.replace_pages(replace(manifest, label=label), digest, at)
            continue
        pages = tuple(_before(page, number, len(builds), former) for page in manifest.pages)
        own = digest_of(f"{digest} {number}".encode())
        store.replace_pages(replace(manifest, label=label, pages=pages, redirects={}), own, at)


def _before(page: Page, number: int, builds: int, former: Mapping[str, str]) -> Page:
    """Return a page as an earlier build had it: some have changed since, some have moved."""
    # Each build but the first changes a share of the pages.
    changed_by = 2 + crc32(page.path.encode()) % builds
    digest = _OLD_DIGEST if page.digest and number < changed_by <= builds else page.digest
    path = former.get(page.path, page.path)
    before = replace(page, digest=digest, path=path, links=(), anchors=(), previous=None, next=None)
    return _with_lost_anchor(before) if number == 1 else before


def _with_lost_anchor(page: Page) -> Page:
    """Return a page of which one heading had the anchor that others still link to."""
    place = crc32(page.path.encode()) % LINKED_HEADINGS
    headings = list(page.headings)
    if place < len(headings):
        headings[place] = replace(headings[place], anchor=lost_anchor(headings[place]))
    return replace(page, headings=tuple(headings))


def _former_paths(manifest: Manifest) -> dict[str, str]:
    """Return where pages were that a redirect leads to now."""
    pages = {page.path for page in manifest.pages}
    return {target: former for former, target in manifest.redirects.items() if target in pages}


def _as_built(
    messages: Iterator[Received], manifest: Manifest, builds: Sequence[tuple[int, str]]
) -> Iterator[Received]:
    """Yield the messages with the paths that pages had before the last build."""
    former = _former_paths(manifest)
    moved = builds[-1][0] if len(builds) > 1 else 0
    for received in messages:
        message = received.message
        if received.at < moved:
            message.path = former.get(message.path, message.path)
            if isinstance(message, View) and message.before is not None:
                message.before.path = former.get(message.before.path, message.before.path)
        yield received


def _read_manifest(file: Path) -> tuple[Manifest, str]:
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_MANIFEST_BYTES + 1)
        manifest = parse_manifest(data)
    except OSError as error:
        raise ConfigurationError(f"manifest: {str(file)!r}: {error.strerror}") from error
    except InvalidManifestError as error:
        raise ConfigurationError(f"manifest: {str(file)!r}: {error}") from error
    if not any(page.published for page in manifest.pages):
        raise ConfigurationError(f"manifest: {str(file)!r} has no published page")
    return manifest, digest_of(data)


@contextmanager
def _open(settings: Settings) -> Iterator[Engine]:
    """Open a database that no tracker has; its tables are made, or brought up to date."""
    with one_line_errors():
        engine = create_engine(settings.database_url)
        prepare_engine(engine, settings.synchronous)
        lock = make_ready(engine, database_file(settings.database_url))
    try:
        with one_line_errors():
            yield engine
    finally:
        engine.dispose()  # The last connection moves the log into the database file.
        if lock is not None:
            lock.release()


def _begin_anew(engine: Engine, statements: Statements) -> None:
    """Empty the database and mark it, in one step.

    Raises:
        ConfigurationError: there are figures in it that nobody made up.
    """
    with open_writer(engine) as connection, connection.begin():
        statements.first_totals.run(connection, [()])
        statements.lock.fetch(connection)
        totals = connection.execute(select(TOTALS.c.demo, TOTALS.c.views)).one()
        if not totals.demo and (
            totals.views
            or connection.execute(select(NOT_FOUND.c.day).limit(1)).first()
            or connection.execute(select(EVENT_COUNTS.c.day).limit(1)).first()
        ):
            raise ConfigurationError(
                f"database_url: it has {totals.views:,} views of real readers, and made-up ones "
                "would mix with them; name another database"
            )
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(delete(table))
        statements.first_totals.run(connection, [()])
        connection.execute(update(TOTALS).values(demo=True))


def _batches(messages: Iterator[Received]) -> Iterator[list[Received]]:
    while batch := [*islice(messages, BATCH)]:
        yield batch
