"""What an operator does to the keyring: sets the password, grants tokens and links, takes them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tracker_server.config import Settings
from tracker_server.credentials import SHARE, STATS_READ, TOKEN, Grant
from tracker_server.errors import ConfigurationError, InvalidMessageError
from tracker_server.keyring import Keyring, keyring_file
from tracker_server.passwords import Passwords
from tracker_server.paths import normalise_path

NEVER = "never"
MAX_NAME_CHARS = 60
_TIME = re.compile(r"([1-9][0-9]{0,4})([hd])")
_SECONDS = {"h": 3_600, "d": 86_400}
_NAME = re.compile(r"[\w.@ -]+")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keyring of some settings, which need not have a database yet."""

    ring: Keyring

    @property
    def file(self) -> Path:
        """Where it is."""
        return self.ring.file

    def set_password(self, password: str) -> None:
        """Let whoever knows this sign in, and end all sessions.

        Raises:
            TrackerError: it is too short or too long, or cannot be kept.
        """
        kept = Passwords().hash(password)
        self.ring.change(lambda now: now.with_password(kept))

    def remove_password(self) -> None:
        """Let nobody sign in, and end all sessions."""
        self.ring.change(lambda now: now.with_password(""))

    def make_token(self, name: str, scope: str, life: str, now: float) -> str:
        """Return a new token, which is shown once.

        Args:
            name: what it is called, no other token is.
            scope: one of `credentials.SCOPES`.
            life: ``90d``, ``12h`` or ``never``.
            now: seconds since the epoch.
        """
        at = int(now)
        plan = Grant(kind=TOKEN, name=name, scope=scope, created=at, expires=_end(life, at))
        return self._grant(plan)

    def make_link(self, name: str, prefix: str, life: str, now: float) -> str:
        """Return the secret of a new link to all figures, or to those of pages below a path."""
        at = int(now)
        plan = Grant(kind=SHARE, name=name, scope=STATS_READ, created=at, expires=_end(life, at))
        return self._grant(replace(plan, section=_section(prefix)))

    def list(self, kind: str) -> tuple[Grant, ...]:
        """Return what was granted, what is over too."""
        return self.ring.read().of_kind(kind)

    def revoke(self, kind: str, wanted: str) -> Grant:
        """Take back what has this id or name; whoever uses it is out at once.

        Raises:
            ConfigurationError: there is none.
        """
        found = [grant for grant in self.list(kind) if wanted in {grant.id, grant.name}]
        if not found:
            raise ConfigurationError(f"{kind}: there is none with the id or name {wanted!r}")
        self.ring.change(lambda now: now.without(found[0].id))
        return found[0]

    def _grant(self, plan: Grant) -> str:
        _check_name(plan.name, (grant.name for grant in self.list(plan.kind)))
        return self.ring.add(plan)[0]


def open_keys(settings: Settings) -> Keys:
    """Return the keys of a tracker.

    Raises:
        ConfigurationError: there is no folder for the file.
    """
    file = keyring_file(settings)
    if not file.parent.is_dir():
        raise ConfigurationError(f"access_file: there is no folder {str(file.parent)!r}")
    return Keys(Keyring(file))


def as_line(grant: Grant, now: float) -> str:
    """Write one grant for people: id, what it is for, until when, and its name."""
    what = grant.scope if grant.kind == TOKEN else grant.section or "everything"
    until = NEVER if grant.expires is None else f"{datetime.fromtimestamp(grant.expires, UTC):%F}"
    state = f"until {until}" if grant.holds(now) else f"over since {until}"
    return f"{grant.id}  {what:<15} {state:<22} {grant.name}"


def _check_name(name: str, others: Iterable[str]) -> None:
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME_CHARS:
        raise ConfigurationError(
            f"name: must have at most {MAX_NAME_CHARS} letters, digits, spaces and .@_-"
        )
    if name in others:
        raise ConfigurationError(f"name: there is a {name!r} already; revoke it, or name another")


def _end(life: str, now: int) -> int | None:
    if life == NEVER:
        return None
    match = _TIME.fullmatch(life)
    if match is None:
        raise ConfigurationError(f"expires: must be such as 90d, 12h or never, is {life!r}")
    return now + int(match[1]) * _SECONDS[match[2]]


def _section(prefix: str) -> str:
    """Return a prefix as paths begin; one that ends in the middle of a name would show more."""
    if not prefix:
        return ""
    try:
        section = normalise_path(prefix)
    except InvalidMessageError as error:
        raise ConfigurationError(f"path-prefix: {error.reason}") from None
    if not section.endswith("/") or section == "/":
        raise ConfigurationError(
            f"path-prefix: must end with / and be more than that, is {prefix!r}"
        )
    return section
