"""One question to a tracker over HTTP, and what of an answer can be relied on."""

import http.client
import json
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 3.0
"""How long a tracker may be silent."""
MAX_ANSWER_BYTES = 4 * 1_024 * 1_024


class NoAnswerError(Exception):
    """A tracker cannot be reached, or refuses to answer."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        """Of the answer; nothing where there was none."""


def ask(url: str, token: str = "", timeout_seconds: float = TIMEOUT_SECONDS) -> object:
    """Return the JSON at an address.

    Args:
        url: ``http://`` or ``https://``.
        token: Sent to this address alone, wherever it redirects to.
        timeout_seconds: For each time that the other side is waited for.

    Raises:
        NoAnswerError: There is no answer, or one that is an error.
        ValueError: It is no JSON, or longer than `MAX_ANSWER_BYTES`.
    """
    if not (token.isascii() and token.isprintable()):
        # Whoever else would refuse it would quote it, and reasons are published.
        raise NoAnswerError("the token has characters that no token has")
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310  # callers allow only web addresses
    if token:
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=timeout_seconds) as answer:  # noqa: S310
            body = answer.read(MAX_ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            raise NoAnswerError(str(error.reason or error), error.code) from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(str(getattr(error, "reason", None) or error)) from error
    return json.loads(body)


def text_of(value: object) -> str:
    """Return a text.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def count_of(value: object) -> int:
    """Return a whole number of 0 or more.

    Raises:
        TypeError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is no count")
    return value
