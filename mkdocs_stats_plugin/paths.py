"""The identity of a page: its address relative to the site root, made comparable."""

import re
from unicodedata import normalize
from urllib.parse import unquote

MAX_PATH_BYTES = 1024

# The same as the tracker's: control characters, line and paragraph separators, bidirectional
# overrides, lone surrogates.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


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


def fault_of(path: str) -> str:
    """Return why the tracker would refuse a path; empty where it would not."""
    if _FORBIDDEN.search(path):
        return "has control characters"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES:,} bytes"
    return ""


def is_listable(path: str) -> bool:
    """Tell whether a path may stand in the manifest."""
    return not fault_of(path)
