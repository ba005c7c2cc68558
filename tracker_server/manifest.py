"""The content manifest as the tracker reads it; ``docs/manifest.md`` is the specification."""

import json
from collections.abc import Mapping
from hashlib import sha256

from tracker_server.errors import InvalidManifestError
from tracker_server.fields import MAX_TEXT_CHARS, check_object, check_text, check_texts, refuse
from tracker_server.manifest_pages import PageParser, check_path
from tracker_server.model import Manifest, Page

SCHEMA = 1
MAX_MANIFEST_BYTES = 32 * 1_024 * 1_024
MAX_PAGES = 100_000
MAX_SHORT_TEXT_CHARS = 100
MAX_REDIRECTS = 10_000
MAX_TARGET_CHARS = 2_000
MAX_VERSIONS = 500
MAX_ALIASES = 20


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
    return Manifest(
        site_name=check_text(document.get("site_name"), "", "site_name"),
        site_url=_text(document, "site_url", MAX_TEXT_CHARS),
        pages=_pages(document.get("pages")),
        commit=_text(document, "commit", MAX_SHORT_TEXT_CHARS),
        label=_text(document, "label", MAX_SHORT_TEXT_CHARS),
        version=_text(document, "version", MAX_SHORT_TEXT_CHARS),
        versions=_versions(document.get("versions")),
        redirects=_redirects(document.get("redirects")),
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
    paths: dict[str, None] = {}
    for number, row in enumerate(rows):
        place = f"pages[{number}]"
        path = check_path(check_object(row, place, "").get("path"), place, "path")
        if path in paths:
            refuse(place, "path", f"{path!r} stands there twice")
        paths[path] = None
    parser = PageParser(paths)
    return tuple(
        parser.parse(path, row, f"pages[{number}]")
        for number, (path, row) in enumerate(zip(paths, rows, strict=True))
    )


def _redirects(value: object) -> dict[str, str]:
    if value is None:
        return {}
    rows = check_object(value, "", "redirects")
    if len(rows) > MAX_REDIRECTS:
        refuse("", "redirects", f"has {len(rows):,} entries, at most {MAX_REDIRECTS:,}")
    return {
        check_path(path, "", f"redirects[{number}]"): _target(target, f"redirects[{number}]")
        for number, (path, target) in enumerate(rows.items())
    }


def _versions(value: object) -> dict[str, tuple[str, ...]]:
    if value is None:
        return {}
    rows = check_object(value, "", "versions")
    if len(rows) > MAX_VERSIONS:
        refuse("", "versions", f"has {len(rows):,} entries, at most {MAX_VERSIONS:,}")
    return {
        check_text(version, "", f"versions[{number}]", MAX_SHORT_TEXT_CHARS): tuple(
            check_texts(names, "", f"versions[{number}]", MAX_ALIASES, MAX_SHORT_TEXT_CHARS)
        )
        for number, (version, names) in enumerate(rows.items())
    }


def _target(value: object, place: str) -> str:
    target = check_text(value, place, "target", MAX_TARGET_CHARS)
    if not target:
        refuse(place, "target", "must not be empty")
    return target


def _text(document: Mapping[str, object], key: str, max_chars: int) -> str | None:
    value = document.get(key)
    return None if value is None else check_text(value, "", key, max_chars)
