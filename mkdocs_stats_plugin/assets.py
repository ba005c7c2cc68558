"""Files that the plugin adds to a site: the scripts, the stylesheet, the statistics page.

Each asset's name carries the hash of its content, so a host may let browsers keep it for ever. All
are generated files in memory: source-backed ones are searched for addresses by Material's privacy
plugin, and a source path outside `docs_dir` breaks the "edit this page" link.
"""

from base64 import b64encode
from hashlib import sha256, sha384
from importlib.resources import files as resources
from posixpath import splitext

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

FOLDER = "assets/mkdocs-stats"


def add_asset(files: Files, config: MkDocsConfig, name: str) -> str:
    """Add one of the package's assets to the site.

    Returns:
        Its address, relative to the site root: two folders deep, as `docs/wire.md` promises.
    """
    content = _read(name)
    stem, extension = splitext(name)
    uri = f"{FOLDER}/{stem}.{sha256(content).hexdigest()[:8]}{extension}"
    files.append(File.generated(config, uri, content=content))
    return uri


def integrity_of(name: str) -> str:
    """Return the Subresource Integrity value of one of the package's assets."""
    return f"sha384-{b64encode(sha384(_read(name)).digest()).decode()}"


def add_page(files: Files, config: MkDocsConfig, path: str, source: str) -> None:
    """Add a page that the site does not have. Its author may still list it under `nav`."""
    if files.get_file_from_path(path) is None:
        level = InclusionLevel.NOT_IN_NAV
        files.append(File.generated(config, path, content=source, inclusion=level))


def _read(name: str) -> bytes:
    return (resources("mkdocs_stats_plugin") / "assets" / name).read_bytes()
