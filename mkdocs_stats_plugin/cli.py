"""The command `mkdocs-stats`: what statistics tell where a site is written."""

import os
from pathlib import Path

import click

from mkdocs_stats_plugin.branch import Branch, HistoryError, read_blobs, read_branch
from mkdocs_stats_plugin.readership import Answer, ask_readership
from mkdocs_stats_plugin.review import (
    Line,
    PageChange,
    Review,
    Verdict,
    compare_pages,
    judge,
    order_lines,
)
from mkdocs_stats_plugin.review_text import write_json, write_markdown
from mkdocs_stats_plugin.site_map import SiteError, SiteMap, load_site, parse_tracker_url

TOKEN_VARIABLE = "MKDOCS_STATS_TOKEN"  # noqa: S105  # its name
DEFAULT_MAX_READERS = 10

_FOUND, _FAILED = 1, 2


class _Failure(click.ClickException):
    """There is no report. What a report has found is another exit code."""

    exit_code = _FAILED


@click.group()
@click.version_option(package_name="mkdocs-stats-plugin")
def main() -> None:
    """Tell what readers do with the pages of a site."""


@main.command("pr-report")
@click.option(
    "--base", default="main", show_default=True, help="Branch that this one is to be merged into."
)
@click.option("-f", "--config-file", help="Configuration of the site, as MkDocs takes it.")
@click.option("--tracker", help="Address of the tracker.  [tracker_url of the plugin]")
@click.option(
    "--max-readers",
    default=DEFAULT_MAX_READERS,
    show_default=True,
    type=click.IntRange(0),
    help="With how many readers in 30 days a page may lose its address without a redirect.",
)
@click.option("--strict", is_flag=True, help="Fail where figures are missing, too.")
@click.option(
    "--format",
    "form",
    default="markdown",
    show_default=True,
    type=click.Choice(["markdown", "json"]),
)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write.")
def pr_report(  # noqa: PLR0913  # one for each option
    *,
    base: str,
    config_file: str | None,
    tracker: str | None,
    max_readers: int,
    strict: bool,
    form: str,
    output: Path | None,
) -> None:
    """Report who reads the pages that a branch changes.

    Ends with 1 where a page with readers loses its address without a redirect, and with 2 where
    there is no report.
    """
    try:
        site = load_site(config_file)
        tracker_url = parse_tracker_url(site.tracker_url if tracker is None else tracker)
        review = _review(site, read_branch(site.docs_dir, base), tracker_url, max_readers)
    except (SiteError, HistoryError) as error:
        raise _Failure(str(error)) from error
    text = write_json(review) if form == "json" else write_markdown(review)
    _print(text, output)
    if problem := _found(review, strict=strict):
        click.echo(f"Error: {problem}", err=True)
        raise click.exceptions.Exit(_FOUND)


def _review(site: SiteMap, branch: Branch, tracker_url: str, max_readers: int) -> Review:
    before, after = site.pages(branch.before), site.pages(branch.after)
    changes = compare_pages(branch, before, after, site.redirects(after, branch.after))
    answer = _ask(tracker_url, [change for change in changes if change.kind != "added"])
    titles = _titles(site, branch, changes)
    lines = (
        Line(change, title, figures, answer.now.get(change.path), verdict)
        for change, title in zip(changes, titles, strict=True)
        for figures in [answer.pages.get(change.path)]
        for verdict in [judge(change, figures, max_readers)]
    )
    return Review(
        branch.base,
        branch.head,
        order_lines(lines),
        sum(site.is_post(change.name or change.former or "") for change in branch.changes),
        max_readers,
        tracker_url,
        answer.problem,
    )


def _ask(tracker_url: str, changes: list[PageChange]) -> Answer:
    if not changes:
        return Answer({}, {}, "")
    if not tracker_url:
        return Answer({}, {}, "neither tracker_url nor --tracker says where it is")
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    paths = [change.path for change in changes]
    lost = {change.path for change in changes if change.loses_address}
    return ask_readership(tracker_url, token, paths, lost)


def _titles(site: SiteMap, branch: Branch, changes: list[PageChange]) -> list[str]:
    sources = [change.source for change in changes]
    blobs = [branch.after.get(source) or branch.before[source] for source in sources]
    contents = read_blobs(site.docs_dir, blobs)
    return [site.title(source, contents[blob]) for source, blob in zip(sources, blobs, strict=True)]


def _print(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text.encode(), nl=False)
        return
    try:
        output.write_bytes(text.encode())
    except OSError as error:
        raise _Failure(f"{output}: {error.strerror}") from error


def _found(review: Review, *, strict: bool) -> str:
    """Return why the command ends with an error; nothing where it does not."""
    if lost := review.of(Verdict.LOST):
        # How they are called is in the report: a log may take names for commands.
        return f"addresses that readers come to are lost without a redirect: {len(lost)}"
    if strict and review.problem:
        return f"the tracker could not be asked: {review.problem}"
    if strict and review.of(Verdict.UNKNOWN):
        return "how many readers come to addresses that are lost is not known"
    return ""
