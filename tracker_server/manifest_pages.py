"""One entry of a manifest's list of pages, checked key by key."""

from tracker_server.errors import InvalidManifestError, InvalidMessageError
from tracker_server.fields import (
    check_text,
    day,
    entries,
    flag,
    member,
    number,
    optional_number,
    text,
)
from tracker_server.figures import PAGE_TYPES
from tracker_server.model import MAX_ANCHOR_CHARS, MAX_HEADINGS, Heading, Page
from tracker_server.paths import MAX_PATH_BYTES, normalise_path

MAX_LEVEL = 4


def parse_page(row: object, place: str) -> Page:
    """Return a page.

    Args:
        row: what the document has.
        place: where, such as ``pages[3]``.

    Raises:
        InvalidManifestError: it is none; the message names the place.
    """
    row = member(row, place)
    kind = row.get("type")
    if not isinstance(kind, str) or kind not in PAGE_TYPES:
        raise InvalidManifestError(f"{place}.type: must be one of {', '.join(PAGE_TYPES)}")
    return Page(
        path=check_path(row.get("path"), f"{place}.path"),
        slug=text(row, "slug", place, MAX_PATH_BYTES),
        title=text(row, "title", place),
        type=kind,
        published=flag(row, "published", place),
        date=day(row, "date", place),
        generated=flag(row, "generated", place, default=False),
        words=optional_number(row, "words", place),
        headings=_headings(row.get("headings"), f"{place}.headings"),
    )


def check_path(value: object, where: str) -> str:
    """Return a path in the one form that paths have."""
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
