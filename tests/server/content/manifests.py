"""How tests put a manifest in force, and how programs view its pages."""

import json
from typing import Any

from tests.server.conftest import Site, session_id
from tracker_server.manifest import digest_of, parse_manifest

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def page(path: str, **keys: Any) -> dict[str, Any]:
    """Return an entry of a manifest; its title is its path in capitals where none is said."""
    named = {"path": path, "slug": path.strip("/"), "title": path.strip("/").upper()}
    return {**named, "type": "page", "published": True, **keys}


def deploy(site: Site, *pages: dict[str, Any], **head: Any) -> None:
    """Put a manifest in force the way a build's does: as bytes that are checked."""
    document = {"schema": 1, "site_name": "Kettle", "site_url": None, "pages": [*pages], **head}
    data = json.dumps(document).encode()
    site.tracker.recorder.replace_pages(parse_manifest(data), digest_of(data))


def bot_view(site: Site, path: str, times: int = 1) -> None:
    """Let a program view a page."""
    message = {"t": "view", "s": session_id(0), "l": f"{0:032x}", "p": path}
    for _ in range(times):
        answer = site.client.post(
            "/api/collect", data=json.dumps(message), headers={"User-Agent": BOT}
        )
        assert answer.status_code < 300
