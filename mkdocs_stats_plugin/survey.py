"""What a build finds out about a site, from its first page to the manifest at its end.

One object serves all builds of a process, as `manifest` says.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page

from mkdocs_stats_plugin.entry import Entry
from mkdocs_stats_plugin.facts import Surroundings, read_entry
from mkdocs_stats_plugin.history import History, read_history
from mkdocs_stats_plugin.links import Address, has_place
from mkdocs_stats_plugin.manifest import Head, Manifest
from mkdocs_stats_plugin.navigation import read_places
from mkdocs_stats_plugin.origin import digest_of, read_redirects
from mkdocs_stats_plugin.reading import MAX_TITLE_CHARS, is_writable, writable
from mkdocs_stats_plugin.revision import read_commit
from mkdocs_stats_plugin.versions import MAX_NAME_CHARS, Versions, read_versions, with_version

MAX_ADDRESS_CHARS = 1000

log = get_plugin_logger("stats")

_NOTHING = History({}, cut=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What whoever builds the site says of it."""

    commit: str
    """Of the sources; empty: the one of the git repository."""
    label: str
    version: str
    """Of what is documented; empty where there is one only."""
    posts: frozenset[str]
    """Source paths that are posts, whatever Material says."""
    stats_source: str | None
    """That of the page that shows the statistics."""
    git: bool
    """Whether git may be asked."""
    dirty: bool
    """Whether pages that were not rendered are as the last build left them."""


class Survey:
    """The pages of a site, as they are built, and what is around them."""

    def __init__(self) -> None:
        self._manifest = Manifest()
        self._rendered: list[Page] = []
        self._digests: dict[str, str] = {}
        self._nav: Navigation | None = None
        self._past: tuple[Path, str, History] | None = None

    def begin(self) -> None:
        """Drop what a build that failed has left."""
        self._rendered, self._digests, self._nav = [], {}, None

    def take_navigation(self, nav: Navigation) -> None:
        """Take up the navigation; other plugins may still change it."""
        self._nav = nav

    def take_markdown(self, page: Page, markdown: str) -> None:
        """Take up what a page is made of."""
        self._digests[page.file.src_uri] = digest_of(markdown)

    def take_page(self, page: Page) -> None:
        """Take up a page that is rendered; other plugins may still change it."""
        self._rendered.append(page)

    def forget(self, path: str) -> None:
        """Drop a page of an earlier build, if there was one."""
        self._manifest.forget(path)

    def write(self, config: MkDocsConfig, choices: Choices) -> None:
        """Write the manifest into the built site.

        Raises:
            TooManyPagesError: There are more pages than a manifest may list.
        """
        folder = Path(config.docs_dir)
        commit, history = self._look_back(folder) if choices.git else (None, _NOTHING)
        site = Surroundings(
            config=config,
            address=Address(config.site_url),
            posts=choices.posts,
            stats_source=choices.stats_source,
            places=read_places(self._nav),
            pasts=history.files,
            digests=self._digests,
        )
        entries = [(read_entry(page, site), page) for page in self._rendered]
        _leave_out_places(entries)
        for entry, page in entries:
            self._manifest.add(entry, f"{config.site_dir}/{page.file.dest_uri}")
        self._rendered = []
        site_dir = Path(config.site_dir)
        if choices.dirty:
            self._manifest.merge(site_dir)
        head = Head(
            site_name=writable(config.site_name)[:MAX_TITLE_CHARS],
            site_url=_address(config),
            commit=writable(choices.commit) or commit,
            label=writable(choices.label),
            version=writable(choices.version),
            versions=self._versions(config, choices),
            redirects=read_redirects(config),
        )
        _tell(self._manifest.write(site_dir, head))

    @staticmethod
    def _versions(config: MkDocsConfig, choices: Choices) -> Versions:
        """Return all versions, where this is one of several."""
        version = writable(choices.version)[:MAX_NAME_CHARS]
        if not version:
            return {}
        plugin = config.plugins.get("mike")
        prefix = str(plugin.config.get("deploy_prefix") or "") if plugin else ""
        folder = Path(config.docs_dir)
        there = read_versions(folder, config.remote_branch, prefix) if choices.git else {}
        return with_version(there, version)

    def _look_back(self, folder: Path) -> tuple[str | None, History]:
        """Return the commit of the sources and what led to it, each as far as it is known."""
        commit = read_commit(folder)
        if commit is None:
            return None, _NOTHING
        # `mkdocs serve` and translation plugins build the same commit again and again.
        if self._past is None or self._past[:2] != (folder, commit):
            history = read_history(folder)
            if history is None:
                log.info("git's history could not be read in time: pages have no days from it")
            elif history.cut:
                log.info(
                    "The repository is a shallow clone: "
                    "pages that are older than its oldest commit have no days from git"
                )
            self._past = folder, commit, history or _NOTHING
        return commit, self._past[2]


def _leave_out_places(entries: Sequence[tuple[Entry, Page]]) -> None:
    """Leave out anchors that no heading of the manifest has, and yet something on their page.

    What the manifest does not name would seem to be missing: figures, definitions, headings of
    deeper levels.
    """
    pages = {entry["path"]: (entry, page) for entry, page in entries}
    headings: dict[str, set[str]] = {}

    def is_elsewhere(link: str) -> bool:
        path, _, anchor = link.partition("#")
        if path not in pages:
            return False
        entry, page = pages[path]
        if path not in headings:
            headings[path] = {heading["id"] for heading in entry.get("headings", ())}
        return anchor not in headings[path] and has_place(page.content or "", anchor)

    for entry, _ in entries:
        if any(map(is_elsewhere, entry.get("anchors", ()))):
            kept = [link for link in entry["anchors"] if not is_elsewhere(link)]
            if kept:
                entry["anchors"] = kept
            else:
                del entry["anchors"]


def _tell(left_out: Iterable[str]) -> None:
    if left_out:
        keys = ", ".join(left_out)
        log.info("The manifest would be too long: it has no %s, nor have the statistics", keys)


def _address(config: MkDocsConfig) -> str | None:
    """Return the address of the site; mike leaves it without the slash at its end."""
    if not config.site_url:
        return None
    address = config.site_url.rstrip("/") + "/"
    if len(address) <= MAX_ADDRESS_CHARS and is_writable(address):
        return address
    reason = f"is longer than {MAX_ADDRESS_CHARS:,} characters, or has control characters"
    log.info("The manifest has no site_url: it %s", reason)
    return None
