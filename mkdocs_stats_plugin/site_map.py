"""Which address each source has, by MkDocs's own rules and without a build.

What plugins do to addresses during a build is not known here.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from mkdocs.config import load_config
from mkdocs.config.base import ValidationError
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import MkDocsException
from mkdocs.structure.files import File, file_sort_key, set_exclusions
from mkdocs.structure.pages import Page
from mkdocs.utils import is_markdown_file
from mkdocs.utils.meta import get_data

from mkdocs_stats_plugin.config import TrackerUrl
from mkdocs_stats_plugin.paths import site_path
from mkdocs_stats_plugin.reading import plain_text

_BLOG = "material.plugins.blog"


class SiteError(Exception):
    """The configuration of a site, or an option about it, is wrong."""


def load_site(config_file: str | None) -> "SiteMap":
    """Read the configuration of a site as `mkdocs build` does.

    Args:
        config_file: The file, or nothing for ``mkdocs.yml`` in the current folder.

    Raises:
        SiteError: MkDocs refuses it; it has logged the details.
    """
    try:
        return SiteMap(load_config(config_file))
    except MkDocsException as error:
        raise SiteError(str(error).strip()) from error


def parse_tracker_url(text: str) -> str:
    """Return the address of a tracker without a slash at its end.

    Raises:
        SiteError: It is none.
    """
    try:
        return TrackerUrl().run_validation(text)
    except ValidationError as error:
        raise SiteError(str(error)) from error


class SiteMap:
    """The addresses of a site."""

    def __init__(self, config: MkDocsConfig) -> None:
        self.docs_dir = Path(config.docs_dir)
        stats = config.plugins.get("stats")
        self.tracker_url = str(stats.config["tracker_url"]) if stats else ""
        self._config = config
        self._posts = tuple(_post_folders(config))

    def pages(self, sources: Iterable[str]) -> dict[str, str]:
        """Return the pages that these files in `docs_dir` are: sources by site path.

        Where two have one address it is that of the file that MkDocs takes: ``index.md`` before
        ``README.md``. Files that the configuration excludes are none, nor are posts.
        """
        names = (name for name in sources if is_markdown_file(name) and not self.is_post(name))
        files = sorted((self._file(name) for name in names), key=file_sort_key)
        set_exclusions(files, self._config)
        return {_path_of(file): file.src_uri for file in files if file.inclusion.is_included()}

    def is_post(self, source: str) -> bool:
        """Tell whether Material's blog plugin gives a file its address."""
        return is_markdown_file(source) and source.startswith(self._posts)

    def redirects(self, pages: Mapping[str, str], sources: Iterable[str]) -> dict[str, str | None]:
        """Return what mkdocs-redirects makes of former paths.

        Args:
            pages: All that there are, as of `pages`.
            sources: All files in `docs_dir`.

        Returns:
            Targets by path: a site path, an address, the source of a post, or nothing where the
            plugin would write no redirect because the page that is named does not exist.
        """
        plugin = self._config.plugins.get("redirects")
        maps: object = plugin.config.get("redirect_maps") if plugin else None
        if not isinstance(maps, Mapping):
            return {}
        paths = {source: source for source in sources if self.is_post(source)}
        paths |= {source: path for path, source in pages.items()}
        names = {str(source).partition("#")[0]: str(target) for source, target in maps.items()}
        return {
            _path_of(self._file(source)): _target(target, paths)
            for source, target in names.items()
            if is_markdown_file(source)
        }

    def title(self, source: str, content: bytes) -> str:
        """Return the title of a page: its front matter's, its first heading, or its file's name."""
        page = Page(None, self._file(source), self._config)
        page.markdown, page.meta = get_data(content.decode("utf-8-sig", errors="replace"))
        return plain_text(page.title)

    def _file(self, source: str) -> File:
        config = self._config
        return File(source, config.docs_dir, config.site_dir, config.use_directory_urls)


def _path_of(file: File) -> str:
    return site_path("" if file.url in {".", "./"} else file.url)


def _target(target: str, paths: Mapping[str, str]) -> str | None:
    if target.lower().startswith(("http://", "https://")):
        return target
    source, mark, anchor = target.partition("#")
    path = paths.get(source)
    return None if path is None else f"{path}{mark}{anchor}"


def _post_folders(config: MkDocsConfig) -> Iterable[str]:
    for plugin in config.plugins.values():
        if type(plugin).__module__.startswith(_BLOG) and plugin.config["enabled"]:
            blog = str(plugin.config["blog_dir"])
            folder = str(plugin.config["post_dir"]).format(blog=blog)
            yield f"{PurePosixPath(folder)}/".removeprefix("./")
