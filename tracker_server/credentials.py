"""What lets somebody in: one password, sessions, tokens and share links; pure values.

Of what is secret only hashes are kept. Those of tokens, links and sessions are plain SHA-256,
since they have 256 bits that nobody can guess; only what a person makes up needs a slow one.
"""

import hmac
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from tracker_server.errors import StorageError

SECRET_BYTES = 32
ID_BYTES = 6
MAX_SESSIONS = 50
"""How many browsers may be signed in; the one that signed in first goes."""
SESSION_SECONDS = 14 * 86_400
TOKEN, SHARE, SESSION = "token", "share", "session"
STATS_READ = "stats:read"
MANIFEST_WRITE = "manifest:write"
METRICS_READ = "metrics:read"
SCOPES = (STATS_READ, MANIFEST_WRITE, METRICS_READ)
"""What a token may be for; a session may do everything."""
ADMIN_SCOPE = "admin"

MakeSecret = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One thing that somebody may do, for as long as it is listed and not over."""

    kind: str
    """``token``, ``share`` or ``session``."""
    name: str = ""
    scope: str
    section: str = ""
    """Of a share link: what paths must begin with, empty for all."""
    created: int
    expires: int | None
    """When it is over, in seconds since the epoch; ``None`` for never."""
    id: str = ""
    digest: str = ""
    """SHA-256 of the secret."""

    def holds(self, now: float) -> bool:
        """Tell whether it is not over."""
        return self.expires is None or now < self.expires


@dataclass(frozen=True, slots=True)
class Credentials:
    """All that lets somebody in."""

    key: bytes = b""
    """Proves that forms and cookies are of this tracker; empty until something needs it."""
    password: str = ""
    """A hash of argon2id; empty lets nobody sign in."""
    grants: tuple[Grant, ...] = ()

    def find(self, kind: str, secret: str, now: float) -> Grant | None:
        """Return what a secret grants."""
        digest = digest_of(secret)
        found = None
        for grant in self.grants:  # All of them: how long it takes tells nothing.
            if grant.kind == kind and hmac.compare_digest(grant.digest, digest):
                found = grant
        return found if found is not None and found.holds(now) else None

    def by_id(self, kind: str, wanted: str, now: float) -> Grant | None:
        """Return a grant that is in force."""
        return next(
            (g for g in self.grants if g.kind == kind and g.id == wanted and g.holds(now)), None
        )

    def of_kind(self, kind: str) -> tuple[Grant, ...]:
        """Return all grants of a kind, those that are over too."""
        return tuple(grant for grant in self.grants if grant.kind == kind)

    def mac(self, purpose: str, text: str) -> str:
        """Return what proves that a text is of this tracker; empty without a key."""
        if not self.key:
            return ""
        return hmac.new(self.key, f"{purpose}|{text}".encode(), sha256).hexdigest()

    def proves(self, purpose: str, text: str, proof: str) -> bool:
        """Tell whether `mac` made a proof of a text."""
        expected = self.mac(purpose, text)
        given = proof.encode(errors="replace")
        return bool(expected and text) and hmac.compare_digest(given, expected.encode())

    def adding(self, grant: Grant, now: float) -> "Credentials":
        """Return these with one more; sessions that are over, or too many, go."""
        sessions = [g for g in self.of_kind(SESSION) if g.holds(now)]
        if grant.kind == SESSION:
            sessions = sessions[-MAX_SESSIONS + 1 :]
        others = (g for g in self.grants if g.kind != SESSION)
        return replace(self, grants=(*others, *sessions, grant))

    def without(self, *ids: str) -> "Credentials":
        """Return these without some grants."""
        return replace(self, grants=tuple(g for g in self.grants if g.id not in ids))

    def rehashed(self, before: str, password: str) -> "Credentials":
        """Return these with another hash of the same password, unless it was changed meanwhile."""
        return replace(self, password=password) if self.password == before else self

    def with_password(self, password: str) -> "Credentials":
        """Return these with another password, or none; everybody has to sign in again."""
        return replace(
            self,
            password=password,
            grants=tuple(g for g in self.grants if g.kind != SESSION),
        )


def digest_of(secret: str) -> str:
    """Return the hash that is kept of a secret."""
    return sha256(secret.encode(errors="replace")).hexdigest()


def parse_credentials(data: bytes) -> Credentials:
    """Read what `dump_credentials` wrote; nothing at all is nobody's.

    Raises:
        StorageError: it was written by something else.
    """
    if not data:
        return Credentials()
    try:
        said = json.loads(data)
        grants = tuple(Grant(**grant) for grant in said["grants"])
        key, password = bytes.fromhex(said["key"]), said["password"]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"cannot be read: {error}") from error
    return Credentials(key, password, grants)


def dump_credentials(credentials: Credentials) -> bytes:
    """Write all of it as JSON."""
    said = {
        "key": credentials.key.hex(),
        "password": credentials.password,
        "grants": [asdict(grant) for grant in credentials.grants],
    }
    return json.dumps(said, indent=1).encode()
