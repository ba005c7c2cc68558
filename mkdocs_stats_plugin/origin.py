"""Where a page comes from: which file it is made of, and the path that goes with its name."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from posixpath import join, split, splitext
from unicodedata import normalize

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File
from mkdocs.utils import is_markdown_file

from mkdocs_stats_plugin.paths import is_listable

DIGEST_BYTES = 6


def is_of_author(file: File, config: MkDocsConfig) -> bool:
    """Tell whether a file stands in the author's folder, and was not made by a plugin."""
    return file.generated_by is None and file.src_dir == config.docs_dir


def digest_of(markdown: str) -> str:
    """Return what tells one state of a page's Markdown from another."""
    return blake2b(markdown.encode(), digest_size=DIGEST_BYTES).hexdigest()


def path_of_source(source: str, *, directory_urls: bool) -> str:
    """Return the path that MkDocs gives a page by the name of its file.

    MkDocs's own object for a file would say the same and take forty times as long.
    """
    folder, name = split(normalize("NFC", source))
    stem = splitext(name)[0]
    if stem in {"index", "README"}:
        return f"/{folder}/" if folder else "/"
    return f"/{join(folder, stem)}{'/' if directory_urls else '.html'}"


def former_paths(
    names: Iterable[str], source: str, path: str, *, directory_urls: bool
) -> list[str]:
    """Return the paths that a page had under former names of its file.

    Args:
        names: The former ones.
        source: The present one.
        path: That of the page. Where another plugin has given it, names say nothing about it.
        directory_urls: How MkDocs makes addresses.
    """
    if path != path_of_source(source, directory_urls=directory_urls):
        return []
    paths = (
        path_of_source(name, directory_urls=directory_urls)
        for name in names
        if is_markdown_file(name)
    )
    return [*dict.fromkeys(filter(is_listable, paths))]


def read_redirects(config: MkDocsConfig) -> dict[str, str]:
    """Return where mkdocs-redirects leads, by former path: the name of a file, or an address."""
    plugin = config.plugins.get("redirects")
    maps: object = plugin.config.get("redirect_maps") if plugin else None
    if not isinstance(maps, Mapping):
        return {}
    return {
        path_of_source(
            str(source).partition("#")[0], directory_urls=config.use_directory_urls
        ): str(target)
        for source, target in maps.items()
        if is_markdown_file(str(source).partition("#")[0])
    }
