"""Requests that no browser sends: any route and method, hostile queries, headers and bodies."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from tests.reliability.hostile import TEXTS, VALUES, WHOLES, bodies
from tracker_server.model import EVENTS

TOKEN = "a-token-for-the-fuzzer"
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND")
PARAMETERS = (
    *("period", "from", "to", "grain", "compare", "limit", "path", "page", "referrer"),
    *("campaign", "country", "language", "device", "browser", "version", "metric", "label", "lang"),
    *("list", "content", "source", "place", "client", "x"),
)
USUAL = (
    *("today", "30d", "all", "custom", "2026-01-01", "1970-01-01", "2149-06-06", "hour", "week"),
    *("0", "1", "50", "1000", "/", "/guide/", "de", "AT", "small", "Firefox", "views", "engaged"),
    *("newsletter/email/spring", "entry", "posts", "campaigns", "next", "missing"),
)
HEADERS = (
    *("Accept-Language", "Authorization", "Content-Type", "Cookie", "Host", "If-None-Match"),
    *("If-Modified-Since", "Last-Event-ID", "Origin", "Range", "Referer", "User-Agent"),
    *("DNT", "Sec-GPC", "Sec-Purpose", "Purpose", "X-Moz"),
    *("X-Forwarded-For", "X-Forwarded-Host", "Accept", "Accept-Encoding", "If-Match", "Forwarded"),
)
_PARAMETERS_OF = {
    "/stats": PARAMETERS,
    "/api/report": PARAMETERS[: PARAMETERS.index("metric")],
    "/api/counters": ("path",),
    "/api/stats": ("limit",),
    "/badge.svg": ("metric", "label", "path", "report"),
}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
"""What a message says that it comes from, lest it is left out as a bot's."""
_PAGE = {"path": "/", "slug": "", "title": "Home", "type": "docs", "published": True, "date": None}
_MANIFEST = {"schema": 1, "site_name": "Docs", "site_url": "https://docs.example", "pages": [_PAGE]}
_BODIES = tuple(bodies())


@dataclass(slots=True)
class Forged:
    """One request, before it has the form of WSGI or of HTTP."""

    method: str
    path: bytes
    query: str
    headers: dict[str, str]
    body: bytes = b""


def questions() -> Iterator[Forged]:
    """Yield each parameter of each route that has some with each hostile text, one at a time."""
    for route, names in _PARAMETERS_OF.items():
        for name in names:
            for text in TEXTS:
                query = urlencode(((name, text),), errors="surrogatepass")
                yield Forged("GET", route.encode(), query, {})


class Forge:
    """Makes requests for the routes of an application."""

    def __init__(self, routes: Sequence[str], dice: random.Random) -> None:
        self._routes = routes
        self._dice = dice
        self._number = 0

    def make(self) -> Forged:
        """Make the next one: of a hundred 95 to the collect endpoint, one with a manifest."""
        lot = self._dice.random()
        if lot < 0.95:
            return self._message()
        return self._manifest() if lot < 0.96 else self._question()

    def _message(self) -> Forged:
        dice = self._dice
        body = dice.choice(_BODIES) if dice.random() < 0.3 else self._mutant()
        method = "POST" if dice.random() < 0.98 else dice.choice(METHODS)
        return Forged(method, b"/api/collect", self._query(0.02), self._headers(0.1), body)

    def _mutant(self) -> bytes:
        """Return a message of which one or two things are not as they should be."""
        dice, self._number = self._dice, self._number + 1
        message: dict[str, object] = {
            "t": dice.choice(("view", "view", "beat", "leave", "event")),
            "s": f"00000000-0000-4000-8000-{dice.randrange(40):012x}",
            "l": f"{self._number:032x}",
            "p": dice.choice(("/", "/guide/", "/news/")),
        }
        for key in dice.sample(
            ("r", "z", "g", "w", "q", "v", "a", "d", "n", "k", "c", "u", "o", "h"), 2
        ):
            message[key] = self._value()
        if dice.random() < 0.5:
            message[dice.choice((*message, "p", "p"))] = self._value()
        body = json.dumps(message).encode()
        return self._spoil(body) if dice.random() < 0.4 else body

    def _value(self) -> object:
        dice = self._dice
        return dice.choice(
            (
                dice.choice(TEXTS),
                "/" + dice.choice(TEXTS),
                "https://" + dice.choice(TEXTS),
                "utm_source=" + quote(dice.choice(TEXTS), errors="surrogatepass"),
                dice.choice(USUAL),
                dice.choice((*EVENTS, "not_found")),
                f"https://x.example/{dice.choice(TEXTS)}/assets/mkdocs-stats/tracker.js",
                {dice.choice(TEXTS): dice.randrange(1 << 40)},
                dice.randrange(-(1 << 70), 1 << 70),
                dice.random() * 10.0 ** dice.randrange(-300, 300),
                {"l": "0" * 16, "p": "/" + dice.choice(TEXTS), "v": 1 << 65},
                [dice.choice(TEXTS)],
                None,
                True,
            )
        )

    def _spoil(self, body: bytes) -> bytes:
        """Return a body with some bytes gone, doubled or changed, or a value of no JSON."""
        dice = self._dice
        if dice.random() < 0.3:
            return body.replace(b'"/"', dice.choice(VALUES).encode(errors="surrogatepass"), 1)
        at, size = dice.randrange(len(body)), dice.choice((1, 1, 2, 4, 30))
        new = dice.choice((b"", dice.randbytes(size), body[at : at + size] * 2, b"\x00", b'"'))
        return body[:at] + new + body[at + size :]

    def _manifest(self) -> Forged:
        dice = self._dice
        document: dict[str, object] = dict(_MANIFEST)
        page: dict[str, object] = dict(_PAGE)
        dice.choice((document, page))[dice.choice((*_PAGE, *_MANIFEST, "words"))] = self._value()
        document["pages"] = [page] * dice.choice((1, 1, 2)) + [{**_PAGE, "path": "/guide/"}]
        body = dice.choice((json.dumps(document).encode(), *dice.sample(WHOLES, 2)))
        headers = {"Authorization": f"Bearer {TOKEN}"} | self._headers(0.1)
        return Forged("PUT", b"/api/manifest", "", headers, self._spoil(body or b"{}"))

    def _question(self) -> Forged:
        dice = self._dice
        method = "GET" if dice.random() < 0.8 else dice.choice(METHODS)
        path = dice.choice(self._routes).encode()
        if dice.random() < 0.2:
            path += b"/" * (dice.random() < 0.5) + dice.choice(TEXTS).encode(errors="surrogatepass")
        body = dice.choice(WHOLES) if method in {"POST", "PUT"} else b""
        return Forged(method, path, self._query(0.9), self._headers(0.5), body)

    def _query(self, share: float) -> str:
        dice = self._dice
        if dice.random() >= share:
            return ""
        if dice.random() < 0.1:
            return quote(dice.choice(TEXTS), safe="<>\"'&=;%/?", errors="surrogatepass")
        pairs = [
            (dice.choice(PARAMETERS), dice.choice(TEXTS if dice.random() < 0.5 else USUAL))
            for _ in range(dice.randint(1, 4))
        ]
        return urlencode(pairs, errors="surrogatepass")

    def _headers(self, share: float) -> dict[str, str]:
        dice = self._dice
        headers = {"User-Agent": BROWSER}
        if dice.random() < share:
            names = dice.sample(HEADERS, dice.randint(1, 4))
            headers |= {name: _sendable(dice.choice((*TEXTS, *USUAL))) for name in names}
        return headers


def _sendable(text: str) -> str:
    """Return a text as a server hands a header on: bytes as Latin-1, without ends of lines."""
    raw = text.encode(errors="surrogatepass").decode("latin-1")
    return raw.translate(dict.fromkeys(map(ord, "\r\n\0"), " ")).strip()
