"""What all commands share: the settings they take, and how they say what went wrong."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tracker_server.config import Settings, read_settings, split_hosts
from tracker_server.errors import ConfigurationError, TrackerError
from tracker_server.grains import ALL, DEFAULT_PERIOD, PERIODS
from tracker_server.terminal import Style, printable

database_option = click.option(
    "--database-url", help="SQLAlchemy URL.  [STATS_DATABASE_URL; sqlite:///stats.sqlite3]"
)

period_option = click.option(
    "--period",
    default=DEFAULT_PERIOD,
    show_default=True,
    type=click.Choice([*PERIODS, ALL]),
    help="Which days, today included.",
)


def settings_of(options: dict[str, object]) -> Settings:
    """Return the settings of the environment, and of options, which win."""
    hosts = options.pop("allowed_hosts", None)
    try:
        return read_settings(
            os.environ,
            allowed_hosts=split_hosts(list(hosts)) if isinstance(hosts, tuple) and hosts else None,
            **options,
        )
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """End with exit code 1 and one line where something cannot be done."""
    try:
        yield
    except TrackerError as error:
        raise click.ClickException(str(error)) from error


def echo_data(text: str) -> None:
    """Print what is for programs: as it is, but to a terminal without what that would obey."""
    if sys.stdout.isatty():
        text = "".join(f"{printable(line)}\n" for line in text.splitlines())
    click.echo(text, nl=False)


def terminal_style(columns: int | None = None) -> Style:
    """Return what the terminal can do that this process writes to."""
    encoding = (sys.stdout.encoding or "").lower()
    return Style(
        width=columns or shutil.get_terminal_size().columns,
        colours=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        blocks=encoding.startswith("utf"),
    )
