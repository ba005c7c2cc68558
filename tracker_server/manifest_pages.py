"""The entries of a manifest's list of pages, checked key by key."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, cast

from tracker_server.errors import InvalidMessageError
from tracker_server.fields import (
    check_day,
    check_flag,
    check_list,
    check_number,
    check_object,
    check_text,
    check_texts,
    refuse,
)
from tracker_server.figures import PAGE_TYPES
from tracker_server.model import MAX_ANCHOR_CHARS, MAX_HEADINGS, Heading, Page
from tracker_server.paths import MAX_PATH_BYTES, normalise_path

MAX_LEVEL = 4
MAX_LINKS = 500
"""Of one page; as many to places in pages."""
MAX_FORMER_PATHS = 20
MAX_AUTHORS = 20
MAX_TAGS = 50
MAX_TRAIL = 10
MAX_NAME_CHARS = 100
MAX_LANGUAGE_CHARS = 20

_DIGEST = re.compile(r"[0-9a-f]{12}")

_Check = Callable[[Any, str, str], Any]
"""Takes a value, the place it stands in and its key."""


class PageParser:
    """Checks the pages of one manifest, whose paths are known beforehand.

    A site of 100,000 pages has a million links, nearly all to these: for such a path one look
    says that it is right, and its text is there once.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """`paths` are those of the pages, which were found right."""
        self._paths = {path: path for path in paths}
        self._required: Mapping[str, _Check] = {
            "slug": partial(check_text, max_chars=MAX_PATH_BYTES),
            "title": check_text,
            "type": _type,
            "published": check_flag,
        }
        self._optional: Mapping[str, _Check] = {
            "date": check_day,
            "words": check_number,
            "headings": _headings,
            "source": _source,
            "created": check_day,
            "updated": check_day,
            "formerly": partial(self._list, most=MAX_FORMER_PATHS),
            "authors": partial(_names, most=MAX_AUTHORS),
            "tags": partial(_names, most=MAX_TAGS),
            "nav": partial(check_number, least=1),
            "trail": _trail,
            "previous": self._path,
            "next": self._path,
            "code_lines": check_number,
            "reading_seconds": check_number,
            "language": partial(check_text, max_chars=MAX_LANGUAGE_CHARS),
            "links": partial(self._list, most=MAX_LINKS),
            "anchors": self._anchors,
            "outbound": check_number,
            "digest": _digest,
        }

    def parse(self, path: str, row: Mapping[str, object], place: str) -> Page:
        """Return a page.

        Args:
            path: its own.
            row: what the document has.
            place: where, such as ``pages[3]``.

        Raises:
            InvalidManifestError: it is none; the message names the place.
        """
        facts = {key: check(row.get(key), place, key) for key, check in self._required.items()}
        if "generated" in row:
            facts["generated"] = check_flag(row["generated"], place, "generated")
        for key, value in row.items():
            check = self._optional.get(key)
            if check is not None and value is not None:
                facts[key] = check(value, place, key)
        return Page(path, **facts)

    def _path(self, value: object, place: str, key: str) -> str:
        known = self._paths.get(value) if isinstance(value, str) else None
        if known is None:
            known = check_path(value, place, key)
            self._paths[known] = known
        return known

    def _list(self, value: object, place: str, key: str, most: int) -> tuple[str, ...]:
        """Return paths, each once."""
        values = check_list(value, place, key, most)
        try:
            paths = [*map(self._paths.get, values)]
        except TypeError:  # A list or an object is among them.
            paths = [None]
        if None in paths:
            paths = [
                self._path(some, place, f"{key}[{position}]")
                for position, some in enumerate(values)
            ]
        return cast("tuple[str, ...]", tuple(dict.fromkeys(paths)))

    def _anchors(self, value: object, place: str, key: str) -> tuple[str, ...]:
        links = check_texts(value, place, key, MAX_LINKS, MAX_PATH_BYTES + 1 + MAX_ANCHOR_CHARS)
        for position, link in enumerate(links):
            path, _, anchor = link.partition("#")
            if path not in self._paths:
                self._path(path, place, f"{key}[{position}]")
            if not 0 < len(anchor) <= MAX_ANCHOR_CHARS:
                reason = f"must have an anchor of 1 to {MAX_ANCHOR_CHARS} characters"
                refuse(place, f"{key}[{position}]", reason)
        return tuple(dict.fromkeys(links))


def check_path(value: object, place: str, key: str) -> str:
    """Return a path in the one form that paths have.

    Raises:
        InvalidManifestError: it is none.
    """
    path = check_text(value, place, key, MAX_PATH_BYTES)
    try:
        normalised = normalise_path(
            path.replace("%", "%25").replace("#", "%23").replace("?", "%3F")
        )
    except InvalidMessageError as error:
        refuse(place, key, error.reason)
    if normalised != path:
        refuse(place, key, f"{path!r} should be {normalised!r}")
    return path


def _type(value: object, place: str, key: str) -> str:
    if not isinstance(value, str) or value not in PAGE_TYPES:
        refuse(place, key, f"must be one of {', '.join(PAGE_TYPES)}")
    return value


def _source(value: object, place: str, key: str) -> str:
    source = check_text(value, place, key, MAX_PATH_BYTES)
    if len(source.encode()) > MAX_PATH_BYTES:
        refuse(place, key, f"is longer than {MAX_PATH_BYTES} bytes")
    return source


def _digest(value: object, place: str, key: str) -> str:
    digest = check_text(value, place, key)
    if not _DIGEST.fullmatch(digest):
        refuse(place, key, "must be 12 hexadecimal digits")
    return digest


def _names(value: object, place: str, key: str, most: int) -> tuple[str, ...]:
    """Return texts, each once: reports count by them."""
    return tuple(dict.fromkeys(check_texts(value, place, key, most, MAX_NAME_CHARS)))


def _trail(value: object, place: str, key: str) -> tuple[str, ...]:
    return tuple(check_texts(value, place, key, MAX_TRAIL))


def _headings(value: object, place: str, key: str) -> tuple[Heading, ...]:
    headings: dict[str, Heading] = {}
    for position, row in enumerate(check_list(value, place, key, MAX_HEADINGS)):
        where = f"{place}.{key}[{position}]"
        heading = _heading(check_object(row, where, ""), where)
        if heading.anchor in headings:
            refuse(where, "id", "stands there twice")
        headings[heading.anchor] = heading
    return tuple(headings.values())


def _heading(row: Mapping[str, object], place: str) -> Heading:
    anchor = check_text(row.get("id"), place, "id", MAX_ANCHOR_CHARS)
    if not anchor:
        refuse(place, "id", "must not be empty")
    return Heading(
        anchor,
        check_text(row.get("title"), place, "title"),
        check_number(row.get("level"), place, "level", 1, MAX_LEVEL),
        check_number(row.get("words"), place, "words"),
    )
