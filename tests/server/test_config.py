"""Settings come from a mapping, every one of them, and wrong ones stop the start."""

from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from tracker_server.config import Settings, database_file, read_settings, split_hosts
from tracker_server.errors import ConfigurationError

EXAMPLES: dict[str, tuple[str, object]] = {
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("9000", 9_000),
    "database_url": ("sqlite:////srv/stats.sqlite3", "sqlite:////srv/stats.sqlite3"),
    "synchronous": ("normal", "normal"),
    "reserve_mib": ("16", 16),
    "manifest": ("site/stats-manifest.json", "site/stats-manifest.json"),
    "manifest_token": ("a token of length", "a token of length"),
    "metrics_token": ("a token of length", "a token of length"),
    "allowed_hosts": ("a.example, B.example:8000", ("a.example", "b.example:8000")),
    "session_timeout_seconds": ("90", 90),
    "view_window_seconds": ("60", 60),
    "heartbeat_window_seconds": ("5", 5),
    "cleanup_seconds": ("30", 30),
    "load_memory_seconds": ("3600", 3_600),
    "retention_days": ("0", 0),
    "max_unknown_paths": ("0", 0),
    "max_waiting": ("7", 7),
    "max_streams": ("9", 9),
    "rate_limit": ("0", 0),
    "salt_file": ("/srv/stats.salts", "/srv/stats.salts"),
    "visibility": ("private", "private"),
    "access_file": ("/srv/stats.access", "/srv/stats.access"),
    "trusted_proxies": ("10.0.0.0/8, ::1", ("10.0.0.0/8", "::1")),
    "respect_dnt": ("false", False),
    "threads": ("4", 4),
}
MAY_BE_ZERO = {"max_streams", "max_unknown_paths", "rate_limit", "reserve_mib", "retention_days"}
NUMBERS = [name for name, (_, value) in EXAMPLES.items() if type(value) is int]


def test_settings_have_the_documented_defaults() -> None:
    """Without any variable the tracker is local, on SQLite, and counts by the usual windows."""
    assert read_settings({}) == Settings()
    assert [getattr(Settings(), field.name) for field in fields(Settings)] == [
        "127.0.0.1",
        8_001,
        "sqlite:///stats.sqlite3",
        "full",
        64,
        "",
        "",
        "",
        (),
        120,
        1_800,
        10,
        300,
        86_400,
        0,
        1_000,
        1_024,
        1_024,
        100,
        "",
        "public",
        "",
        (),
        True,
        8,
    ]


def test_settings_cannot_be_changed() -> None:
    """What was read at the start stays."""
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]  # that is the test


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_field_is_read_from_the_environment(name: str) -> None:
    """A field is settable as STATS_ and its name in capitals, and nothing else changes."""
    text, value = EXAMPLES[name]

    settings = read_settings({f"STATS_{name.upper()}": text, "PATH": "/bin", "STAT_PORT": "x"})

    expected = {field.name: getattr(Settings(), field.name) for field in fields(Settings)}
    assert {field.name: getattr(settings, field.name) for field in fields(Settings)} == {
        **expected,
        name: value,
    }


@pytest.mark.parametrize("variable", ["STATS_PROT", "STATS_", "STATS_port", "STATS_FLASK_DEBUG"])
def test_an_unknown_variable_is_an_error_that_lists_the_known_ones(variable: str) -> None:
    """A misspelt variable is found at the start, not in the figures."""
    with pytest.raises(ConfigurationError) as error:
        read_settings({variable: "1"})

    known = sorted(f"STATS_{field.name.upper()}" for field in fields(Settings))
    assert str(error.value) == f"{variable}: no such setting; there are {', '.join(known)}"


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("text", ["many", "", "1.5", "0x10"])
def test_a_text_for_a_number_is_an_error(name: str, text: str) -> None:
    """The message names the variable and the value."""
    variable = f"STATS_{name.upper()}"
    with pytest.raises(ConfigurationError) as error:
        read_settings({variable: text})

    assert str(error.value) == f"{variable}: must be a whole number, is {text!r}"


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        *(
            pytest.param(name, "0", "must be 1 or more, is 0", id=name)
            for name in NUMBERS
            if name not in {"port", *MAY_BE_ZERO}
        ),
        pytest.param("max_unknown_paths", "-1", "must not be negative, is -1", id="negative"),
        pytest.param("retention_days", "-1", "must not be negative, is -1", id="negative-days"),
        pytest.param("rate_limit", "-1", "must not be negative, is -1", id="negative-rate"),
        pytest.param("max_streams", "-1", "must not be negative, is -1", id="negative-streams"),
        *(
            pytest.param(
                "synchronous", text, f"must be 'full' or 'normal', is {text!r}", id=f"sync-{text}"
            )
            for text in ("off", "FULL", "extra", "2", "")
        ),
        pytest.param("port", "0", "must be 1 or more, is 0", id="port-0"),
        pytest.param("port", "65536", "must be 1 to 65535, is 65536", id="port-65536"),
        pytest.param(
            "manifest_token",
            "x" * 15,
            "must have at least 16 characters, all of them printable ASCII",
            id="short-token",
        ),
        pytest.param(
            "manifest_token",
            "ü" * 16,
            "must have at least 16 characters, all of them printable ASCII",
            id="token-that-no-header-carries",
        ),
        pytest.param(
            "heartbeat_window_seconds",
            "61",
            "must be at most half of session_timeout_seconds, else readers who beat vanish",
            id="window-too-long",
        ),
        pytest.param(
            "allowed_hosts",
            "a.example,b c",
            "'b c' is no host such as docs.example.org or localhost:8000",
            id="host-with-blank",
        ),
    ],
)
def test_a_value_out_of_range_is_an_error(name: str, text: str, reason: str) -> None:
    """The message names the setting and what it must be; a token is never repeated."""
    with pytest.raises(ConfigurationError) as error:
        read_settings({f"STATS_{name.upper()}": text})

    assert str(error.value) == f"{name}: {reason}"


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("a.example/docs", id="path"),
        pytest.param("*.example", id="star"),
        pytest.param("-a.example", id="dash"),
        pytest.param("a.example.", id="dot"),
        pytest.param("a.example:", id="no-port"),
        pytest.param("a.example:123456", id="port"),
        pytest.param("::1", id="ipv6-without-brackets"),
        pytest.param("ftp://a.example", id="scheme"),
        pytest.param("a.example\n", id="line-break"),
        pytest.param("", id="empty"),
    ],
)
def test_allowed_hosts_are_hosts(host: str) -> None:
    """An entry that no origin can match is an error, not a site that never counts."""
    with pytest.raises(ConfigurationError, match=r"^allowed_hosts: "):
        Settings(allowed_hosts=(host,))


@pytest.mark.parametrize(
    "host", ["a", "a.example", "a_b.example:8000", "127.0.0.1", "[::1]", "[::1]:8000", "1.2.3.4:5"]
)
def test_allowed_hosts_may_have_ports_and_be_addresses(host: str) -> None:
    """Names and addresses, with and without port, are taken."""
    assert Settings(allowed_hosts=(host,)).allowed_hosts == (host,)


def test_allowed_host_in_the_singular_is_an_alias() -> None:
    """The variable is also read without its last letter; with both, the full name wins."""
    alias = {"STATS_ALLOWED_HOST": "a.example"}
    name = {"STATS_ALLOWED_HOSTS": "b.example"}

    assert read_settings(alias).allowed_hosts == ("a.example",)
    assert read_settings(alias | name).allowed_hosts == ("b.example",)
    assert read_settings(name | alias).allowed_hosts == ("b.example",)


def test_overrides_win_over_the_environment_unless_they_are_none() -> None:
    """An option of the command line beats the variable; one that was not given does not."""
    settings = read_settings({"STATS_PORT": "9000", "STATS_HOST": "::1"}, port=9_001, host=None)

    assert (settings.host, settings.port) == ("::1", 9_001)


@pytest.mark.parametrize(
    ("texts", "hosts"),
    [
        pytest.param([], (), id="none"),
        pytest.param([""], (), id="empty"),
        pytest.param([" , ,"], (), id="commas"),
        pytest.param(["A.example"], ("a.example",), id="capitals"),
        pytest.param(
            ["a.example,b.example", " c.example "],
            ("a.example", "b.example", "c.example"),
            id="many",
        ),
        pytest.param(["https://a.example/"], ("a.example",), id="https"),
        pytest.param(["HTTP://a.example:8000"], ("a.example:8000",), id="http-and-port"),
    ],
)
def test_split_hosts_reads_what_people_write(texts: list[str], hosts: tuple[str, ...]) -> None:
    """Commas, blanks, capitals and a copied scheme are understood."""
    assert split_hosts(texts) == hosts


@pytest.mark.parametrize(
    ("url", "file"),
    [
        pytest.param("sqlite:///stats.sqlite3", Path("stats.sqlite3"), id="relative"),
        pytest.param("sqlite:////srv/stats.sqlite3", Path("/srv/stats.sqlite3"), id="absolute"),
        pytest.param("sqlite+pysqlite:///a.db", Path("a.db"), id="driver"),
        pytest.param("sqlite:///a.db?timeout=1", Path("a.db"), id="query"),
        pytest.param("sqlite:///:memory:", None, id="memory"),
        pytest.param("sqlite://", None, id="memory-without-name"),
        pytest.param("postgresql://u:p@db/stats", None, id="postgresql"),
    ],
)
def test_database_file_is_the_file_of_a_sqlite_url(url: str, file: Path | None) -> None:
    """Only SQLite has a file, and only when it is not in memory."""
    assert database_file(url) == file


@pytest.mark.parametrize("text", ["yes", "1", "True", ""])
def test_what_is_on_or_off_is_true_or_false(text: str) -> None:
    """Nothing else is guessed at."""
    with pytest.raises(ConfigurationError, match="STATS_RESPECT_DNT: must be true or false"):
        read_settings({"STATS_RESPECT_DNT": text})
