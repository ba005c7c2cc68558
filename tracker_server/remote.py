"""The figures of a tracker that runs elsewhere, over HTTP."""

import http.client
import urllib.error
import urllib.request

from tracker_server.errors import ConfigurationError, StorageError

TIMEOUT_SECONDS = 5.0
MAX_ANSWER_BYTES = 8 * 1_024 * 1_024


class Remote:
    """Asks one tracker again and again, and takes no answer twice."""

    def __init__(self, address: str, token: str = "") -> None:
        """`address` is that of the tracker, without a path of its interface.

        A tracker whose statistics are not public wants a token.

        Raises:
            ConfigurationError: it is no web address.
        """
        if not address.startswith(("http://", "https://")):
            raise ConfigurationError(f"url: must begin with http:// or https://, is {address!r}")
        self._url = f"{address.rstrip('/')}/api/stats"
        self._token = token
        self._etag = ""
        self._body = b""

    def read(self) -> bytes:
        """Return the JSON of ``GET /api/stats``.

        Raises:
            StorageError: there is no such answer.
        """
        request = urllib.request.Request(self._url)  # noqa: S310  # checked in the constructor
        if self._token:  # Wherever a redirection leads, it is not sent there.
            request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        if self._etag:
            request.add_header("If-None-Match", self._etag)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                self._body = answer.read(MAX_ANSWER_BYTES)
                self._etag = answer.headers.get("ETag", "")
        except urllib.error.HTTPError as error:
            with error:
                if error.code == http.HTTPStatus.NOT_MODIFIED:
                    return self._body
            raise StorageError(f"{self._url}: answered {error.code}") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise StorageError(f"{self._url}: {reason}") from error
        return self._body
