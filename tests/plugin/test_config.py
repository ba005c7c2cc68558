"""The options, and what is said about wrong ones."""

import subprocess
import sys
from pathlib import Path

import pytest
from mkdocs.exceptions import Abort

from mkdocs_stats_plugin.config import StatsConfig
from tests.plugin.sites import TRACKER, Site


def load(**options: object) -> StatsConfig:
    """Check options as MkDocs does."""
    config = StatsConfig()
    config.load_dict(options)
    failed, warnings = config.validate()
    assert (failed, warnings) == ([], [])
    return config


def test_no_option_is_required() -> None:
    """The defaults write a manifest and tag nothing."""
    config = load()

    assert (config.enabled, config.tracker_url, config.heartbeat_seconds) == (True, "", 30)
    assert (config.stats_page, config.stats_page_path) == (False, "stats.md")
    assert (config.stats_page_title, config.track_local) == ("", False)
    assert (config.respect_dnt, config.visitor_id, config.extras) == (True, "persistent", True)
    assert config.texts.stop == "Do not count my visits"
    assert not config.exclude.match_file("a.md")
    assert not config.post_patterns.match_file("a.md")


@pytest.mark.parametrize(
    ("value", "state"), [(True, True), (False, False), (1, True), (0, False), (None, True)]
)
def test_a_switch_takes_what_the_environment_yields(value: object, *, state: bool) -> None:
    """`!ENV CI` is 1 in some places and true in others; nothing means the default."""
    assert load(enabled=value).enabled is state


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://stats.example.org/", "https://stats.example.org"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("https://example.org/stats/", "https://example.org/stats"),
        ("http://[::1]:8001", "http://[::1]:8001"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_tracker_address_loses_its_last_slash(given: str | None, kept: str) -> None:
    """Paths are appended to the address; an empty variable of the environment is no address."""
    assert load(tracker_url=given).tracker_url == kept


def test_patterns_are_those_of_mkdocs() -> None:
    """Patterns read as in `exclude_docs`, exceptions included."""
    patterns = load(post_patterns=["news/*.md", "/notes/", "!notes/index.md"]).post_patterns

    assert patterns.match_file("news/one.md")
    assert patterns.match_file("notes/deep/two.md")
    assert not patterns.match_file("notes/index.md")
    assert not patterns.match_file("news/deep/one.md")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("enabled", "yes"),
        ("enabled", 2),
        ("enabled", 1.0),
        ("tracker_url", "stats.example.org"),
        ("tracker_url", "ftp://stats.example.org"),
        ("tracker_url", "https://"),
        ("tracker_url", "https://stats.example.org/?site=1"),
        ("tracker_url", "https://stats.example.org/#top"),
        ("tracker_url", "https://me:secret@stats.example.org"),
        ("tracker_url", "https://stats example.org"),
        ("tracker_url", "https://stats.example.org/\n"),
        ("tracker_url", "https://[stats"),
        ("tracker_url", "https://stats.example.org:port"),
        ("tracker_url", 8001),
        ("heartbeat_seconds", 4.9),
        ("heartbeat_seconds", "30"),
        ("heartbeat_seconds", True),
        ("heartbeat_seconds", float("nan")),
        ("heartbeat_seconds", float("inf")),
        ("post_patterns", "blog/*"),
        ("post_patterns", [1]),
        ("post_patterns", ["!"]),
        ("exclude", {"a": 1}),
        ("stats_page", "on"),
        ("stats_page_path", "stats.html"),
        ("stats_page_path", "/stats.md"),
        ("stats_page_path", "../stats.md"),
        ("stats_page_path", 1),
        ("stats_page_title", ["Statistics"]),
        ("track_local", "localhost"),
        ("respect_dnt", "never"),
        ("visitor_id", "weekly"),
        ("visitor_id", True),
        ("extras", ["search"]),
        ("texts", "Deutsch"),
        ("texts", {"yes": 1}),
    ],
)
def test_a_wrong_option_stops_the_build_and_is_named(
    site: Site, caplog: pytest.LogCaptureFixture, option: str, value: object
) -> None:
    """The build fails and says which option is at fault."""
    site.options[option] = value

    with pytest.raises(Abort):
        site.build()

    assert f"Plugin 'stats' option '{option}'" in caplog.text


def test_a_statistics_page_needs_a_tracker(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """What depends on another option is checked too, and both are named."""
    site.options = {"stats_page": True}

    with pytest.raises(Abort):
        site.build()

    assert "option 'stats_page'" in caplog.text
    assert "tracker_url" in caplog.text


def test_a_switched_off_plugin_needs_no_tracker() -> None:
    """`enabled: false` makes a statistics page without a tracker legal."""
    assert load(enabled=False, stats_page=True).stats_page


def test_an_unknown_option_is_a_warning_that_strict_obeys(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """MkDocs itself reports what the plugin does not know."""
    site.options["tracker"] = TRACKER

    with pytest.raises(Abort):
        site.build()

    assert "Unrecognised configuration name: tracker" in caplog.text


def test_the_command_fails_for_a_wrong_option(site: Site) -> None:
    """`mkdocs build` exits with 1 and names the option on standard error."""
    site.options["heartbeat_seconds"] = 1

    run = _mkdocs_build(site.configure())

    assert run.returncode == 1
    assert "heartbeat_seconds" in run.stderr


def test_options_come_from_the_environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """`!ENV` works for switches and addresses."""
    file = site.configure()
    file.write_text(
        "site_name: Kettle\nplugins:\n  - stats:\n      enabled: !ENV [CI, false]\n"
        "      tracker_url: !ENV [STATS_TRACKER_URL, 'http://127.0.0.1:8001']\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("CI", "1")

    run = _mkdocs_build(file)

    assert run.returncode == 0, run.stderr
    page = (file.parent / "site/index.html").read_text(encoding="utf-8")
    assert 'data-tracker="http://127.0.0.1:8001"' in page


def _mkdocs_build(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
