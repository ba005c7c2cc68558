"""The command ``tracker-server``: the only place that prints and that ends the process."""

import gc
import json
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.util import Finalize
from pathlib import Path

import click
from flask import Flask
from sqlalchemy import Engine, make_url

from tracker_server import maintenance
from tracker_server.access import read_database
from tracker_server.app import create_app, overview_reader, report_reader
from tracker_server.config import PREFIX, Settings, database_file, read_settings, split_hosts
from tracker_server.demo_data import fill
from tracker_server.demo_readers import DAYS
from tracker_server.errors import ConfigurationError, TrackerError
from tracker_server.grains import ALL, DEFAULT_PERIOD, PERIODS
from tracker_server.live import Live
from tracker_server.questions import MAX_DAYS
from tracker_server.remote import Remote
from tracker_server.reports import Reports
from tracker_server.screen import Screen
from tracker_server.sqlite_file import version_line
from tracker_server.terminal import Style, printable, render_live, render_report
from tracker_server.wire import MAX_ROWS

REDRAW_SECONDS = 1.0
STOP_SECONDS = 10
"""How long requests in work may hold up the end; what was answered is stored all the same."""


_database_option = click.option(
    "--database-url", help="SQLAlchemy URL.  [STATS_DATABASE_URL; sqlite:///stats.sqlite3]"
)


@click.group()
@click.version_option(package_name="mkdocs-stats-plugin", prog_name="tracker-server")
def main() -> None:
    """Live, honest reader statistics for documentation sites."""


@main.command()
@click.option("--host", help="Address to listen on.  [STATS_HOST; 127.0.0.1]")
@click.option("--port", type=int, help="TCP port to listen on.  [STATS_PORT; 8001]")
@_database_option
@click.option(
    "--manifest", help="stats-manifest.json of the built site; watched.  [STATS_MANIFEST]"
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    help="Host of a site that may report; may be repeated.  [STATS_ALLOWED_HOSTS; all]",
)
def run(**options: object) -> None:
    """Run the tracker until it is told to stop."""
    # Imported here: the other commands need no server.
    from granian import Granian  # noqa: PLC0415
    from granian.constants import Interfaces  # noqa: PLC0415
    from granian.log import LogLevels  # noqa: PLC0415

    settings = _settings(options)
    os.environ.update(as_environment(settings))
    server = Granian(
        "tracker_server.cli:load_app",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=1,  # One writer: the recorder shares what it knows between threads, not processes.
        # Made when they are needed. A stream keeps one for as long as a page is open.
        blocking_threads=settings.threads + settings.max_streams,
        workers_kill_timeout=STOP_SECONDS,
        log_level=LogLevels.error,
        websockets=False,
    )
    try:
        server.serve()
    except RuntimeError as error:  # An address that is taken, or none of this machine.
        reason = str(error).partition("\n")[0]
        raise click.ClickException(f"{settings.host}:{settings.port}: {reason}") from error


@main.command()
@_database_option
def check(**options: object) -> None:
    """Recount the figures from the raw views and compare. A tracker may run meanwhile.

    Says for each table how many figures were compared and which differ. Exit code 1 if
    any does.
    """
    settings = _settings(options)
    with _errors_in_one_line():
        _tell(maintenance.check(settings))


@main.command()
@_database_option
def rebuild(**options: object) -> None:
    """Make the figures anew from the raw views, then check. The tracker must not run.

    Figures of days before the oldest raw views that were kept stay as they are.
    """
    settings = _settings(options)
    with _errors_in_one_line():
        _tell(maintenance.rebuild(settings))


@main.command()
@_database_option
@click.option(
    "--retention-days",
    type=int,
    help="For how many days before today raw views are kept.  [STATS_RETENTION_DAYS; 0]",
)
@click.option("--compact", is_flag=True, help="Then give the room back, which takes a while.")
def prune(*, compact: bool, **options: object) -> None:
    """Delete old raw views; no figure changes. On SQLite the tracker must not run."""
    settings = _settings(options)
    with _errors_in_one_line():
        pruned = maintenance.prune(settings, time.time(), compact=compact)
    click.echo(f"{pruned.views:,} raw views of days before {pruned.first_day} deleted")
    if pruned.sizes is not None:
        before, after = pruned.sizes
        click.echo(f"the file had {before:,} bytes and has {after:,}")


@main.command()
@_database_option
@click.argument("target", type=click.Path(path_type=Path))
def backup(target: Path, **options: object) -> None:
    """Copy a SQLite database while a tracker writes it.

    TARGET is a folder, or the copy, which must not exist.
    """
    settings = _settings(options)
    with _errors_in_one_line():
        copy, size = maintenance.back_up(settings, target, time.time())
    click.echo(f"{copy}: {size:,} bytes")


@main.command("demo-data")
@_database_option
@click.option("--manifest", help="stats-manifest.json of the site that is read.  [STATS_MANIFEST]")
@click.option("--seed", type=int, default=1, show_default=True, help="Which history to make up.")
@click.option(
    "--days",
    type=click.IntRange(1, MAX_DAYS),
    default=DAYS,
    show_default=True,
    help="How many it has, today included.",
)
def demo_data(*, seed: int, days: int, **options: object) -> None:
    """Fill a database with a made-up history, to look at. No tracker may run on it.

    The database is made where there is none and is marked: its pages say that the figures
    are made up. One that was filled so before is filled anew, one with views of real readers
    is refused.
    """
    settings = _settings(options)
    if not settings.manifest:
        raise click.UsageError("manifest: name the stats-manifest.json of a built site")
    with _errors_in_one_line():
        filled = fill(settings, Path(settings.manifest), time.time(), seed=seed, days=days)
    click.echo(f"{days} days made up: {filled.views:,} views by {filled.visitors:,} visitors")


@main.command()
@_database_option
@click.option(
    "--period",
    default=DEFAULT_PERIOD,
    show_default=True,
    type=click.Choice([*PERIODS, ALL]),
    help="Which days, today included.",
)
@click.option("--page", help="Only of one page: its path, as in the manifest.")
@click.option("--referrer", help="Only from one source; empty for direct or unknown.")
@click.option("--campaign", help="Only from one campaign: source/medium/name.")
@click.option("--country", help="Only from one country, such as AT.")
@click.option("--language", help="Only in one language, such as de.")
@click.option("--device", help="Only on small, medium or large windows.")
@click.option("--browser", help="Only with one browser.")
@click.option("--compare", is_flag=True, help="Say how it was in as many days before.")
@click.option("--rows", type=click.IntRange(1, MAX_ROWS), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the answer of GET /api/report.")
def stats(*, database_url: str | None, as_json: bool, **options: object) -> None:
    """Report on the terminal what was read. A tracker may run meanwhile.

    Colours only on a terminal, and not where NO_COLOR is set.
    """
    settings = _settings({"database_url": database_url})
    parameters = _question(options)

    def read(engine: Engine) -> tuple[bytes, bytes]:
        live = _live(engine, settings)
        since = live.snapshot().overview.tracking_since
        reports = Reports(report_reader(engine), time.time, lambda: since)
        return reports.answer(parameters), live.snapshot().body

    with _errors_in_one_line():
        report, now = read_database(settings, read)
    if as_json:
        click.echo(report.decode())
        return
    demo, rows = json.loads(now)["demo"], int(parameters["limit"])
    click.echo(render_report(json.loads(report), _style(), rows, demo=demo), nl=False)


@main.command()
@_database_option
@click.option("--url", help="Address of a running tracker, read in the place of the database.")
def top(*, url: str | None, **options: object) -> None:
    """Show what is being read, drawn anew each second; q or Ctrl+C ends it."""
    settings = _settings(options)
    if not sys.stdout.isatty():
        raise click.UsageError("this draws on a terminal; try tracker-server stats")
    with _errors_in_one_line(), suppress(KeyboardInterrupt):
        if url:
            _watch(Remote(url).read)
        else:
            _watch(lambda: read_database(settings, lambda e: _live(e, settings).snapshot().body))


def load_app() -> Flask:
    """Build the application in the server's worker process, from the environment."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if multiprocessing.parent_process() is not None:
        # The server's process hears Ctrl+C as well, and sends SIGTERM: two signals at once would
        # be one too many. Until the worker serves, what it is at may be cut short at any point.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        settings = read_settings(os.environ)
        _say_how_safe(settings)
        app = create_app(settings, supervised=True)
    except ConfigurationError as error:
        click.echo(f"tracker-server: {error}", err=True)
        sys.exit(1)
    tracker = app.extensions["tracker"]
    # The server's process ends without `atexit`; when this is run no request is in work any more.
    Finalize(None, tracker.close, exitpriority=100)
    tracker.upkeep.start()
    _end_streams_when_told(tracker.streams.close)
    # What is there now stays: without this every full collection looks at all modules, for 50 ms.
    gc.collect()
    gc.freeze()
    data = make_url(settings.database_url).render_as_string(hide_password=True)
    click.echo(f"Tracker on http://{settings.host}:{settings.port}/stats, data in {data}")
    return app


def _end_streams_when_told(end_streams: Callable[[], None]) -> None:
    """End the streams at the first signal: the server, which handles it, would wait for them."""
    here, there = socket.socketpair()
    there.setblocking(False)  # noqa: FBT003  # the library's own form
    # The number is all that the interpreter keeps, so the socket is not to be closed.
    signal.set_wakeup_fd(there.detach(), warn_on_full_buffer=False)

    def wait() -> None:
        here.recv(1)
        end_streams()

    threading.Thread(target=wait, name="signals", daemon=True).start()


def _say_how_safe(settings: Settings) -> None:
    if database_file(settings.database_url) is None:
        return
    click.echo(version_line())
    if settings.synchronous == "normal":
        click.echo(
            "tracker-server: warning: synchronous=normal: after a power cut or a crash of the "
            "system the last views may be missing, though they were answered with 204",
            err=True,
        )


def as_environment(settings: Settings) -> dict[str, str]:
    """Return the variables that `read_settings` reads these settings from."""
    values = {name: getattr(settings, name) for name in Settings.__dataclass_fields__}
    for name in ("allowed_hosts", "trusted_proxies"):
        values[name] = ",".join(values[name])
    if settings.manifest:
        values["manifest"] = str(Path(settings.manifest).absolute())
    return {PREFIX + name.upper(): str(value) for name, value in values.items()}


def _question(options: dict[str, object]) -> dict[str, str]:
    """Return the parameters of a report; an option that was not given is none."""
    given = {name: str(value) for name, value in options.items() if value is not None}
    compare = "1" if options["compare"] else "0"
    return given | {"limit": given.pop("rows"), "compare": compare}


def _live(engine: Engine, settings: Settings) -> Live:
    """Return what reads the figures of a moment."""
    return Live(overview_reader(engine, settings, lambda _now: 1), time.time)


def _watch(read: Callable[[], bytes]) -> None:
    """Draw what `read` returns, each second, until a key ends it."""
    shown = json.loads(read())  # What cannot be read at all is said and not drawn.
    state = _live_state()
    with Screen(sys.stdin, sys.stdout) as screen:
        while True:
            columns, lines = screen.size
            screen.draw(render_live(shown, _style(columns), lines, state))
            if screen.ends_within(REDRAW_SECONDS):
                return
            try:
                shown, state = json.loads(read()), _live_state()
            except (TrackerError, ValueError) as error:
                # The figures stay, with the time of which they are.
                state = f"{state.partition(',')[0]}, not readable since: {printable(str(error))}"


def _live_state() -> str:
    return f"as of {time.strftime('%H:%M:%S')}, q quits"


def _style(columns: int | None = None) -> Style:
    """Return what the terminal can do that this process writes to."""
    encoding = (sys.stdout.encoding or "").lower()
    return Style(
        width=columns or shutil.get_terminal_size().columns,
        colours=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        blocks=encoding.startswith("utf"),
    )


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    try:
        yield
    except TrackerError as error:
        raise click.ClickException(str(error)) from error


def _tell(checked: maintenance.Checked) -> None:
    click.echo("\n".join(checked.lines))
    if not checked.is_clean:
        sys.exit(1)


def _settings(options: dict[str, object]) -> Settings:
    hosts = options.pop("allowed_hosts", None)
    try:
        return read_settings(
            os.environ,
            allowed_hosts=split_hosts(list(hosts)) if isinstance(hosts, tuple) and hosts else None,
            **options,
        )
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error
