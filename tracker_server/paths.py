"""One form for every path, the same in messages and in the manifest."""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

from tracker_server.errors import InvalidMessageError

MAX_PATH_BYTES = 1_024

# Control characters, line and paragraph separators, bidirectional overrides, lone surrogates:
# nothing a page has in its address, everything a forger wants in a table or a log.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@lru_cache(maxsize=2_048)
def normalise_path(raw: str) -> str:
    """Bring a path into the form of the manifest.

    Query and fragment are cut, percent escapes decoded, the text brought to NFC and
    a final ``index.html`` cut.

    Raises:
        InvalidMessageError: the path does not start with ``/``, is longer than
            `MAX_PATH_BYTES`, or has characters that no address has.
    """
    if not raw.startswith("/"):
        raise InvalidMessageError("p", "must start with /")
    path = raw.partition("#")[0].partition("?")[0]
    try:
        path = unicodedata.normalize("NFC", unquote(path, errors="strict"))
    except UnicodeDecodeError:
        raise InvalidMessageError("p", "has percent escapes that are not UTF-8") from None
    if path.endswith("/index.html"):
        path = path.removesuffix("index.html")
    if _FORBIDDEN.search(path):
        raise InvalidMessageError("p", "has control characters")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise InvalidMessageError("p", f"is longer than {MAX_PATH_BYTES} bytes")
    return path
