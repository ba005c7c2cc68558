"""The entries of a manifest's list of pages, checked key by key."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from tracker_server.errors import InvalidManifestError, InvalidMessageError
from tracker_server.fields import (
    check_text,
    day,
    entries,
    flag,
    member,
    number,
    optional_number,
    optional_text,
    text,
    texts,
)
from tracker_server.figures import PAGE_TYPES
from tracker_server.model import MAX_ANCHOR_CHARS, MAX_HEADINGS, Heading, Page
from tracker_server.paths import MAX_PATH_BYTES, normalise_path

MAX_LEVEL = 4
MAX_LINKS = 500
"""Of one page; as many to places in pages."""
MAX_NAMES = 20
"""How many authors, and how many former paths, a page has."""
MAX_TAGS = 50
MAX_TRAIL = 10
MAX_NAME_CHARS = 100
MAX_LANGUAGE_CHARS = 20

_DIGEST = re.compile(r"[0-9a-f]{12}")


class PageParser:
    """Checks the pages of one manifest, whose paths are known beforehand.

    A site of 100,000 pages has a million links, nearly all to these: for such a path one look
    says that it is right, and its text is there once.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        """`paths` are those of the pages, which were found right."""
        self._paths = {path: path for path in paths}

    def parse(self, path: str, row: Mapping[str, object], place: str) -> Page:
        """Return a page.

        Args:
            path: its own.
            row: what the document has.
            place: where, such as ``pages[3]``.

        Raises:
            InvalidManifestError: it is none; the message names the place.
        """
        kind = row.get("type")
        if not isinstance(kind, str) or kind not in PAGE_TYPES:
            raise InvalidManifestError(f"{place}.type: must be one of {', '.join(PAGE_TYPES)}")
        return Page(
            path=path,
            slug=text(row, "slug", place, MAX_PATH_BYTES),
            title=text(row, "title", place),
            type=kind,
            published=flag(row, "published", place),
            date=day(row, "date", place),
            generated=flag(row, "generated", place, default=False),
            words=optional_number(row, "words", place),
            headings=_headings(row.get("headings"), f"{place}.headings"),
            source=_source(row, place),
            created=day(row, "created", place),
            updated=day(row, "updated", place),
            formerly=self._list(row, "formerly", place, MAX_NAMES),
            authors=_names(row, "authors", place, MAX_NAMES),
            tags=_names(row, "tags", place, MAX_TAGS),
            nav=optional_number(row, "nav", place, 1),
            trail=texts(row, "trail", place, MAX_TRAIL),
            previous=self._optional(row, "previous", place),
            next=self._optional(row, "next", place),
            code_lines=optional_number(row, "code_lines", place),
            reading_seconds=optional_number(row, "reading_seconds", place),
            language=optional_text(row, "language", place, MAX_LANGUAGE_CHARS),
            links=self._list(row, "links", place, MAX_LINKS),
            anchors=self._anchors(row.get("anchors"), f"{place}.anchors"),
            outbound=optional_number(row, "outbound", place),
            digest=_digest(row, place),
        )

    def _optional(self, row: Mapping[str, object], key: str, place: str) -> str | None:
        value = row.get(key)
        return None if value is None else self._check(value, f"{place}.{key}")

    def _list(self, row: Mapping[str, object], key: str, place: str, most: int) -> tuple[str, ...]:
        """Return paths, each once."""
        rows = entries(row.get(key), f"{place}.{key}", most)
        return tuple(dict.fromkeys(self._known(rows) or self._checked(rows, f"{place}.{key}")))

    def _known(self, rows: Sequence[Any]) -> list[str]:
        """Return paths all of which are known; none where one is not."""
        try:
            found = [*map(self._paths.get, rows)]
        except TypeError:  # A list or an object is among them.
            return []
        return [] if None in found else cast("list[str]", found)

    def _checked(self, rows: Sequence[object], place: str) -> list[str]:
        return [self._check(value, f"{place}[{position}]") for position, value in enumerate(rows)]

    def _anchors(self, values: object, place: str) -> tuple[str, ...]:
        rows = entries(values, place, MAX_LINKS)
        found: dict[str, None] = {}
        for position, value in enumerate(rows):
            where = f"{place}[{position}]"
            link = check_text(value, where, MAX_PATH_BYTES + 1 + MAX_ANCHOR_CHARS)
            path, mark, anchor = link.rpartition("#")
            if not mark or not anchor:
                raise InvalidManifestError(f"{where}: must be a path, # and an anchor")
            if len(anchor) > MAX_ANCHOR_CHARS:
                raise InvalidManifestError(
                    f"{where}: has an anchor of more than {MAX_ANCHOR_CHARS} characters"
                )
            self._check(path, where)
            found[link] = None
        return tuple(found)

    def _check(self, value: object, where: str) -> str:
        known = self._paths.get(value) if isinstance(value, str) else None
        if known is None:
            known = check_path(value, where)
            self._paths[known] = known
        return known


def check_path(value: object, where: str) -> str:
    """Return a path in the one form that paths have.

    Raises:
        InvalidManifestError: it is none.
    """
    path = check_text(value, where, MAX_PATH_BYTES)
    try:
        normalised = normalise_path(
            path.replace("%", "%25").replace("#", "%23").replace("?", "%3F")
        )
    except InvalidMessageError as error:
        raise InvalidManifestError(f"{where}: {error.reason}") from None
    if normalised != path:
        raise InvalidManifestError(f"{where}: {path!r} should be {normalised!r}")
    return path


def _names(row: Mapping[str, object], key: str, place: str, most: int) -> tuple[str, ...]:
    """Return texts, each once: readers of the manifest count by them."""
    return tuple(dict.fromkeys(texts(row, key, place, most, MAX_NAME_CHARS)))


def _source(row: Mapping[str, object], place: str) -> str | None:
    source = optional_text(row, "source", place, MAX_PATH_BYTES)
    if source is not None and len(source.encode()) > MAX_PATH_BYTES:
        raise InvalidManifestError(f"{place}.source: is longer than {MAX_PATH_BYTES} bytes")
    return source


def _digest(row: Mapping[str, object], place: str) -> str | None:
    digest = optional_text(row, "digest", place)
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise InvalidManifestError(f"{place}.digest: must be 12 hexadecimal digits")
    return digest


def _headings(rows: object, place: str) -> tuple[Heading, ...]:
    headings: dict[str, Heading] = {}
    for position, row in enumerate(entries(rows, place, MAX_HEADINGS)):
        heading = _heading(row, f"{place}[{position}]")
        if heading.anchor in headings:
            raise InvalidManifestError(f"{place}[{position}].id: stands there twice")
        headings[heading.anchor] = heading
    return tuple(headings.values())


def _heading(row: object, place: str) -> Heading:
    row = member(row, place)
    anchor = text(row, "id", place, MAX_ANCHOR_CHARS)
    if not anchor:
        raise InvalidManifestError(f"{place}.id: must not be empty")
    return Heading(
        anchor,
        text(row, "title", place),
        number(row, "level", place, 1, MAX_LEVEL),
        number(row, "words", place),
    )
