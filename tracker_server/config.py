"""How one tracker behaves: read once, from a mapping that is passed in, into a frozen object."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_network
from pathlib import Path

from tracker_server.errors import ConfigurationError

PREFIX = "STATS_"
_ALIASES = {"STATS_ALLOWED_HOST": "STATS_ALLOWED_HOSTS"}
_MAY_BE_ZERO = {"max_streams", "max_unknown_paths", "rate_limit", "reserve_mib", "retention_days"}
_TOKEN = re.compile(r"[\x20-\x7e]{16,}")
_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one tracker behaves. Every field is settable as ``STATS_<FIELD>`` in the environment."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8001
    """TCP port to listen on."""
    database_url: str = "sqlite:///stats.sqlite3"
    """SQLAlchemy URL. A relative SQLite file is created in the working directory."""
    synchronous: str = "full"
    """When SQLite flushes to the disk: ``full`` with every commit, ``normal`` now and then."""
    reserve_mib: int = 64
    """How many MiB of the disk of a SQLite file are left free, so that old views can be deleted.

    With less, messages are answered with 503. 0 leaves nothing.
    """
    manifest: str = ""
    """Path of the site's ``stats-manifest.json``; watched, a new build shows without restart."""
    manifest_token: str = ""
    """Bearer token that ``PUT /api/manifest`` asks for, at least 16 characters.

    Without it the route is closed.
    """
    metrics_token: str = ""
    """Bearer token that ``GET /metrics`` asks for, at least 16 characters; empty asks for none."""
    allowed_hosts: tuple[str, ...] = ()
    """Hosts of the sites that may report, ``docs.example.org`` or with a port.

    Comma-separated in the environment. Empty allows all.
    """
    session_timeout_seconds: int = 120
    """How long after its last heartbeat a session counts as active."""
    view_window_seconds: int = 1_800
    """Within this time the same session and path count as one view."""
    heartbeat_window_seconds: int = 10
    """Within this time a heartbeat of the same session and path writes nothing but its reading."""
    cleanup_seconds: int = 300
    """How often sessions that have ended are deleted."""
    load_memory_seconds: int = 86_400
    """How long page-load ids are remembered to recognise a retry."""
    retention_days: int = 0
    """For how many days before today the raw views are kept; 0 keeps them for ever.

    No figure changes when they go: reports read roll-ups, which stay.
    """
    max_unknown_paths: int = 1_000
    """How many paths that no manifest has named get a row of their own; the rest is ``(other)``.

    In seven days (`tracker_server.store`); until a manifest has been loaded at least 10,000.
    """
    max_waiting: int = 1_024
    """How many messages may wait for the disk before the answer is 503."""
    max_streams: int = 1_024
    """How many pages are told of what happens by a stream.

    The others ask again and again; with 0 all of them do.
    """
    rate_limit: int = 100
    """How many messages a second one network (/24 of IPv4, /48 of IPv6) may send.

    Ten seconds' worth may come at once. A site may send 20 times as many, all together 50 times.
    0 limits nobody.
    """
    salt_file: str = ""
    """Where the daily keys of `visitor_id: daily` are, away from backups of the database.

    Empty: beside the SQLite file, else ``stats.salts`` in the working directory. Processes on one
    PostgreSQL database need the same file.
    """
    visibility: str = "public"
    """Who may see the statistics: ``public``, everybody; ``counters``, everybody the counters and
    badges of pages; ``private``, nobody but whom `tracker-server` lets in.
    """
    access_file: str = ""
    """Where the hashes of password, tokens and share links are.

    Empty: beside the SQLite file, else ``stats.access`` in the working directory. Processes on one
    PostgreSQL database need the same file.
    """
    trusted_proxies: tuple[str, ...] = ()
    """Networks of proxies whose ``X-Forwarded-For`` is believed, ``10.0.0.0/8`` or an address.

    Comma-separated in the environment. Empty believes nobody.
    """
    respect_dnt: bool = True
    """Whether messages of browsers that send Do Not Track are left out.

    Global Privacy Control is always obeyed. A site whose plugin says ``respect_dnt: false``
    needs ``false`` here too.
    """
    threads: int = 8
    """How many requests for pages and reports are handled at a time; messages need none."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value, may_be_zero = getattr(self, field.name), field.name in _MAY_BE_ZERO
            is_number = isinstance(value, int) and not isinstance(value, bool)
            if is_number and value < (0 if may_be_zero else 1):
                must = "not be negative" if may_be_zero else "be 1 or more"
                raise ConfigurationError(f"{field.name}: must {must}, is {value}")
        if self.synchronous not in {"full", "normal"}:
            raise ConfigurationError(
                f"synchronous: must be 'full' or 'normal', is {self.synchronous!r}"
            )
        if self.visibility not in {"public", "counters", "private"}:
            raise ConfigurationError(
                f"visibility: must be 'public', 'counters' or 'private', is {self.visibility!r}"
            )
        if self.port > 65_535:
            raise ConfigurationError(f"port: must be 1 to 65535, is {self.port}")
        for name in ("manifest_token", "metrics_token"):
            if getattr(self, name) and not _TOKEN.fullmatch(getattr(self, name)):
                raise ConfigurationError(
                    f"{name}: must have at least 16 characters, all of them printable ASCII"
                )
        if self.heartbeat_window_seconds * 2 > self.session_timeout_seconds:
            raise ConfigurationError(
                "heartbeat_window_seconds: must be at most half of session_timeout_seconds, "
                "else readers who beat vanish"
            )
        _check_networks(self.trusted_proxies)
        _check_hosts(self.allowed_hosts)


def _check_networks(texts: Iterable[str]) -> None:
    for text in texts:
        try:
            ip_network(text)
        except ValueError as error:
            raise ConfigurationError(
                f"trusted_proxies: {text!r} is no network such as 10.0.0.0/8: {error}"
            ) from error


def _check_hosts(texts: Iterable[str]) -> None:
    for text in texts:
        if not _HOST.fullmatch(text):
            raise ConfigurationError(
                f"allowed_hosts: {text!r} is no host such as docs.example.org or localhost:8000"
            )


def read_settings(environment: Mapping[str, str], **overrides: object) -> Settings:
    """Read settings from an environment.

    Args:
        environment: variables; those without the prefix ``STATS_`` are ignored.
        overrides: fields that are already known, ``None`` for those that are not.

    Raises:
        ConfigurationError: a variable is unknown or its value is wrong.
    """
    known = {PREFIX + field.name.upper(): field for field in fields(Settings)}
    values: dict[str, object] = {}
    for variable, text in sorted(environment.items()):  # An alias before the name it stands for.
        if not variable.startswith(PREFIX):
            continue
        field = known.get(_ALIASES.get(variable, variable))
        if field is None:
            raise ConfigurationError(
                f"{variable}: no such setting; there are {', '.join(sorted(known))}"
            )
        values[field.name] = _parse(variable, text, field.default)
    values.update({name: value for name, value in overrides.items() if value is not None})
    return Settings(**values)  # type: ignore[arg-type]  # checked by field above


def _parse(variable: str, text: str, default: object) -> object:
    if isinstance(default, tuple):
        return split_hosts([text])
    if isinstance(default, bool):
        if text not in {"true", "false"}:
            raise ConfigurationError(f"{variable}: must be true or false, is {text!r}")
        return text == "true"
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            raise ConfigurationError(f"{variable}: must be a whole number, is {text!r}") from None
    return text


def split_hosts(texts: list[str]) -> tuple[str, ...]:
    """Return the hosts in comma-separated texts, in lower case and without a scheme."""
    hosts = (host.strip().lower() for text in texts for host in text.split(","))
    return tuple(
        host.removeprefix("https://").removeprefix("http://").rstrip("/") for host in hosts if host
    )


def database_file(database_url: str) -> Path | None:
    """Return the file of a SQLite URL, ``None`` for other databases and for memory."""
    match = re.fullmatch(r"sqlite(?:\+pysqlite)?:///([^?]+)(?:\?.*)?", database_url)
    return Path(match[1]) if match and match[1] != ":memory:" else None
