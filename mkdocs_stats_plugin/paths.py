"""The identity of a page: its address relative to the site root, made comparable."""

from unicodedata import normalize
from urllib.parse import unquote

MAX_PATH_BYTES = 1024


def site_path(url: str) -> str:
    """Return the identity of the page at `url`.

    Args:
        url: Address relative to the site root, percent-encoded, as MkDocs has it.

    Returns:
        The address with a leading slash, percent escapes decoded, in Unicode NFC and without
        a trailing ``index.html``.
    """
    path = "/" + normalize("NFC", unquote(url))
    return path.removesuffix("index.html") if path.endswith("/index.html") else path


def is_listable(path: str) -> bool:
    """Tell whether a path is short enough for the manifest and for the tracker."""
    return len(path.encode()) <= MAX_PATH_BYTES
