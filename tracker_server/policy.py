"""What holds on each route: who may, from where, by which methods, with which headers.

Decided in one table, which `guard` enforces; an application with a route that is not in it does
not start. So nobody can add a route and forget who may use it.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

COLLECT = "/api/collect"
READ = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = READ | {"POST"}

EVERYBODY, FIGURES, COUNTERS = "everybody", "figures", "counters"
NUMBERS, MANIFEST, ADMIN = "numbers", "manifest", "admin"
OWN, SITES, ANY = "own", "sites", "any"

_NO_FEATURES = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "camera", "display-capture"),
        *("encrypted-media", "fullscreen", "geolocation", "gyroscope", "magnetometer"),
        *("microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-get"),
        *("screen-wake-lock", "usb", "xr-spatial-tracking"),
    )
)
_CONTENT = {
    "page": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "data": "default-src 'none'; frame-ancestors 'none'",
    # Opened by itself it is a document of this origin: nothing in it shall ever run.
    "picture": "default-src 'none'; sandbox",
}
"""By what an answer is, what a browser may load and run for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What holds on one route."""

    who: str
    """``everybody``; ``figures``, ``counters`` or ``numbers``: who may read these; ``manifest``:
    who may put one; ``admin``: who has signed in."""
    methods: frozenset[str] = READ
    origins: str = OWN
    """Whose pages may use it besides a person: the tracker's ``own``, those of the ``sites`` that
    are counted, or ``any``."""
    content: str = "data"
    """What is answered: a ``page``, a ``picture``, or ``data``."""
    cache: str = "no-store"
    """For how long an answer is kept that does not say so itself."""
    is_form: bool = False
    """Whether what changes something is sent by a form of ours, which proves it by a token."""
    limit: str = "threads"
    """What bounds its use: ``messages``, ``sign_in`` (`limits`), ``streams``, ``reports`` (a few
    are read at a time), or only the ``threads`` that requests share."""
    within: tuple[str, ...] | None = None
    """Parameters that name pages, by which a share link of a section is held; ``None`` is closed
    to these links."""
    index: bool = False
    """Whether who has such a link may ask without naming a page."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers that each answer has."""
        return _headers(self.content, self.origins)


@cache
def _headers(content: str, origins: str) -> Mapping[str, str]:
    return MappingProxyType(
        {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": _NO_FEATURES,
            "Content-Security-Policy": _CONTENT[content],
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "cross-origin" if origins == ANY else "same-origin",
        }
    )


MESSAGE_HEADERS = (
    ("Access-Control-Allow-Origin", "*"),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
)
"""Of answers to messages: these are no documents, and nearly all answers there are."""

_PROBE = Policy(who=EVERYBODY)
POLICIES: Mapping[str, Policy] = MappingProxyType(
    {
        COLLECT: Policy(
            who=EVERYBODY, methods=frozenset({"POST", "OPTIONS"}), origins=ANY, limit="messages"
        ),
        "/": _PROBE,
        "/healthz": _PROBE,
        "/readyz": _PROBE,
        "/static/<path:filename>": Policy(who=EVERYBODY, cache="no-cache"),
        "/stats": Policy(
            who=FIGURES, content="page", limit="reports", within=("page", "path"), index=True
        ),
        "/api/stats": Policy(who=FIGURES, origins=SITES, cache="no-cache"),
        "/api/live": Policy(who=FIGURES, origins=SITES, limit="streams"),
        "/api/report": Policy(
            who=FIGURES,
            origins=SITES,
            cache="no-cache",
            limit="reports",
            within=("page", "path"),
        ),
        "/api/content/<report>": Policy(
            who=FIGURES, origins=SITES, cache="no-cache", limit="reports"
        ),
        "/stats/content": Policy(who=FIGURES, content="page", limit="reports"),
        "/stats/content/<report>": Policy(who=FIGURES, content="page", limit="reports"),
        "/api/counters": Policy(who=COUNTERS, origins=SITES, cache="no-cache", within=("path",)),
        "/badge.svg": Policy(
            who=COUNTERS, origins=ANY, content="picture", cache="no-cache", within=("path",)
        ),
        "/metrics": Policy(who=NUMBERS),
        "/api/manifest": Policy(who=MANIFEST, methods=frozenset({"PUT", "OPTIONS"})),
        "/sign-in": Policy(
            who=EVERYBODY, methods=_FORM, content="page", is_form=True, limit="sign_in"
        ),
        "/sign-out": Policy(
            who=ADMIN, methods=frozenset({"POST", "OPTIONS"}), content="page", is_form=True
        ),
        "/share/<secret>": Policy(who=EVERYBODY, content="page"),
    }
)
"""By the rule of the route."""

VARIANTS: Mapping[str, tuple[str, Policy]] = MappingProxyType(
    {
        # How many rows a report has tells of its rows, so who may not see these may not see it.
        "/badge.svg": (
            "report",
            Policy(who=FIGURES, origins=ANY, content="picture", cache="no-cache", limit="reports"),
        )
    }
)
"""Parameters with which something else is asked for, and what holds then."""


def policy_of(rule: str, parameters: Container[str]) -> Policy:
    """Return what holds for a request, by the names of its parameters, whatever they say."""
    name, variant = VARIANTS.get(rule, ("", None))
    return variant if variant is not None and name in parameters else POLICIES[rule]


NOWHERE = Policy(who=EVERYBODY)
"""What holds for an answer that no route gives."""
