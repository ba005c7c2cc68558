"""Redirects for the plugin mkdocs-redirects, written as YAML that can be pasted.

Paths that were not found are chosen by strangers, and what the plugin makes of them are files. So
one is taken only where its file can lie in the folder of the site and nowhere else, and where no
file is there yet.
"""

import json
import re
from collections.abc import Collection, Mapping

MAX_BYTES = 200
"""How long a path may be: file systems end at 255 for one name."""
_HEAD = ("plugins:", "  - redirects:", "      redirect_maps:")
_HTML, _INDEX = ".html", "index.html"
_OF_PAGES = (_HTML, ".htm", ".md")
"""What the file of a page, or of its source, ends with: here, or where it was before."""
_NOT_FOUND = "/404.html"
_INDEXES = frozenset({"index", "readme"})
# What is no part of a name on every file system, and # begins an anchor for the plugin.
_FOREIGN = re.compile(r'[\\:*?"<>|#]')
# What lies in the site besides pages; the number of a version is none.
_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]*$")


def may_be_page(path: str) -> bool:
    """Tell whether somebody may have meant a page: no file of another kind, nothing hidden."""
    if path == _NOT_FOUND:  # Somebody looked at it.
        return False
    ending = next(filter(path.endswith, _OF_PAGES), "")
    segments = path.removesuffix(ending).strip("/").split("/")
    return path.startswith("/") and not any(
        segment.startswith(".") or _FILE.search(segment) for segment in segments
    )


class RedirectMap:
    """Redirects to sources of pages, none of which would be written over a page."""

    def __init__(self, pages: Collection[str]) -> None:
        """`pages` are the paths of all pages that there are."""
        self._has_folders = not any(path.endswith(_HTML) for path in pages)
        # Some file systems do not tell case.
        self._files = {self._file_of(path).casefold() for path in pages}
        self._targets: dict[str, str] = {}

    def add(self, path: str, target: str) -> bool:
        """Lead on who asks for a path, unless that cannot be; returns whether it can.

        Args:
            path: as it was not found.
            target: source of a page.
        """
        file = self._file_of(path)
        key = self._source_of(file)
        if not _is_safe(path) or key is None or file.casefold() in self._files:
            return False
        self._files.add(file.casefold())
        self._targets[key] = target
        return True

    def __len__(self) -> int:
        """Return how many redirects there are."""
        return len(self._targets)

    def write(self) -> str:
        """Return the part of the configuration; empty without a redirect."""
        if not self._targets:
            return ""
        return "\n".join([*_HEAD, *_lines(self._targets)])

    def _file_of(self, path: str) -> str:
        """Return the file that a server looks for, from the folder of the site on."""
        if path.endswith("/"):
            return f"{path[1:]}{_INDEX}"
        if path.endswith(_HTML):
            return path[1:]
        return f"{path[1:]}/{_INDEX}" if self._has_folders else f"{path[1:]}{_HTML}"

    def _source_of(self, file: str) -> str | None:
        """Return the source that is built to a file; ``None`` where none is.

        ``index.md`` is built to ``index.html``, and so is ``README.md``; where pages are folders
        any other ``a.md`` to ``a/index.html``, else to ``a.html``.
        """
        folder, _, name = file.removesuffix(_HTML).rpartition("/")
        if name == "index":
            is_of_index = folder.rpartition("/")[2].lower() in _INDEXES
            in_folder = not self._has_folders or is_of_index
            return f"{folder}/index.md" if in_folder else f"{folder}.md"
        if self._has_folders or name.lower() in _INDEXES:
            return None
        return f"{folder}/{name}.md".removeprefix("/")


def quoted(text: str) -> str:
    """Return a text as a scalar of YAML in double quotes, which are those of JSON.

    What is not seen when it is printed is written as an escape.
    """
    return "".join(
        char if char.isprintable() else f"\\U{ord(char):08X}"
        for char in json.dumps(text, ensure_ascii=False)
    )


def _lines(targets: Mapping[str, str]) -> list[str]:
    return [f"        {quoted(key)}: {quoted(target)}" for key, target in targets.items()]


def _is_safe(path: str) -> bool:
    """Tell whether the path is that of a file below the folder of a site, on any system."""
    segments = path[1:].removesuffix("/").split("/")
    return (
        may_be_page(path)
        and not path.endswith(_OF_PAGES[1:])  # The plugin makes pages only.
        and path.isprintable()
        and len(path.encode()) <= MAX_BYTES
        and not _FOREIGN.search(path)
        and all(segment and segment == segment.strip(". ") for segment in segments)
    )
