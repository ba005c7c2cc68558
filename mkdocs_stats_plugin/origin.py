"""Where a page comes from: which file it is made of, and the path that goes with its name."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from posixpath import join, split, splitext
from unicodedata import normalize

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File
from mkdocs.utils import is_markdown_file

from mkdocs_stats_plugin.paths import fault_of, is_listable

DIGEST_BYTES = 6

log = get_plugin_logger("stats")


def is_of_author(file: File, config: MkDocsConfig) -> bool:
    """Tell whether a file stands in the author's folder, and was not made by a plugin."""
    return file.generated_by is None and file.src_dir == config.docs_dir


def digest_of(markdown: str) -> str:
    """Return what tells one state of a page's Markdown from another."""
    return blake2b(markdown.encode(errors="surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()


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
    redirects = {}
    for source, target in maps.items():
        name = str(source).partition("#")[0]
        if not is_markdown_file(name):
            continue
        former = path_of_source(name, directory_urls=config.use_directory_urls)
        if fault := fault_of(former) or fault_of(str(target)):
            log.info("The redirect from %r to %r is not listed: one %s", name, target, fault)
        else:
            redirects[former] = str(target)
    return redirects
