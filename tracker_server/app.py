"""Puts the parts together: settings in, one WSGI application out."""

import logging
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, Response
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from tracker_server import sqlite_file
from tracker_server.address import Address
from tracker_server.admission import Admission
from tracker_server.answers import answer_text
from tracker_server.api import make_api
from tracker_server.base import db
from tracker_server.catalogue import REPORTS
from tracker_server.config import Settings, database_file
from tracker_server.content_answers import ContentAnswers
from tracker_server.content_api import make_content_api
from tracker_server.content_pages import make_content_pages
from tracker_server.counters import Counters
from tracker_server.database import open_reader, prepare_engine
from tracker_server.embeds import make_embeds
from tracker_server.errors import ConfigurationError, StorageError
from tracker_server.guard import Guard
from tracker_server.health import reason_of
from tracker_server.identity import DailyIdentity, Salts
from tracker_server.ingest import PATH, Ingest
from tracker_server.keyring import Keyring, keyring_file
from tracker_server.limits import Limits, SignIns
from tracker_server.live import Live
from tracker_server.lock import FileLock
from tracker_server.meter import ServerMeter
from tracker_server.metrics import Metrics, Sources
from tracker_server.networks import Networks
from tracker_server.operations import make_operations
from tracker_server.packing import day_of
from tracker_server.pages import make_pages
from tracker_server.passwords import Passwords
from tracker_server.queries.counters import read_readers, read_views
from tracker_server.queries.days import read_visitors
from tracker_server.queries.moved import lead_on
from tracker_server.readers import content_reader, language_reader, overview_reader, report_reader
from tracker_server.recorder import Recorder
from tracker_server.reports import Reports
from tracker_server.sign_in import Door
from tracker_server.storage import make_ready, secure_log
from tracker_server.store import Store
from tracker_server.streams import Streams
from tracker_server.upkeep import Upkeep

_log = logging.getLogger("tracker_server")

CACHED_STATEMENTS = 1_024
"""How many statements of SQLite stay compiled: each table takes 1 to 64 rows to the statement."""
RETRY_SECONDS = 5
"""When to ask again for figures that cannot be read."""


@dataclass(frozen=True, slots=True)
class Tracker:
    """The parts of one running tracker, kept in ``app.extensions["tracker"]``."""

    settings: Settings
    engine: Engine
    lock: FileLock | None
    store: Store
    recorder: Recorder
    ingest: Ingest
    networks: Networks
    live: Live
    reports: Reports
    streams: Streams
    upkeep: Upkeep
    admission: Admission
    server_meter: ServerMeter
    """For the server that this runs in."""

    def close(self) -> None:
        """Stop the chores, wait for the batch in work, close the database. Twice does no harm."""
        self.upkeep.stop()
        self.streams.close()
        self.recorder.close()
        self.engine.dispose()  # The last connection moves the log into the database file.
        if self.lock is not None:
            self.lock.release()


def create_app(settings: Settings, clock: Callable[[], float] = time.time) -> Flask:
    """Build the application. Its chores wait for ``app.extensions["tracker"].upkeep.start()``.

    Args:
        settings: how it behaves.
        clock: seconds since the epoch.

    Raises:
        ConfigurationError: the database cannot be used.
    """
    app = Flask(__name__)
    engine, lock = _open_database(app, settings)
    try:
        store = _open_store(engine, settings)
    except ConfigurationError:
        engine.dispose()
        if lock is not None:
            lock.release()
        raise
    recorder = Recorder(
        store,
        clock,
        heartbeat_window_seconds=settings.heartbeat_window_seconds,
        max_waiting=settings.max_waiting,
    )
    live = Live(overview_reader(engine, settings, recorder.pressure.patience), clock)
    since = lambda: live.snapshot().overview.tracking_since  # noqa: E731
    reports = Reports(report_reader(engine, time.monotonic), clock, since)
    content = ContentAnswers(REPORTS, content_reader(engine, time.monotonic), clock, since)
    upkeep = Upkeep(
        recorder,
        clock,
        manifest_path=settings.manifest,
        cleanup_seconds=settings.cleanup_seconds,
        warm_up=lambda: _warm_up(app, reports),
    )
    upkeep.tick()
    streams = Streams(live.snapshot, settings.max_streams)
    app.register_blueprint(make_api(settings, recorder, live, reports, streams))
    app.register_blueprint(make_content_api(settings, live, content))
    app.register_blueprint(make_content_pages(live, content))
    counters = _counters(engine, settings, recorder, live, clock)
    language = language_reader(engine, clock)
    app.register_blueprint(make_embeds(settings, live, counters, content, language))
    app.register_blueprint(make_pages(live, reports))
    app.register_error_handler(SQLAlchemyError, _answer_without_database)
    identity = DailyIdentity(
        Salts(_salt_file(settings)), clock, window_seconds=settings.view_window_seconds
    )
    networks = Networks(settings.trusted_proxies)
    limits = Limits(settings.rate_limit, clock)
    ingest = Ingest(recorder, identity, settings, networks, limits)
    _mount(app, ingest)
    keyring = Keyring(keyring_file(settings))
    tracker = app.extensions["tracker"] = Tracker(
        settings,
        *(engine, lock, store, recorder, ingest, networks, live, reports, streams, upkeep),
        *(Admission(settings, keyring, clock, _leader(engine)), ServerMeter()),
    )
    metrics = Metrics(_sources(tracker))
    app.register_blueprint(make_operations(recorder.health, metrics, lambda: _check(engine)))
    door = Door(keyring, Passwords(), clock)
    app.register_blueprint(door.routes())
    guard = Guard(tracker.admission, keyring, networks, SignIns(clock), door.show)
    guard.stand_before(app)
    return app


def _warm_up(app: Flask, reports: Reports) -> None:
    """Load what the first look at the page needs, before anybody looks.

    Templates and statements are compiled when they are first used, and names of hosts read: that
    took as long again as the page itself.
    """
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    with suppress(SQLAlchemyError):  # Whoever looks will be told.
        reports.answer(Address({}).question())
    reports.forget()  # The first view after a start is to be seen at once.


def _sources(tracker: Tracker) -> Sources:
    live, recorder = tracker.live, tracker.recorder

    def active() -> int | None:
        try:
            return live.snapshot().overview.active_visitors
        except SQLAlchemyError:
            return None

    return Sources(
        version=version("mkdocs-stats-plugin"),
        server=tracker.server_meter,
        streams=tracker.streams.open,
        answers=tracker.ingest.answers,
        store=tracker.store.meter,
        beats_repeated=recorder.beats_repeated,
        waiting=recorder.waiting,
        max_waiting=tracker.settings.max_waiting,
        is_ready=lambda: recorder.health.is_ready,
        active=active,
    )


def _salt_file(settings: Settings) -> Path:
    file = database_file(settings.database_url)
    beside = Path("stats.salts") if file is None else file.with_name(f"{file.name}.salts")
    return Path(settings.salt_file) if settings.salt_file else beside.absolute()


def _open_database(app: Flask, settings: Settings) -> tuple[Engine, FileLock | None]:
    file = database_file(settings.database_url)
    if file is not None and not file.absolute().parent.is_dir():
        raise ConfigurationError(
            f"database_url: there is no folder {str(file.absolute().parent)!r}"
        )
    url = f"sqlite:///{file.absolute()}" if file is not None else settings.database_url
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    # A server that was restarted leaves broken connections behind: they are tried before use.
    options: dict[str, object] = {"pool_pre_ping": True}
    if file is not None:
        options["creator"] = sqlite_file.opener(file.absolute(), CACHED_STATEMENTS)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    try:
        db.init_app(app)
        with app.app_context():
            engine = db.engine
            prepare_engine(engine, settings.synchronous)
            lock = make_ready(engine, file)
    except (SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ConfigurationError(f"database_url: {reason}") from error
    return engine, lock


def _open_store(engine: Engine, settings: Settings) -> Store:
    file = database_file(settings.database_url)
    try:
        store = Store(engine, settings)
    except StorageError as error:
        raise ConfigurationError(f"database_url: {error}") from error
    if file is not None:
        secure_log(file)
    return store


def _counters(
    engine: Engine,
    settings: Settings,
    recorder: Recorder,
    live: Live,
    clock: Callable[[], float],
) -> Counters:
    def readers(now: int) -> dict[str, int]:
        timeout = settings.session_timeout_seconds * recorder.pressure.patience(now)
        with open_reader(engine) as connection:
            return read_readers(connection, now, timeout)

    def views(paths: Collection[str]) -> dict[str, int]:
        with open_reader(engine) as connection:
            return read_views(connection, paths)

    def visitors(path: str) -> int:
        with open_reader(engine) as connection:
            return read_visitors(connection, path, day_of(int(clock())))

    return Counters(lambda: live.snapshot().overview, readers, views, visitors, clock)


def _leader(engine: Engine) -> Callable[[Collection[str]], dict[str, str]]:
    def lead(paths: Collection[str]) -> dict[str, str]:
        with open_reader(engine) as connection:
            return lead_on(connection, paths)

    return lead


def _check(engine: Engine) -> None:
    try:
        with open_reader(engine) as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        raise StorageError(str(error)) from error


def _answer_without_database(error: Exception) -> Response:
    """Say that nothing can be read: the database is away, locked or damaged."""
    _log.error("not read: %s", reason_of(error), extra={"event": "storage_error"})
    response = answer_text("the database does not answer", 503)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _mount(app: Flask, ingest: Ingest) -> None:
    """Put the collect endpoint in front of Flask: same application object, a tenth of the cost."""
    flask_wsgi = app.wsgi_app

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATH:
            return ingest(environ, start_response)
        return flask_wsgi(environ, start_response)

    # Flask documents this assignment as the place for middleware.
    app.wsgi_app = dispatch  # type: ignore[method-assign]
