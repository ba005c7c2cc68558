"""The commands that say who may see the statistics; a tracker may run meanwhile."""

import sys
import time

import click

from tracker_server.console import database_option, errors_in_one_line, settings_of
from tracker_server.credentials import SCOPES, SHARE, TOKEN
from tracker_server.keys import Keys, as_line, open_keys
from tracker_server.passwords import MAX_CHARS

_expires_help = "For how long: 90d, 12h, never."


@click.command()
@database_option
@click.option("--remove", is_flag=True, help="Let nobody sign in.")
def password(*, remove: bool, **options: object) -> None:
    """Set the password by which the owner signs in. All sessions end.

    It is asked for, or read from standard input where that is no terminal.
    """
    with errors_in_one_line():
        keys = _keys(options)
        if remove:
            keys.remove_password()
        else:
            keys.set_password(_ask_for_password())
    click.echo(f"{'Removed from' if remove else 'Password set in'} {keys.file}")


@click.group()
def token() -> None:
    """Let programs in: make, list and revoke tokens."""


@token.command("create")
@database_option
@click.option("--name", required=True, help="What to call it.")
@click.option("--scope", required=True, type=click.Choice(SCOPES), help="What it is for.")
@click.option("--expires", default="90d", show_default=True, help=_expires_help)
def create_token(*, name: str, scope: str, expires: str, **options: object) -> None:
    """Make a token. It is shown this once; only its hash is kept."""
    with errors_in_one_line():
        click.echo(_keys(options).make_token(name, scope, expires, time.time()))


@token.command("list")
@database_option
def list_tokens(**options: object) -> None:
    """Show what tokens there are."""
    _list(options, TOKEN)


@token.command("revoke")
@database_option
@click.argument("name")
def revoke_token(*, name: str, **options: object) -> None:
    """Take a token back by its name or id."""
    _revoke(options, TOKEN, name)


@click.group()
def share() -> None:
    """Let people in by a link: make, list and revoke share links."""


@share.command("create")
@database_option
@click.option("--name", required=True, help="What to call it.")
@click.option(
    "--path-prefix",
    default="",
    help="Only the pages below this path, each by itself, such as /guide/.  [everything]",
)
@click.option("--expires", default="30d", show_default=True, help=_expires_help)
@click.option("--url", default="", help="Address of the tracker, to print the whole link.")
def create_share(*, name: str, path_prefix: str, expires: str, url: str, **options: object) -> None:
    """Make a link. It is shown this once; only its hash is kept."""
    with errors_in_one_line():
        secret = _keys(options).make_link(name, path_prefix, expires, time.time())
    click.echo(f"{url.rstrip('/')}/share/{secret}")


@share.command("list")
@database_option
def list_shares(**options: object) -> None:
    """Show what links there are."""
    _list(options, SHARE)


@share.command("revoke")
@database_option
@click.argument("name")
def revoke_share(*, name: str, **options: object) -> None:
    """Take a link back by its name or id. Whoever has it open is out within a second."""
    _revoke(options, SHARE, name)


def _keys(options: dict[str, object]) -> Keys:
    return open_keys(settings_of(options))


def _ask_for_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline(MAX_CHARS + 2).rstrip("\r\n")


def _list(options: dict[str, object], kind: str) -> None:
    with errors_in_one_line():
        for grant in _keys(options).list(kind):
            click.echo(as_line(grant, time.time()))


def _revoke(options: dict[str, object], kind: str, name: str) -> None:
    with errors_in_one_line():
        gone = _keys(options).revoke(kind, name)
    click.echo(f"{gone.name} ({gone.id}) is revoked")
