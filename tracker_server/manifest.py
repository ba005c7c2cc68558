"""The content manifest as the tracker reads it; ``docs/manifest.md`` is the specification."""

import json
import re
from collections.abc import Mapping
from datetime import date
from hashlib import sha256

from tracker_server.errors import InvalidManifestError, InvalidMessageError
from tracker_server.figures import (
    PAGE_TYPES,
)
from tracker_server.model import (
    MAX_ANCHOR_CHARS,
    MAX_HEADINGS,
    Heading,
    Manifest,
    Page,
)
from tracker_server.paths import MAX_PATH_BYTES, normalise_path

SCHEMA = 1
MAX_MANIFEST_BYTES = 32 * 1_024 * 1_024
MAX_PAGES = 100_000
MAX_TEXT_CHARS = 1_000
MAX_SHORT_TEXT_CHARS = 100
MAX_WORDS = 10_000_000
MAX_LEVEL = 4

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")


def parse_manifest(data: bytes) -> Manifest:
    """Parse a manifest, whole or not at all.

    Raises:
        InvalidManifestError: the message names the place (``pages[3].title``) and the reason.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise InvalidManifestError(f"larger than {MAX_MANIFEST_BYTES:,} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidManifestError(f"not JSON in UTF-8, perhaps cut off: {error}") from None
    if not isinstance(document, dict):
        raise InvalidManifestError("not a JSON object")
    schema = document.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int):  # True would equal 1.
        raise InvalidManifestError("schema: must be a whole number")
    if schema != SCHEMA:
        raise InvalidManifestError(
            f"schema: is {schema}, this tracker reads {SCHEMA}; "
            "install the same release of plugin and tracker"
        )
    site_url = document.get("site_url")
    return Manifest(
        site_name=_text(document, "site_name", ""),
        site_url=None if site_url is None else _text(document, "site_url", ""),
        pages=_pages(document.get("pages")),
        commit=_short_text(document, "commit"),
        label=_short_text(document, "label"),
    )


def digest_of(data: bytes) -> str:
    """Return what tells one manifest from another."""
    return sha256(data).hexdigest()


def _pages(rows: object) -> tuple[Page, ...]:
    if not isinstance(rows, list):
        raise InvalidManifestError("pages: is not a list")
    if len(rows) > MAX_PAGES:
        raise InvalidManifestError(
            f"pages: has {len(rows):,} entries, at most {MAX_PAGES:,} are read"
        )
    pages: dict[str, Page] = {}
    for number, row in enumerate(rows):
        page = _page(row, f"pages[{number}]")
        if page.path in pages:
            raise InvalidManifestError(f"pages[{number}].path: {page.path!r} stands there twice")
        pages[page.path] = page
    return tuple(pages.values())


def _page(row: object, place: str) -> Page:
    if not isinstance(row, dict):
        raise InvalidManifestError(f"{place}: is not an object")
    kind = row.get("type")
    if not isinstance(kind, str) or kind not in PAGE_TYPES:
        raise InvalidManifestError(f"{place}.type: must be one of {', '.join(PAGE_TYPES)}")
    return Page(
        path=_path(row, place),
        slug=_text(row, "slug", place, MAX_PATH_BYTES),
        title=_text(row, "title", place),
        type=kind,
        published=_flag(row, "published", place),
        date=_date(row.get("date"), place),
        generated=_flag(row, "generated", place, default=False),
        words=None if row.get("words") is None else _number(row, "words", place, 0, MAX_WORDS),
        headings=_headings(row.get("headings"), f"{place}.headings"),
    )


def _headings(rows: object, place: str) -> tuple[Heading, ...]:
    if rows is None:  # Nobody looked, as the plugin of an older version.
        return ()
    if not isinstance(rows, list):
        raise InvalidManifestError(f"{place}: is not a list")
    if len(rows) > MAX_HEADINGS:
        raise InvalidManifestError(f"{place}: has {len(rows):,} entries, at most {MAX_HEADINGS:,}")
    headings: dict[str, Heading] = {}
    for number, row in enumerate(rows):
        heading = _heading(row, f"{place}[{number}]")
        if heading.anchor in headings:
            raise InvalidManifestError(f"{place}[{number}].id: stands there twice")
        headings[heading.anchor] = heading
    return tuple(headings.values())


def _heading(row: object, place: str) -> Heading:
    if not isinstance(row, dict):
        raise InvalidManifestError(f"{place}: is not an object")
    anchor = _text(row, "id", place, MAX_ANCHOR_CHARS)
    if not anchor:
        raise InvalidManifestError(f"{place}.id: must not be empty")
    return Heading(
        anchor,
        _text(row, "title", place),
        _number(row, "level", place, 1, MAX_LEVEL),
        _number(row, "words", place, 0, MAX_WORDS),
    )


def _path(row: Mapping[str, object], place: str) -> str:
    path = _text(row, "path", place, MAX_PATH_BYTES)
    try:
        normalised = normalise_path(
            path.replace("%", "%25").replace("#", "%23").replace("?", "%3F")
        )
    except InvalidMessageError as error:
        raise InvalidManifestError(f"{place}.path: {error.reason}") from None
    if normalised != path:
        raise InvalidManifestError(f"{place}.path: {path!r} should be {normalised!r}")
    return path


def _text(row: Mapping[str, object], key: str, place: str, max_chars: int = MAX_TEXT_CHARS) -> str:
    value = row.get(key)
    where = f"{place}.{key}" if place else key
    if not isinstance(value, str):
        raise InvalidManifestError(f"{where}: must be a text")
    if len(value) > max_chars:
        raise InvalidManifestError(f"{where}: is longer than {max_chars:,} characters")
    if _UNWRITABLE.search(value):
        raise InvalidManifestError(f"{where}: has characters that no database stores")
    return value


def _short_text(document: Mapping[str, object], key: str) -> str | None:
    given = document.get(key) is not None
    return _text(document, key, "", MAX_SHORT_TEXT_CHARS) if given else None


def _number(row: Mapping[str, object], key: str, place: str, least: int, most: int) -> int:
    value = row.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise InvalidManifestError(f"{place}.{key}: must be a whole number from {least} to {most:,}")


def _flag(row: Mapping[str, object], key: str, place: str, *, default: bool | None = None) -> bool:
    value = row.get(key, default)
    if not isinstance(value, bool):
        raise InvalidManifestError(f"{place}.{key}: must be true or false")
    return value


def _date(value: object, place: str) -> str | None:
    if value is None:
        return None
    try:
        # The standard parser takes week dates and dates without dashes as well.
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:  # The 30th of February.
        pass
    raise InvalidManifestError(f"{place}.date: must be YYYY-MM-DD")
