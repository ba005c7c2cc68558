"""Who asks, and what they may: from the headers of a request to a yes or no."""

import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_network

from tracker_server.config import Settings
from tracker_server.credentials import (
    MANIFEST_WRITE,
    METRICS_READ,
    SESSION,
    SHARE,
    STATS_READ,
    TOKEN,
    Grant,
)
from tracker_server.errors import StorageError
from tracker_server.hosts import host_and_port
from tracker_server.identity import is_in
from tracker_server.keyring import Keyring
from tracker_server.policy import ADMIN, COUNTERS, EVERYBODY, FIGURES, MANIFEST, NUMBERS, Policy

PUBLIC, ONLY_COUNTERS, PRIVATE = "public", "counters", "private"
SESSION_COOKIE, SHARE_COOKIE, FORM_COOKIE = "stats_session", "stats_share", "stats_form"
HOST_PREFIX = "__Host-"
"""Before the name of a cookie that browsers take over TLS only, and from this host only."""
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1"))

Header = Callable[[str], str]
"""Returns a header of a request by its lower-case name, empty where there is none."""
LeadOn = Callable[[Collection[str]], Mapping[str, str]]
"""Returns those of some paths that are former ones, and the paths of their pages."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. Nobody in particular has no kind."""

    kind: str = ""
    """``session`` of the owner, ``token`` or ``share``."""
    id: str = ""
    """Of the grant; empty for a token from the settings."""
    scopes: frozenset[str] = frozenset()
    section: str = ""
    secret: str = ""
    """That of the session, which its forms are bound to."""


NOBODY = Viewer()


class Admission:
    """Decides for one tracker; safe to use from any thread."""

    def __init__(
        self, settings: Settings, keyring: Keyring, clock: Callable[[], float], lead_on: LeadOn
    ) -> None:
        self._lead_on = lead_on
        self._visibility = settings.visibility
        self._keyring = keyring
        self._clock = clock
        tokens = {MANIFEST_WRITE: settings.manifest_token, METRICS_READ: settings.metrics_token}
        self._settings_tokens = {scope: token for scope, token in tokens.items() if token}

    def viewer(self, header: Header) -> Viewer:
        """Tell who sent a request: what it carries that is in force, a token before cookies.

        Raises:
            StorageError: the file of the credentials cannot be read.
        """
        authorization = header("authorization")
        if authorization.startswith("Bearer "):
            return self._bearer(authorization.removeprefix("Bearer "))
        sent = header("cookie")
        cookies = read_cookies(sent, prefixed=not is_local(header)) if sent else {}
        return self._session(cookies) or self._share(cookies) or NOBODY

    def may(self, policy: Policy, viewer: Viewer) -> bool:
        """Tell whether somebody may use a route; of a share link see also `section_of`."""
        if not self.is_private(policy):
            return True
        if policy.who == ADMIN:
            return viewer.kind == SESSION
        if policy.who in {FIGURES, COUNTERS}:
            return STATS_READ in viewer.scopes
        if policy.who == MANIFEST:
            return MANIFEST_WRITE in viewer.scopes
        return METRICS_READ in viewer.scopes or self._may_read_numbers(viewer)

    def section_of(self, policy: Policy, viewer: Viewer) -> str:
        """Return the section that somebody sees only, empty where something else lets them in."""
        return viewer.section if self.is_private(policy) else ""

    def is_within(self, section: str, paths: Collection[str]) -> bool:
        """Tell whether the figures of these paths are all of pages of a section.

        A former path has those of its page, so it is where that is now.
        """
        pages = {**dict(zip(paths, paths, strict=True)), **self._lead_on(paths)}
        return all(page.startswith(section) for page in pages.values())

    def is_private(self, policy: Policy) -> bool:
        """Tell whether answers of a route are for some and not for others."""
        return policy.who != EVERYBODY and not self._is_open(policy)

    def takes_manifests(self) -> bool:
        """Tell whether there is any token that may put one."""
        now = self._clock()
        return MANIFEST_WRITE in self._settings_tokens or any(
            grant.scope == MANIFEST_WRITE and grant.holds(now)
            for grant in self._keyring.read().of_kind(TOKEN)
        )

    def may_follow(self, header: Header) -> Callable[[], bool]:
        """Return what tells whether somebody who was let in to read figures still is in."""
        if self._visibility == PUBLIC:
            return lambda: True
        try:
            viewer = self.viewer(header)
        except StorageError:
            viewer = NOBODY
        return lambda: self._is_in_force(viewer)

    def _is_in_force(self, viewer: Viewer) -> bool:
        try:
            credentials = self._keyring.read()
        except StorageError:  # What cannot be read lets nobody in.
            return False
        return credentials.by_id(viewer.kind, viewer.id, self._clock()) is not None

    def _is_open(self, policy: Policy) -> bool:
        if policy.who == FIGURES:
            return self._visibility == PUBLIC
        if policy.who == COUNTERS:
            return self._visibility in {PUBLIC, ONLY_COUNTERS}
        if policy.who == NUMBERS:
            return self._visibility == PUBLIC and METRICS_READ not in self._settings_tokens
        return False

    def _may_read_numbers(self, viewer: Viewer) -> bool:
        """Numbers of the process tell who reads now, so they are no more public than figures."""
        whole = STATS_READ in viewer.scopes and viewer.kind != SHARE
        return METRICS_READ not in self._settings_tokens and whole

    def _bearer(self, given: str) -> Viewer:
        scopes = {
            scope
            for scope, token in self._settings_tokens.items()
            if hmac.compare_digest(given.encode(errors="replace"), token.encode())
        }
        grant = self._keyring.read().find(TOKEN, given, self._clock())
        if grant is not None:
            return Viewer(TOKEN, grant.id, frozenset({*scopes, grant.scope}))
        return Viewer(TOKEN, "", frozenset(scopes)) if scopes else NOBODY

    def _session(self, cookies: Mapping[str, str]) -> Viewer | None:
        secret = cookies.get(SESSION_COOKIE)
        if not secret:
            return None
        grant = self._keyring.read().find(SESSION, secret, self._clock())
        if grant is None:
            return None
        return Viewer(SESSION, grant.id, frozenset({STATS_READ}), secret=secret)

    def _share(self, cookies: Mapping[str, str]) -> Viewer | None:
        wanted, _, proof = cookies.get(SHARE_COOKIE, "").partition(".")
        if not wanted:
            return None
        credentials = self._keyring.read()
        is_ours = credentials.proves(SHARE, wanted, proof)
        grant = credentials.by_id(SHARE, wanted, self._clock()) if is_ours else None
        if grant is None:
            return None
        return Viewer(SHARE, grant.id, frozenset({STATS_READ}), grant.section)


def share_cookie(keyring: Keyring, grant: Grant) -> str:
    """Return what a browser keeps in the place of a link: it leads to no link, and goes with it."""
    return f"{grant.id}.{keyring.with_key().mac(SHARE, grant.id)}"


def read_cookies(header: str, *, prefixed: bool) -> dict[str, str]:
    """Return the cookies of the tracker by their names without prefix.

    Where there is TLS only those with the prefix count: no other host can have set them.
    """
    try:
        found = {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
    prefix = HOST_PREFIX if prefixed else ""
    names = (SESSION_COOKIE, SHARE_COOKIE, FORM_COOKIE)
    return {name: found[prefix + name] for name in names if prefix + name in found}


def is_local(header: Header) -> bool:
    """Tell whether a browser of this machine asks, without TLS and without a proxy between."""
    if any(header(name) for name in ("forwarded", "x-forwarded-for", "x-forwarded-proto")):
        return False
    name = host_and_port(f"http://{header('host')}")[0]
    return name == "localhost" or name.endswith(".localhost") or is_in(name, _LOOPBACK)
