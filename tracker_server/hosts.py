"""Which sites may report, and which may read."""

from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit


@lru_cache(maxsize=1_024)
def host_and_port(url: str) -> tuple[str, str]:
    """Return host and ``host:port`` of an origin or URL in lower case; empty when it has none.

    The port is written even where it is the default one of the scheme.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
    except ValueError:  # An unclosed bracket, a port that is no number.
        return "", ""
    if not host:
        return "", ""
    host = f"[{host}]" if ":" in host else host
    return host, f"{host}:{port}"


def is_allowed(url: str, allowed: Collection[str]) -> bool:
    """Tell whether a URL is on one of these hosts; an entry without port allows all ports."""
    host, with_port = host_and_port(url)
    return bool(host) and (host in allowed or with_port in allowed)
