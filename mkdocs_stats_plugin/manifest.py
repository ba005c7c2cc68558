"""The content manifest: what the site contains, for the tracker to join with what it counts.

`mkdocs serve` and translation plugins run several builds on one plugin object, and a dirty build
renders only some pages. One rule serves all of them: entries are kept by path for the life of the
object, and dropped when the file they describe is gone.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

from mkdocs_stats_plugin.facts import Entry

FILE_NAME = "stats-manifest.json"
SCHEMA = 1
MAX_PAGES = 100_000
MAX_BYTES = 32 * 1024 * 1024
"""How long a manifest may be; the headings are left out of one that would be longer."""
MAX_PATH_BYTES = 1024
MAX_NAME_CHARS = 100
"""How long the names of a commit and of a state of the site may be; the rest is cut."""


class TooManyPagesError(ValueError):
    """A site has more pages than a manifest may list."""


class Manifest:
    """Entries of a site's pages, keyed by path."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Entry, str]] = {}

    def add(self, entry: Entry, file: str) -> None:
        """Take up a page, replacing what was known about its path.

        Args:
            entry: The page.
            file: Where the build writes it: `site_dir`, a slash, and what follows.
        """
        self._entries[entry["path"]] = entry, file

    def forget(self, path: str) -> None:
        """Drop a page, if it is known."""
        self._entries.pop(path, None)

    def merge(self, site_dir: Path) -> None:
        """Take up the pages of the manifest that the last build left, if it left one."""
        for entry in _read_entries(site_dir / FILE_NAME):
            path = entry["path"]
            name = path[1:] + "index.html" if path.endswith("/") else path[1:]
            self._entries.setdefault(path, (entry, f"{site_dir}/{name}"))

    def write(
        self,
        site_dir: Path,
        *,
        site_name: str,
        site_url: str | None,
        commit: str | None = None,
        label: str | None = None,
    ) -> bool:
        """Drop the pages whose file is gone and write the manifest in one step.

        Args:
            site_dir: The folder of the built site.
            site_name: As configured.
            site_url: Likewise, if it is.
            commit: Of the sources, if it is known.
            label: What the owner calls this state of the site, if anything.

        Returns:
            Whether the headings had room.

        Raises:
            TooManyPagesError: There are more than `MAX_PAGES` pages.
        """
        self._prune(site_dir)
        if len(self._entries) > MAX_PAGES:
            raise TooManyPagesError(f"{len(self._entries)} pages, {MAX_PAGES} at most")
        head = {
            "schema": SCHEMA,
            "site_name": site_name,
            "site_url": site_url,
            **{
                n: text[:MAX_NAME_CHARS]
                for n, text in (("commit", commit), ("label", label))
                if text
            },
        }
        entries = [self._entries[path][0] for path in sorted(self._entries)]
        data = _dump(head, entries)
        fits = len(data) <= MAX_BYTES
        _replace(
            site_dir / FILE_NAME, data if fits else _dump(head, map(_without_headings, entries))
        )
        return fits

    def _prune(self, site_dir: Path) -> None:
        """Keep what exists in `site_dir`; a process may build other sites with the same object."""
        folder = f"{site_dir}/"
        exists = os.path.exists  # Asked once a page; a Path would triple the cost.
        self._entries = {
            path: (entry, file)
            for path, (entry, file) in self._entries.items()
            if file.startswith(folder) and exists(file)
        }


def is_listable(path: str) -> bool:
    """Tell whether a path is short enough for the manifest and for the tracker."""
    return len(path.encode()) <= MAX_PATH_BYTES


def _read_entries(file: Path) -> Iterator[Entry]:
    """Yield the entries of a manifest; none where it is missing, damaged or of another schema."""
    try:
        document = json.loads(file.read_bytes())
        if document["schema"] == SCHEMA:
            yield from document["pages"]
    except (OSError, ValueError, LookupError, TypeError):
        return


def _dump(head: Mapping[str, object], entries: Iterable[Entry]) -> bytes:
    """Write a line for each page: the encoder for indented text takes ten times as long."""
    pages = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
    opening = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    return f'{opening},\n "pages": [\n{pages}\n]\n}}\n'.encode()


def _without_headings(entry: Entry) -> Entry:
    return cast("Entry", {key: value for key, value in entry.items() if key != "headings"})


def _replace(file: Path, data: bytes) -> None:
    """Write a file so that a reader finds the old one or the new one, never a part."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.parent.mkdir(parents=True, exist_ok=True)
    draft.write_bytes(data)
    draft.replace(file)
