"""Headers that say why a request is sent, and what they mean to a tracker."""

SAID = {
    "privacy_control": [{"sec-gpc": "1"}, {"sec-gpc": " 1 "}, {"sec-gpc": "1,1"}],
    "do_not_track": [{"dnt": "1"}, {"dnt": "1, 1"}],
    "prefetch": [
        *({"sec-purpose": value} for value in ("prefetch", "prefetch;prerender", "Prefetch")),
        {"sec-purpose": "prefetch;anonymous-client-ip"},
        *({"purpose": value} for value in ("prefetch", "preview", "prerender")),
        *({"x-purpose": value} for value in ("preview", "prefetch")),
        {"x-moz": "prefetch"},
    ],
    "": [
        {},
        *({"sec-gpc": value} for value in ("0", "", "10", "null")),
        *({"dnt": value} for value in ("0", "", "unspecified")),
        dict.fromkeys(("sec-purpose", "purpose", "x-moz"), ""),
        {"sec-purpose": "fictional"},
        {"sec-fetch-mode": "no-cors", "x-requested-with": "prefetch"},
    ],
}
"""By signal, none of them last."""
