"""The MkDocs plugin: which event does what.

Priorities: files are added after translation and privacy plugins have gone through the list (-150),
the navigation is taken as others leave it (-100), the Markdown before they change it (+100), tags
are inserted before minifiers rewrite the page (+100), and the manifest is written before
translation plugins start their nested builds (+50).
"""

import logging
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from posixpath import basename
from typing import Literal
from urllib.parse import urlsplit

from jinja2 import Environment
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority, get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url, is_error_template

from mkdocs_stats_plugin import assets, counters, stats_page
from mkdocs_stats_plugin.config import DEFAULT_HEARTBEAT_SECONDS, StatsConfig
from mkdocs_stats_plugin.facts import site_language
from mkdocs_stats_plugin.inject import Tracker, insert_head, render_tracker, render_viewer
from mkdocs_stats_plugin.manifest import TooManyPagesError
from mkdocs_stats_plugin.paths import fault_of, site_path
from mkdocs_stats_plugin.snapshot import Snapshot, Source
from mkdocs_stats_plugin.survey import Choices, Survey
from mkdocs_stats_plugin.texts import Texts, choose_language
from mkdocs_stats_plugin.widgets import place_widgets

NOT_FOUND = "404.html"
SERVED_FOR_SECONDS = 600.0
"""For how long `mkdocs serve` shows the same figures, however often it builds."""
VERSION_VARIABLE = "MIKE_DOCS_VERSION"
"""Where mike, which builds each version of a site by itself, says which one this is."""

log = get_plugin_logger("stats")


class StatsPlugin(BasePlugin[StatsConfig]):
    """Tells the tracker what a site contains, and the site's pages where the tracker is."""

    def __init__(self) -> None:
        self._survey = Survey()
        self._tracker: Tracker | None = None
        self._viewer: tuple[str, str] | None = None
        self._stats_source: str | None = None
        self._posts: frozenset[str] = frozenset()
        self._excluded: frozenset[str] = frozenset()
        self._source: Source | None = None
        self._urls: Callable[[], dict[str, str]] = dict
        self._figures = counters.Figures(lambda: None, self._urls, site_path)
        self._counter_script = ""
        self._told = ""
        self._serving = False
        self._dirty = False

    def on_startup(self, *, command: Literal["build", "gh-deploy", "serve"], dirty: bool) -> None:
        """Learn how MkDocs was called.

        That this method exists also makes `mkdocs serve` keep the object between builds.
        """
        self._serving = command == "serve"
        self._dirty = dirty
        if self.config.enabled:
            self._explain()

    @event_priority(-150)
    def on_files(self, files: Files, *, config: MkDocsConfig) -> Files:
        """Add the scripts, the stylesheet and the statistics page."""
        options = self.config
        self._survey.begin()
        self._tracker = self._add_tracker(files, config) if self._counts() else None
        self._viewer = self._add_viewer(files, config) if self._shows() else None
        if self._refreshes():
            self._counter_script = assets.add_asset(files, config, "counters.js")
        self._stats_source = options.stats_page_path if options.stats_page else None
        if self._stats_source:
            title = options.stats_page_title or self._texts(config)("title")
            source = stats_page.render_source(title)
            assets.add_page(files, config, self._stats_source, source)
        return files

    @event_priority(-100)
    def on_nav(self, nav: Navigation, *, config: MkDocsConfig, files: Files) -> Navigation:
        """Match the patterns, now that no plugin adds files any more.

        All at once, because one path by itself costs twenty times as much.
        """
        self._posts = frozenset(self.config.post_patterns.match_files(files.src_uris))
        self._excluded = frozenset(self.config.exclude.match_files(files.src_uris))
        # Not now: other plugins may still move pages.
        urls = cache(
            lambda: {site_path(url): url for url in map(_url_of, files) if url is not None}
        )
        asks = self.config.enabled and self.config.snapshot
        read = self._reader(config) if asks else lambda: None
        self._urls = urls
        self._figures = counters.Figures(read, urls, site_path)
        self._survey.take_navigation(nav)
        return nav

    @event_priority(100)
    def on_page_markdown(
        self, markdown: str, *, page: Page, config: MkDocsConfig, files: Files
    ) -> None:
        """Tell this state of the page from others."""
        if self.config.enabled:
            self._survey.take_markdown(page, markdown)

    def on_env(self, env: Environment, *, config: MkDocsConfig, files: Files) -> Environment:
        """Let templates ask for figures."""
        env.globals["mkdocs_stats"] = self._figures
        return env

    def on_page_content(self, html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Put the widgets where the author wants them, and the figures on the statistics page."""
        html = self._place_counters(html, page)
        html = self._place_widgets(html, page.file.src_uri)
        if page.file.src_uri != self._stats_source:
            return html
        if not self._shows():
            return stats_page.place_body(html, stats_page.SWITCHED_OFF)
        link = self._linker(page)
        snapshot = self._figures.snapshot()
        texts = self._texts(config)
        body = stats_page.render_body(
            self.config.tracker_url,
            texts,
            snapshot,
            lambda path: link(self._urls()[path]) if path in self._urls() else None,
            other_language=not site_language(config).lower().startswith(texts.language),
        )
        return stats_page.place_body(html, body)

    @event_priority(100)
    def on_post_page(self, output: str, *, page: Page, config: MkDocsConfig) -> str:
        """Tag a page and take it up into the manifest."""
        if not self.config.enabled:
            return output
        path = site_path(page.url)
        source = page.file.src_uri
        tracked = source not in self._excluded and _is_trackable(source, path)
        if page.file.dest_uri == NOT_FOUND:
            return self._insert(output, "404" if tracked else "", _root_of(config))
        if tracked:
            self._survey.take_page(page)
        else:
            self._survey.forget(path)
        return self._insert(output, path if tracked else "", "../" * page.url.count("/"))

    @event_priority(100)
    def on_post_template(
        self, output_content: str, *, template_name: str, config: MkDocsConfig
    ) -> str:
        """Tag a page that has no Markdown: the 404 page, a search page."""
        if not self.config.enabled or not template_name.endswith(".html"):
            return output_content
        absolute = is_error_template(template_name)
        base = _root_of(config) if absolute else "../" * template_name.count("/")
        path = site_path(template_name)
        content = "404" if template_name == NOT_FOUND else path
        excluded = self.config.exclude.match_file(template_name)
        tracked = not excluded and _is_trackable(template_name, path)
        return self._insert(output_content, content if tracked else "", base)

    @event_priority(50)
    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Write the manifest."""
        if not self.config.enabled:
            return
        options = self.config
        choices = Choices(
            commit=options.commit,
            label=options.label,
            version=os.environ.get(VERSION_VARIABLE, ""),
            posts=self._posts,
            stats_source=self._stats_source,
            git=options.git,
            dirty=self._dirty,
        )
        try:
            self._survey.write(config, choices)
        except TooManyPagesError as error:
            raise PluginError(f"stats: {error}") from error

    def _explain(self) -> None:
        """Say what the author of a site might otherwise look for in vain."""
        if not self.config.tracker_url:
            log.info("tracker_url is not set: the manifest is written, no page is tagged")
        elif self._serving and not self.config.track_local:
            log.info("Pages are not tagged under mkdocs serve unless track_local is set")

    def _counts(self) -> bool:
        """Tell whether this build tags its pages."""
        local = self._serving and not self.config.track_local
        return bool(self.config.enabled and self.config.tracker_url and not local)

    def _shows(self) -> bool:
        """Tell whether this build has a live statistics page."""
        return bool(self.config.enabled and self.config.stats_page)

    def _texts(self, config: MkDocsConfig) -> Texts:
        """Return what the statistics page says; translation plugins change the theme's language."""
        return Texts(self.config.stats_page_language or choose_language(site_language(config)))

    def _add_tracker(self, files: Files, config: MkDocsConfig) -> Tracker:
        options = self.config
        seconds = options.heartbeat_seconds
        uri = assets.add_asset(files, config, "tracker.js")
        # Not in the tag: whoever can change this file of the site can change its pages as well, and
        # a host that minifies scripts would switch the counting off. It is for copies elsewhere.
        log.info("%s has the integrity %s", uri, assets.integrity_of("tracker.js"))
        extras = assets.add_asset(files, config, "extras.js") if options.extras else None
        return Tracker(
            uri=uri,
            url=options.tracker_url,
            heartbeat_seconds=None if seconds == DEFAULT_HEARTBEAT_SECONDS else seconds,
            local=options.track_local,
            ignore_dnt=not options.respect_dnt,
            versioned=bool(os.environ.get(VERSION_VARIABLE)),
            daily=options.visitor_id == "daily",
            extras=extras and f"./{basename(extras)}",
        )

    def _refreshes(self) -> bool:
        """Tell whether numbers on pages are kept current by a script."""
        return bool(self.config.enabled and self.config.live_counters)

    def _reader(self, config: MkDocsConfig) -> Callable[[], Snapshot | None]:
        """Return what asks the tracker when the first page needs a figure, and not again."""
        folder = Path(config.config_file_path or "mkdocs.yml").parent / self.config.cache_dir
        address, token = self.config.tracker_url, self.config.snapshot_token
        if self._source is None or not self._source.is_of(address, folder, token):
            self._source = Source(address, folder, time.time, token)
        source, strict = self._source, config.strict

        def read() -> Snapshot | None:
            if self._serving:
                snapshot = source.read(SERVED_FOR_SECONDS, trusts_file=True)
            else:
                snapshot = source.read()
            self._tell(source.problem, snapshot, strict=strict)
            return snapshot

        return read

    def _tell(self, problem: str, snapshot: Snapshot | None, *, strict: bool) -> None:
        """Say once that figures are old, or missing.

        A tracker that is away must not fail a build, and under ``--strict`` any warning would.
        """
        if problem and problem != self._told:
            shown = "there are none"
            if snapshot is not None:
                shown = f"those of {snapshot.taken:%Y-%m-%d %H:%M} UTC are shown"
            level = logging.INFO if strict else logging.WARNING
            url = self.config.tracker_url
            log.log(level, "No new figures from %s: %s; %s", url, problem, shown)
        self._told = problem

    def _linker(self, page: Page) -> Callable[[str], str]:
        return lambda url: get_relative_url(url, page.url)

    def _place_counters(self, html: str, page: Page) -> str:
        if not counters.find_counters(html):
            return html
        options = self.config
        if not (options.enabled and options.tracker_url):
            return counters.remove_counters(html)
        if not (options.snapshot or options.live_counters):
            log.warning(
                "%s: counters need the option 'snapshot' or 'live_counters'", page.file.src_uri
            )
            return counters.remove_counters(html)
        link, path = self._linker(page), site_path(page.url)
        html, counts = counters.place_counters(
            html, self._figures, path, link=link, word=options.texts.views
        )
        if counts and self._counter_script:
            html += counters.render_script(link(self._counter_script), options.tracker_url)
        return html

    def _place_widgets(self, html: str, source: str) -> str:
        works = self._tracker and self._tracker.extras
        placed, unknown = place_widgets(html, self.config.texts if works else None)
        for name in unknown:
            log.warning("%s: no widget is called '%s'", source, name)
        if placed != html and self._tracker and not works:
            log.warning("%s: widgets need the option 'extras'", source)
        return placed

    def _add_viewer(self, files: Files, config: MkDocsConfig) -> tuple[str, str]:
        script = assets.add_asset(files, config, "stats.js")
        return script, assets.add_asset(files, config, "stats.css")

    def _insert(self, html: str, content: str, base: str) -> str:
        """Insert what a page needs.

        Args:
            html: The page.
            content: What the page is, for the tag; empty leaves it uncounted.
            base: What leads from the page to the site root.
        """
        elements = ""
        if self._tracker:
            elements += render_tracker(self._tracker, content, base)
        if self._viewer:
            elements += render_viewer(*self._viewer, base)
        return insert_head(html, elements) if elements else html


def _is_trackable(source: str, path: str) -> bool:
    """Tell whether a page can be counted; say why not."""
    fault = fault_of(path)
    if fault:
        log.info("%r is neither counted nor listed: its path %s", source, fault)
    return not fault


def _url_of(file: File) -> str | None:
    """Return the address of a page that is built, relative to the site root."""
    if not file.is_documentation_page() or file.inclusion.is_excluded():
        return None
    url = file.url if file.page is None else file.page.url
    return "" if url == "./" else url


def _root_of(config: MkDocsConfig) -> str:
    """Return the site root as an absolute path, for a page that is shown at any address.

    Other plugins change `site_url` during the build, so it is read when it is needed.
    """
    if not config.site_url:
        log.info("site_url is not set: the 404 page works only at the root of its host")
    return urlsplit(config.site_url or "/").path.rstrip("/") + "/"
