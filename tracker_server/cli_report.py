"""The command that answers with a content report."""

import json
import time
from collections.abc import Iterable
from typing import Any

import click
from sqlalchemy import Engine

from tracker_server.access import read_database
from tracker_server.catalogue import REPORTS
from tracker_server.console import (
    database_option,
    echo_data,
    errors_in_one_line,
    period_option,
    settings_of,
    terminal_style,
)
from tracker_server.content_answers import ContentAnswers
from tracker_server.exports import write_csv
from tracker_server.readers import content_reader, overview_reader
from tracker_server.terminal_table import render_table
from tracker_server.texts import LANGUAGES, Texts
from tracker_server.wire import MAX_ROWS

NAMES = [report.name for report in REPORTS]


def _options(_: object, __: object, given: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in given)
    if not all(pairs.values()):
        raise click.BadParameter("write NAME=VALUE")
    return pairs


def _refuse_what_it_does_not_have(name: str, more: Iterable[str], page: str | None) -> None:
    """A slip of the pen is no other question: who asks here sees no address to put right.

    Raises:
        UsageError: the report has no such option, or cannot be of one page.
    """
    asked = REPORTS[NAMES.index(name)]
    options = [option.name for option in asked.options]
    if unknown := [option for option in more if option not in options]:
        has = f"it has {', '.join(options)}" if options else "it has none"
        raise click.UsageError(f"--set: {name} has no option {unknown[0]!r}; {has}")
    if page is not None and not asked.of_page:
        of_page = ", ".join(report.name for report in REPORTS if report.of_page)
        raise click.UsageError(f"--page: {name} is of all pages; of one page are {of_page}")


@click.command(epilog=f"NAME is one of {', '.join(NAMES)}.")
@database_option
@click.argument("name", type=click.Choice(NAMES), metavar="NAME")
@period_option
@click.option("--page", help="Only of one page, where the report can be: its path.")
@click.option(
    "--set",
    "more",
    multiple=True,
    callback=_options,
    metavar="NAME=VALUE",
    help="An option of the report, see docs/reports.",
)
@click.option("--rows", type=click.IntRange(1, MAX_ROWS), default=20, show_default=True)
@click.option("--json", "form", flag_value="json", help="Print the answer of /api/content/NAME.")
@click.option("--csv", "form", flag_value="csv", help="Print that of /api/content/NAME.csv.")
def report(*, database_url: str | None, name: str, form: str | None, **options: Any) -> None:  # noqa: ANN401  # as click gives them
    """Report what only the content can tell. A tracker may run meanwhile."""
    _refuse_what_it_does_not_have(name, options["more"], options["page"])
    settings = settings_of({"database_url": database_url})
    parameters = {"period": options["period"], "limit": str(options["rows"]), **options["more"]}
    if options["page"] is not None:
        parameters["page"] = options["page"]

    def read(engine: Engine) -> bytes:
        overview = overview_reader(engine, settings, lambda _now: 1)

        def since() -> int | None:
            return overview(int(time.time()), 0).tracking_since

        read_table = content_reader(engine, time.monotonic)
        return ContentAnswers(REPORTS, read_table, time.time, since).answer(name, parameters)

    with errors_in_one_line():
        answer = read_database(settings, read)
    if form == "json":
        echo_data(f"{answer.decode()}\n")
    elif form == "csv":
        echo_data(write_csv(json.loads(answer)).decode())
    else:
        shown = render_table(json.loads(answer), terminal_style(), Texts(LANGUAGES[0]))
        click.echo(shown, nl=False)
