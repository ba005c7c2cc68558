"""Two hundred hostile texts in everything that the tracker's page shows, in a real browser."""

import json
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.conftest import eventually, fetch_json, tracking
from tests.e2e.pages import send_view
from tests.processes import free_port
from tests.reliability.hostile import TEXTS
from tracker_server.fields import _UNWRITABLE
from tracker_server.paths import _FORBIDDEN

TEXTS_SENT = [text[:200] for text in TEXTS if text.strip() and not _UNWRITABLE.search(text)]
PAYLOADS = (TEXTS_SENT + [f'"><script>alert("{text}")</script>' for text in TEXTS_SENT] * 2)[:200]
VIEWS = ("", "?content=entry&source=campaigns", "?list=pages", "?list=campaigns", "?lang=de")
LISTEN = """
window.broken = [];
addEventListener("securitypolicyviolation", (event) => broken.push(event.violatedDirective));
"""


def _of_a_path(text: str) -> str:
    """Return what of a text may be part of a path."""
    return unicodedata.normalize("NFC", _FORBIDDEN.sub("", text).replace("/", ""))[:60]


def _pages() -> list[dict[str, Any]]:
    return [
        {
            "path": f"/{number}/{_of_a_path(text)}/",
            "slug": text,
            "title": text,
            "type": "page",
            "published": True,
            "date": None,
        }
        for number, text in enumerate(PAYLOADS)
    ]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Return a folder with a manifest whose titles and paths are hostile."""
    site = {"schema": 1, "site_name": PAYLOADS[0], "site_url": "javascript:x", "pages": _pages()}
    (tmp_path / "manifest.json").write_text(json.dumps(site))
    return tmp_path


def test_no_text_becomes_markup(hostile: Path, reader: BrowserContext) -> None:
    """Nothing runs, nothing is refused by the content policy, and each text stands as it is."""
    said: list[str] = []
    page = reader.new_page()
    page.add_init_script(LISTEN)
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("console", lambda message: said.append(message.text))
    with tracking(hostile, free_port(), "--manifest", "manifest.json") as tracker:
        paths = [row["path"] for row in _pages()]
        for path, text in zip(paths, PAYLOADS, strict=True):
            encoded = quote(path, safe="/")
            query = f"utm_source={quote(text[:60])}&utm_campaign={quote(text[:60])}"
            send_view(tracker, encoded, r=f"https://{text[:60]}.example/", q=query, z=text[:60])
        eventually(lambda: fetch_json(f"{tracker}/api/stats")["pageCount"] == 200, "all counted")
        for view in (*VIEWS, f"?page={quote(paths[3])}"):
            page.goto(f"{tracker}/stats{view}")
            expect(page.locator("main")).to_be_visible()
            assert page.evaluate("broken") == []
            assert page.locator("main script, main img, main iframe, main base").count() == 0
        page.goto(f"{tracker}/stats?list=pages")
        expect(page.locator("tr[data-path]")).to_have_count(200)
        titles = page.locator("tr[data-path] a.row").all_text_contents()
        page.goto(f"{tracker}/stats")
        send_view(tracker, quote(paths[7], safe="/"))  # By the stream, and drawn by the script.
        newest = page.locator("[data-feed] li").first.locator("[data-row-link]")
        expect(newest).to_have_text(PAYLOADS[7])
        assert page.evaluate("broken") == []

    assert sorted(map(_seen, titles)) == sorted(map(_seen, PAYLOADS))
    assert said == []


def _seen(text: str) -> str:
    """Return a text as HTML has it: ends of lines are one character."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
