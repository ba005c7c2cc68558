"""What a request says of itself that means: do not count this."""

from collections.abc import Callable

Header = Callable[[str], str]
"""Returns a header of a request by its lower-case name, empty where there is none."""

SIGNALS = ("privacy_control", "do_not_track", "prefetch")
"""Global Privacy Control; Do Not Track; the page was fetched ahead, and may never be shown."""

_AHEAD = ("sec-purpose", "purpose", "x-purpose", "x-moz")
"""Headers of browsers, today's first, that say what a request is for."""
_PURPOSES = ("prefetch", "prerender", "preview")


def signal_of(header: Header, *, respect_dnt: bool) -> str:
    """Return which of `SIGNALS` a request has, empty for none.

    Args:
        header: those of the request.
        respect_dnt: whether Do Not Track is one.
    """
    if (value := header("sec-gpc")) and _is_on(value):
        return "privacy_control"
    if respect_dnt and (value := header("dnt")) and _is_on(value):
        return "do_not_track"
    for name in _AHEAD:
        if (value := header(name)) and any(word in value.lower() for word in _PURPOSES):
            return "prefetch"
    return ""


def _is_on(value: str) -> bool:
    """Tell whether a header is 1; what comes twice is joined by commas."""
    return "1" in (part.strip() for part in value.split(","))
