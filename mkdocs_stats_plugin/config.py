"""The options of the plugin, each documented under itself and in `docs/plugin.md`."""

from math import isfinite
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from mkdocs.config import config_options as c
from mkdocs.config.base import Config, ConfigErrors, ConfigWarnings, ValidationError
from mkdocs.utils import is_markdown_file
from pathspec.gitignore import GitIgnoreSpec

from mkdocs_stats_plugin.texts import LANGUAGES

DEFAULT_HEARTBEAT_SECONDS = 30
MIN_HEARTBEAT_SECONDS = 10


class Switch(c.OptionallyRequired[bool]):
    """On or off; also 1 and 0, which is what ``!ENV CI`` often yields."""

    def run_validation(self, value: object) -> bool:
        """Return the switch's state."""
        if not isinstance(value, int) or value not in (0, 1):
            raise ValidationError(f"Expected true, false, 1 or 0, got {value!r}.")
        return bool(value)


class Seconds(c.OptionallyRequired[float]):
    """A length of time, `MIN_HEARTBEAT_SECONDS` or more."""

    def run_validation(self, value: object) -> float:
        """Return the number of seconds."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            raise ValidationError(f"Expected a number of seconds, got {value!r}.")
        if value < MIN_HEARTBEAT_SECONDS:
            raise ValidationError(f"{value} is too short, {MIN_HEARTBEAT_SECONDS} is the least.")
        return value


class TrackerUrl(c.OptionallyRequired[str]):
    """Address of a tracker; paths such as ``/api/collect`` are appended to it."""

    def run_validation(self, value: object) -> str:
        """Return the address without a slash at its end; empty where none is given."""
        if not isinstance(value, str):
            raise ValidationError(f"Expected an address, got {value!r}.")
        if value and not _is_plain_address(value):
            raise ValidationError(
                f"Expected http://… or https://… without user, query and fragment, got {value!r}."
            )
        return value.rstrip("/")


class Patterns(c.PathSpec):
    """A list of patterns on source paths, written as in MkDocs's own `exclude_docs`."""

    def run_validation(self, value: object) -> GitIgnoreSpec:
        """Return what matches any of the patterns."""
        items = [] if value is None else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise ValidationError(f"Expected a list of patterns, got {value!r}.")
        return super().run_validation("\n".join(items))


class SourcePath(c.OptionallyRequired[str]):
    """Where a Markdown file stands in `docs_dir`."""

    def run_validation(self, value: object) -> str:
        """Return the path with forward slashes, relative to `docs_dir`."""
        if not isinstance(value, str) or not is_markdown_file(value):
            raise ValidationError(f"Expected the path of a Markdown file, got {value!r}.")
        path = PurePosixPath(value.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise ValidationError(f"Expected a path inside docs_dir, got {value!r}.")
        return str(path)


class TextsConfig(Config):
    """What stands under ``texts:``, the words of the widgets."""

    stop = c.Type(str, default="Do not count my visits")
    """The opt-out control, while the reader is counted."""

    resume = c.Type(str, default="Count my visits again")
    """The same after the reader has opted out."""

    question = c.Type(str, default="Was this page helpful?")
    """What the feedback widget asks."""

    yes = c.Type(str, default="Yes")
    """The answer that rates the page 1."""

    no = c.Type(str, default="No")
    """The answer that rates it 0."""

    thanks = c.Type(str, default="Thank you!")
    """What an answer is met with."""

    comment = c.Type(str, default="What could be better?")
    """The label of the field that follows an answer."""

    views = c.Type(str, default="views")
    """What stands behind a number in the list of popular pages."""


class StatsConfig(Config):
    """What stands under ``plugins: - stats:`` in `mkdocs.yml`."""

    enabled = Switch(default=True)
    """Whether this build counts readers at all; off means no tag, no script, no manifest."""

    tracker_url = TrackerUrl(default="")
    """Address of the tracker. Without it the manifest is written and no page is tagged."""

    heartbeat_seconds = Seconds(default=DEFAULT_HEARTBEAT_SECONDS)
    """How often an open, visible page tells the tracker that it is still being read."""

    post_patterns = Patterns()
    """Source paths that are posts, in addition to the posts of Material's blog plugin."""

    exclude = Patterns()
    """Source paths that get no tag and no entry in the manifest."""

    stats_page = Switch(default=False)
    """Whether the site has a live statistics page of its own. Needs `tracker_url`."""

    stats_page_path = SourcePath(default="stats.md")
    """Source path of that page. It is made where the file does not exist."""

    stats_page_title = c.Type(str, default="")
    """Title of that page where it is made. Without it, "Statistics" in the page's language."""

    stats_page_language = c.Optional(c.Choice(LANGUAGES))
    """Language of that page. Without it, that of the theme, or English."""

    track_local = Switch(default=False)
    """Whether readers on localhost count, and whether `mkdocs serve` tags its pages."""

    respect_dnt = Switch(default=True)
    """Whether a browser's Do Not Track is obeyed. Global Privacy Control always is."""

    visitor_id = c.Choice(("persistent", "daily"), default="persistent")
    """How readers are told apart: by an id that the browser keeps, or by one for the day."""

    extras = Switch(default=True)
    """Whether pages load the second script: searches, feedback, 404s, links, copies, tabs, …"""

    snapshot = Switch(default=False)
    """Whether the build asks the tracker for figures and shows them. Needs `tracker_url`."""

    snapshot_token = c.Type(str, default="")
    """Token by which the tracker gives figures to the build where they are not public."""

    live_counters = Switch(default=False)
    """Whether browsers bring the views on a page up to date. Needs `tracker_url`."""

    cache_dir = c.Type(str, default=".cache/plugin/stats")
    """Where the last figures are kept, relative to the folder of `mkdocs.yml`."""

    git = Switch(default=True)
    """Whether git is asked for the commit, and for the days and former names of pages."""

    commit = c.Type(str, default="")
    """Commit that the manifest names. Without it, that of the git repository, if there is one."""

    label = c.Type(str, default="")
    """What the manifest calls this state of the site, such as a version."""

    texts = c.SubConfig(TextsConfig)
    """The words of the widgets, for sites in other languages."""

    def validate(self) -> tuple[ConfigErrors, ConfigWarnings]:
        """Check each option, then those that depend on another."""
        failed, warnings = super().validate()
        if failed or not self.enabled or self.tracker_url:
            return failed, warnings
        failed += [
            (name, ValidationError("It shows what a tracker knows: set tracker_url."))
            for name in ("stats_page", "snapshot", "live_counters")
            if self[name]
        ]
        return failed, warnings


def _is_plain_address(value: str) -> bool:
    """Tell whether `value` is an HTTP address that a path can be appended to."""
    try:
        parts = urlsplit(value)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # A bracketed host that is no IPv6 address, a port that is no number.
        return False
    clean = not any(letter in value for letter in "?#@\\") and value.isprintable()
    return known and clean and " " not in value
