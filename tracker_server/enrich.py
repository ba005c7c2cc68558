"""What a view says beside its path, cut down to what reports need and nothing that identifies."""

import json
import re
from functools import lru_cache
from importlib.resources import files
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_HOST_CHARS = 100
MAX_QUERY_CHARS = 512
MAX_CAMPAIGN_PART_CHARS = 64
MAX_CAMPAIGN_CHARS = 3 * 3 * MAX_CAMPAIGN_PART_CHARS + 2
"""How long `campaign_of` can be: three parts of which each character was escaped."""

_COUNTRY_BY_ZONE: dict[str, str] = json.loads(
    (files("tracker_server") / "data" / "time_zones.json").read_text()
)
_LANGUAGE = re.compile(r"([a-zA-Z]{2,3})(?:[-_][a-zA-Z0-9-_]*)?")
MAX_LABEL_CHARS = 200
_LOOKED_AT_CHARS = 3 * MAX_LABEL_CHARS
"""How much of a text is looked at: what is blotted out gets shorter."""
# A run of characters is only looked at from its beginning: from each of them it is quadratic.
_MAIL = re.compile(r"(?<![^\s@/])[^\s@/]+(?:@|%(?:25)*40)[^\s/]+")
_SECRET = re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}")
# As base64 writes 128 bits; where a slash may also be that of a path, 192.
_MIXED = re.compile(r"(?<![\w+/-])(?:[\w+-]{22,}(?![\w+/-])|[\w+/-]{32,})={0,2}")
_TURN = re.compile(r"[a-z](?=[A-Z])|[A-Za-z](?=\d)|\d(?=[A-Za-z])")
_TURN_CHARS = 6
_APART = r"[ ./()\u2013-]{0,3}"
"""What may stand between two digits of a long number."""
_NUMBER = re.compile(
    r"(?P<plain>(?<![+\d])(?:"
    r"20\d\d(?P<a>[./-])[01]?\d(?P=a)[0-3]?\d(?!\d)"
    r"|[0-3]?\d(?P<b>[./-])[0-3]?\d(?P=b)20\d\d(?!\d)"
    rf"|(?:20\d\d[./-][01]\d|\d{{1,2}}\.\d{{1,2}}\.\d{{1,3}})(?!{_APART}\d)))"
    rf"|\+?\d(?:{_APART}\d){{7,}}"
    r"|\+?\d(?:[ .()-]?\d){5,}"
)
"""Numbers; `plain` are dates of this century, months of it, and versions of three parts."""
_LAST_WORD = re.compile(r"(?<![^\s/?&=])[^\s/?&=]+\Z")
_ANCHOR = re.compile(r"[^\s=&]+")
_RANDOM_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Version/", "Safari"),
)
"""What a user agent has in it, and whose it then is; the first that fits, as most name Chrome."""
MAX_SCRIPT_CHARS = 1_000
_VERSION = re.compile(r"/([^/]+)/[^/]+/[^/]+/[^/]+$")
_NAME_OF_VERSION = re.compile(r"[\w.+~-]{1,50}")
_HOST = re.compile(r"[a-z0-9.:\[\]_-]+")


def host_of(url: object, own_host: str = "") -> str:
    """Return the host of a referrer without ``www.``; empty for none, nonsense and `own_host`."""
    return _host_of(url, own_host) if isinstance(url, str) and url else ""


@lru_cache(maxsize=2_048)
def _host_of(url: str, own_host: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
        # International names in the form that DNS has, so that one host is one row.
        host = host.encode("idna").decode() if not host.isascii() else host
    except ValueError:  # An unclosed bracket; a label that is no international name.
        return ""
    if host == own_host.strip("[]") or len(host) > MAX_HOST_CHARS or not _HOST.fullmatch(host):
        return ""
    return host.removeprefix("www.")


def campaign_of(query: object) -> str:
    """Return source, medium and name of the campaign that an address tells.

    Args:
        query: the address's query, of which ``utm_source``, ``utm_medium`` and
            ``utm_campaign`` within the first `MAX_QUERY_CHARS` are looked at.

    Returns:
        The three, joined by ``/``; what is not said is empty, and ``/`` and ``%`` in them are
        percent-encoded. Empty when none is said.
    """
    if not isinstance(query, str) or "utm_" not in query:
        return ""
    return _campaign_of(query[:MAX_QUERY_CHARS])


@lru_cache(maxsize=2_048)
def _campaign_of(query: str) -> str:
    said: dict[str, str] = {}
    for name, value in parse_qsl(query.removeprefix("?"), errors="ignore"):
        said.setdefault(name, value)
    source, medium, name = (
        _campaign_part(said.get(key, "")) for key in ("utm_source", "utm_medium", "utm_campaign")
    )
    parts = source.lower(), medium.lower(), name
    if not any(parts):
        return ""
    return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)


def _campaign_part(text: str) -> str:
    """Return one line; a newsletter may put its reader's address there, which is blotted out."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    line = line.encode(errors="ignore").decode()  # Half a character is none.
    return _MAIL.sub("***", line)[:MAX_CAMPAIGN_PART_CHARS].strip()


@lru_cache(maxsize=2_048)
def browser_of(agent: str) -> str:
    """Return the family of a browser, one of `_BROWSERS`; empty for all others.

    No version: with it a user agent would tell readers apart. A library would know a thousand
    families more, each of which would be a row of its own.
    """
    if not agent.startswith("Mozilla/5.0 "):
        return ""
    return next((name for token, name in _BROWSERS if token in agent), "")


def country_of(zone: object) -> str:
    """Return the country of an IANA time zone; empty where it has none or is unknown."""
    return _COUNTRY_BY_ZONE.get(zone, "") if isinstance(zone, str) else ""


def language_of(tag: object) -> str:
    """Return the primary subtag of a BCP 47 tag in lower case; empty for anything else."""
    match = _LANGUAGE.fullmatch(tag) if isinstance(tag, str) and len(tag) <= 35 else None
    return match[1].lower() if match else ""


def label_of(text: object) -> str:
    """Return one line of what a reader typed or clicked, at most `MAX_LABEL_CHARS` long.

    What looks like a mail address, a number or a secret is blotted out, as ``docs/privacy.md``
    says it; the second script does less. A word that is too long to be looked at whole is too.
    """
    if not isinstance(text, str):
        return ""
    line = text[:_LOOKED_AT_CHARS]
    if len(text) > _LOOKED_AT_CHARS:
        line = _LAST_WORD.sub("***", line)
    line = " ".join("".join(c if c.isprintable() else " " for c in line).split())
    line = line.encode(errors="ignore").decode()  # Half a character is none.
    return _blot(line)[:MAX_LABEL_CHARS]


def _blot(line: str) -> str:
    """Blot out one kind after the other, so that none begins in the middle of another."""
    line = _SECRET.sub("***", _MAIL.sub("***", line))
    return _NUMBER.sub(lambda match: match["plain"] or "***", _MIXED.sub(_blot_mixed, line))


def _blot_mixed(match: re.Match[str]) -> str:
    """Blot out what is mixed as only random letters are, but for the path of an address."""
    text = match[0]
    before = match.string[: match.start()].rpartition(" ")[2]
    if "://" in before + text or not _is_mixed(text):
        return text
    return "***"


def _is_mixed(text: str) -> bool:
    kinds = (str.islower, str.isupper, str.isdigit)
    turns = len(_TURN.findall(text))
    return turns * _TURN_CHARS >= len(text) and all(any(map(kind, text)) for kind in kinds)


@lru_cache(maxsize=2_048)
def blot_path(path: str) -> str:
    """Return a path with ``*`` for each segment that has in it what `label_of` blots out.

    Secrets are looked for word by word between dashes: a segment is often a whole title.
    """
    return "/".join("*" if _is_private(segment) else segment for segment in path.split("/"))


def _is_private(name: str) -> bool:
    return bool(
        _MAIL.search(name)
        or _RANDOM_ID.search(name)
        or _NUMBER.sub(lambda match: match["plain"] or "", name) != name
        or any(map(_SECRET.search, name.split("-")))
        or any(map(_is_mixed, _MIXED.findall(name)))
    )


def version_of(script: object) -> str:
    """Return which version of the documentation a page is of, as its address calls it.

    Args:
        script: address of the tracker script, which is two folders below that of the version.

    Returns:
        The name of that folder; empty where there is none, or it can be no version.
    """
    return _version_of(script) if isinstance(script, str) and script else ""


@lru_cache(maxsize=512)
def _version_of(script: str) -> str:
    try:
        match = _VERSION.search(urlsplit(script[:MAX_SCRIPT_CHARS]).path)
    except ValueError:  # An unclosed bracket.
        return ""
    name = unquote(match[1]) if match else ""
    return name if _NAME_OF_VERSION.fullmatch(name) else ""


def anchor_of(text: object) -> str:
    """Return what stands behind the ``#`` of an address; empty for what names no place in a page.

    An id has no space, and what has ``=`` or ``&`` in it is a list of values, as sign-ins leave
    there. What `blot_path` takes for private is none either, word by word between dashes.
    """
    if not isinstance(text, str) or not _ANCHOR.fullmatch(text) or _RANDOM_ID.search(text):
        return ""
    return text if text.isprintable() and not any(map(_is_private, text.split("-"))) else ""


def device_of(width: object) -> str:
    """Return the class of a viewport width in CSS pixels; empty for all but a number above 0."""
    if isinstance(width, bool) or not isinstance(width, int) or width <= 0:
        return ""
    if width < 600:
        return "small"
    return "medium" if width < 1_200 else "large"
