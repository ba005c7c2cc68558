"""The command ``tracker-server``: the only place that prints and that ends the process."""

import asyncio
import gc
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from importlib.metadata import version
from pathlib import Path
from typing import TextIO

import click
from sqlalchemy import Engine, make_url

from tracker_server import maintenance
from tracker_server import restore as restoring
from tracker_server.access import read_database
from tracker_server.admission import PUBLIC
from tracker_server.app import Tracker, create_app
from tracker_server.bridge import Bridge
from tracker_server.checks import Checked
from tracker_server.cli_access import password, share, token
from tracker_server.cli_report import report
from tracker_server.config import Settings, database_file
from tracker_server.console import (
    database_option,
    echo_data,
    errors_in_one_line,
    period_option,
    settings_of,
    terminal_style,
)
from tracker_server.demo_data import fill
from tracker_server.demo_readers import DAYS
from tracker_server.errors import ConfigurationError, TrackerError
from tracker_server.front import Front
from tracker_server.keyring import Keyring, keyring_file
from tracker_server.live import Live
from tracker_server.logs import JsonLines
from tracker_server.questions import MAX_DAYS
from tracker_server.readers import overview_reader, report_reader
from tracker_server.remote import Remote
from tracker_server.reports import Reports
from tracker_server.screen import Screen
from tracker_server.serving import Server, bind
from tracker_server.sqlite_file import version_line
from tracker_server.terminal import printable, render_live, render_report
from tracker_server.wire import MAX_ROWS

_log = logging.getLogger("tracker_server")

REDRAW_SECONDS = 1.0


@click.group()
@click.version_option(package_name="mkdocs-stats-plugin", prog_name="tracker-server")
def main() -> None:
    """Live, honest reader statistics for documentation sites."""


for _command in (password, token, share, report):
    main.add_command(_command)


@main.command()
@click.option("--host", help="Address to listen on.  [STATS_HOST; 127.0.0.1]")
@click.option("--port", type=int, help="TCP port to listen on.  [STATS_PORT; 8001]")
@database_option
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
    settings = settings_of(options)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    try:
        listening = bind(settings.host, settings.port)
    except OSError as error:  # An address that is taken, or none of this machine.
        reason = f"{settings.host}:{settings.port}: {error.strerror}"
        raise click.ClickException(reason) from error
    with closing(listening), errors_in_one_line():
        if not serve(settings, listening):
            sys.exit(1)


@main.command()
@database_option
def check(**options: object) -> None:
    """Recount the figures from the raw views and compare. A tracker may run meanwhile.

    Says for each table how many figures were compared and which differ. Exit code 1 if
    any does.
    """
    settings = settings_of(options)
    with errors_in_one_line():
        _tell(maintenance.check(settings))


@main.command()
@database_option
def rebuild(**options: object) -> None:
    """Make the figures anew from the raw views, then check. The tracker must not run.

    Figures of days before the oldest raw views that were kept stay as they are.
    """
    settings = settings_of(options)
    with errors_in_one_line():
        _tell(maintenance.rebuild(settings))


@main.command()
@database_option
@click.option(
    "--retention-days",
    type=int,
    help="For how many days before today raw views are kept.  [STATS_RETENTION_DAYS; 0]",
)
@click.option("--compact", is_flag=True, help="Then give the room back, which takes a while.")
def prune(*, compact: bool, **options: object) -> None:
    """Delete old raw views; no figure changes. On SQLite the tracker must not run."""
    settings = settings_of(options)
    with errors_in_one_line():
        pruned = maintenance.prune(settings, time.time(), compact=compact)
    click.echo(f"{pruned.views:,} raw views of days before {pruned.first_day} deleted")
    if pruned.sizes is not None:
        before, after = pruned.sizes
        click.echo(f"the file had {before:,} bytes and has {after:,}")


@main.command()
@database_option
@click.argument("target", type=click.Path(path_type=Path))
def backup(target: Path, **options: object) -> None:
    """Copy a SQLite database while a tracker writes it.

    TARGET is a folder, or the copy, which must not exist.
    """
    settings = settings_of(options)
    with errors_in_one_line():
        copy, size = maintenance.back_up(settings, target, time.time())
    click.echo(f"{copy}: {size:,} bytes")


@main.command()
@database_option
@click.option("--verify", is_flag=True, help="Only look whether FILE can be restored.")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def restore(*, file: Path, verify: bool, **options: object) -> None:
    """Put a copy of the backup FILE in the place of the database. The tracker must not run.

    FILE is checked first; unless it is whole and its figures are those of its raw views,
    nothing is changed, and the exit code is 1. The former database is kept beside it.
    """
    settings = settings_of(options)
    with errors_in_one_line():
        if verify:
            _tell(restoring.verify(file))
            return
        restored = restoring.restore(settings, file)
    click.echo("\n".join(restored.checked.lines))
    if restored.file is None:
        raise click.ClickException(f"{file}: not restored, and nothing was changed")
    former = f"; as it was: {restored.former}" if restored.former else ""
    click.echo(f"{restored.file}: restored from {file}{former}")


@main.command("demo-data")
@database_option
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
    settings = settings_of(options)
    if not settings.manifest:
        raise click.UsageError("manifest: name the stats-manifest.json of a built site")
    with errors_in_one_line():
        filled = fill(settings, Path(settings.manifest), time.time(), seed=seed, days=days)
    click.echo(f"{days} days made up: {filled.views:,} views by {filled.visitors:,} visitors")


@main.command()
@database_option
@period_option
@click.option("--page", help="Only of one page: its path, as in the manifest.")
@click.option("--referrer", help="Only from one source; empty for direct or unknown.")
@click.option("--campaign", help="Only from one campaign: source/medium/name.")
@click.option("--country", help="Only from one country, such as AT.")
@click.option("--language", help="Only in one language, such as de.")
@click.option("--device", help="Only on small, medium or large windows.")
@click.option("--browser", help="Only with one browser.")
@click.option("--version", help="Only of one version of the documentation, as addresses call it.")
@click.option("--compare", is_flag=True, help="Say how it was in as many days before.")
@click.option("--rows", type=click.IntRange(1, MAX_ROWS), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the answer of GET /api/report.")
def stats(*, database_url: str | None, as_json: bool, **options: object) -> None:
    """Report on the terminal what was read. A tracker may run meanwhile.

    Colours only on a terminal, and not where NO_COLOR is set.
    """
    settings = settings_of({"database_url": database_url})
    parameters = _question(options)

    def read(engine: Engine) -> tuple[bytes, bytes]:
        live = _live(engine, settings)
        since = live.snapshot().overview.tracking_since
        reports = Reports(report_reader(engine, time.monotonic), time.time, lambda: since)
        return reports.answer(parameters), live.snapshot().body

    with errors_in_one_line():
        answer, now = read_database(settings, read)
    if as_json:
        echo_data(f"{answer.decode()}\n")
        return
    demo, rows = json.loads(now)["demo"], int(parameters["limit"])
    click.echo(render_report(json.loads(answer), terminal_style(), rows, demo=demo), nl=False)


@main.command()
@database_option
@click.option("--url", help="Address of a running tracker, read in the place of the database.")
@click.option(
    "--token-file",
    type=click.File(),
    help="File with a token of scope stats:read, for an address that is not public.",
)
def top(*, url: str | None, token_file: TextIO | None, **options: object) -> None:
    """Show what is being read, drawn anew each second; q or Ctrl+C ends it."""
    settings = settings_of(options)
    if not sys.stdout.isatty():
        raise click.UsageError("this draws on a terminal; try tracker-server stats")
    with errors_in_one_line(), suppress(KeyboardInterrupt):
        if url:
            _watch(Remote(url, token_file.readline().strip() if token_file else "").read)
        else:
            _watch(lambda: read_database(settings, lambda e: _live(e, settings).snapshot().body))


def serve(settings: Settings, listening: socket.socket) -> bool:
    """Serve a tracker on a socket until a signal ends it.

    Returns:
        Whether it was ended so, and not by a defect of its own, which the log tells.

    Raises:
        ConfigurationError: the database cannot be used, or the socket.
    """
    _say_how_safe(settings)
    _say_who_is_let_in(settings)
    app = create_app(settings)
    tracker: Tracker = app.extensions["tracker"]
    address, meter = (settings.host, settings.port), tracker.server_meter
    bridge = Bridge(app.wsgi_app, settings.threads, address, meter)
    front = Front(tracker.ingest, tracker.streams, bridge, tracker.admission)
    handlers = (front.handle, front.body_limit, tracker.streams.close)
    server = Server(*handlers, tracker.networks.of_peer, meter)
    tracker.upkeep.start(server.stop, lambda: os._exit(1))  # What waits then waits for ever.
    # What is there now stays: without this every full collection looks at all modules, for 50 ms.
    gc.collect()
    gc.freeze()
    try:
        asyncio.run(server.serve(listening, lambda: _say_where(settings)))
    except OSError as error:
        raise ConfigurationError(f"host: {settings.host}: {error.strerror}") from error
    finally:
        bridge.close()
        tracker.close()
    counted = tracker.store.meter.views_counted
    _log.info("stop", extra={"event": "stop", "fields": {"views_counted": counted}})
    return not tracker.recorder.health.is_broken


def _say_where(settings: Settings) -> None:
    data = make_url(settings.database_url).render_as_string(hide_password=True)
    click.echo(f"Tracker on http://{settings.host}:{settings.port}/stats, data in {data}")
    fields = {
        "version": version("mkdocs-stats-plugin"),
        "address": f"{settings.host}:{settings.port}",
        "database": data,
        "pid": os.getpid(),
    }
    _log.info("start", extra={"event": "start", "fields": fields})


def _say_who_is_let_in(settings: Settings) -> None:
    let_in = Keyring(keyring_file(settings)).read()
    if settings.visibility != PUBLIC and not (let_in.password or let_in.grants):
        _log.warning(
            "the statistics are not public, and nobody has been let in: set a password with "
            "tracker-server password",
            extra={"event": "nobody_let_in"},
        )


def _say_how_safe(settings: Settings) -> None:
    if database_file(settings.database_url) is None:
        return
    click.echo(version_line())
    if settings.synchronous == "normal":
        _log.warning(
            "synchronous=normal: after a power cut or a crash of the system the last views may be "
            "missing, though they were answered with 204",
            extra={"event": "less_durable"},
        )


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
            screen.draw(render_live(shown, terminal_style(columns), lines, state))
            if screen.ends_within(REDRAW_SECONDS):
                return
            try:
                shown, state = json.loads(read()), _live_state()
            except (TrackerError, ValueError) as error:
                # The figures stay, with the time of which they are.
                state = f"{state.partition(',')[0]}, not readable since: {printable(str(error))}"


def _live_state() -> str:
    return f"as of {time.strftime('%H:%M:%S')}, q quits"


def _tell(checked: Checked) -> None:
    click.echo("\n".join(checked.lines))
    if not checked.is_clean:
        sys.exit(1)
