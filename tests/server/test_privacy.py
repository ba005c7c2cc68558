"""``docs/privacy.md`` names everything that is stored, each column with a value of a real run."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import MakeSite, Site
from tests.server.user_agents import BOTS, BROWSERS
from tracker_server.manifest import digest_of, parse_manifest
from tracker_server.statements import TABLES

pytestmark = pytest.mark.sqlite_only("it is about a page of the documentation")

PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
HOUR, HALF_MINUTE = 3_600, 30
INSTALL = "/guide/install/"
PHONE = next(agent for agent in BROWSERS if "Android" in agent and "Mobile" in agent)
BOT = next(iter(BOTS))

# What the manifest says of its pages beyond what the one of the contract does.
GROWN: dict[str, dict[str, Any]] = {
    "/": {
        "source": "index.md",
        "created": "2026-01-02",
        "updated": "2026-02-03",
        "authors": ["Ada"],
        "tags": ["kettle"],
        "nav": 1,
        "trail": ["Start"],
        "next": INSTALL,
        "code_lines": 3,
        "reading_seconds": 6,
        "language": "en",
        "links": [INSTALL],
        "anchors": [f"{INSTALL}#with-pipx"],
        "outbound": 2,
    },
    INSTALL: {"formerly": ["/install/"]},
}
OF_THE_SITE = {
    "version": "2.1",
    "versions": {"2.1": ["latest"], "2.0": []},
    "redirects": {"/setup/": INSTALL},
}
KEPT = ("path", "slug", "title", "type", "published", "date", "generated", "words", "headings")

Cell = tuple[str, str]
"""A table and a column of it."""


def _manifest(digest: str, anchor: str) -> bytes:
    """Return a manifest that says all it can.

    Args:
        digest: of the home page.
        anchor: of a heading of the page about installing.
    """
    pages = [
        {key: page[key] for key in KEPT if key in page} | GROWN.get(page["path"], {})
        for page in _pages()
    ]
    pages[0]["digest"] = digest
    head = {"schema": 1, "site_name": "Kettle", "site_url": "https://kettle.example/docs/"}
    text = json.dumps({**head, **OF_THE_SITE, "pages": pages})
    return text.replace('"id": "with-pip"', f'"id": "{anchor}"').encode()


@pytest.fixture
def deployed(make_site: MakeSite) -> Site:
    """Return a tracker that got a manifest twice, in the second of which pages had changed."""
    site = make_site()
    for said in (("0123456789ab", "with-pipx"), ("0123456789cd", "with-pip")):
        data = _manifest(*said)
        site.tracker.recorder.replace_pages(parse_manifest(data), digest_of(data))
    return site


def documented() -> dict[Cell, str]:
    """Return the examples of the page."""
    cells: dict[Cell, str] = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n### ")[1:]:
        tables = re.findall(r"`(\w+)`", section.partition("\n")[0])
        for column, example in re.findall(r"^\| `(\w+)` \|.*\| `(.+)` \|$", section, re.MULTILINE):
            cells |= {(table, column): example for table in tables}
    return cells


def stored(site: Site) -> dict[Cell, str]:
    """Return the first row of each table after somebody has read two pages."""
    _read_two_pages(site)
    cells: dict[Cell, str] = {}
    for name, table in TABLES.items():
        columns = [column.name for column in table.columns]
        row = site.rows(f"SELECT {', '.join(columns)} FROM {name} ORDER BY 1, 2 LIMIT 1")[0]
        cells |= {
            (name, column): _written(value) for column, value in zip(columns, row, strict=True)
        }
    return cells


def _written(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    return "null" if value is None else str(value) or '""'


def _read_two_pages(site: Site) -> None:
    load = {"l": "c0ffee00" * 4, "p": "/"}
    about = {"r": "https://search.example/?q=kettle", "z": "Europe/Vienna", "g": "de-AT", "w": 390}
    campaign = "?utm_source=letter&utm_campaign=spring&token=x"
    script = "https://kettle.example/docs/latest/assets/mkdocs-stats/tracker.js"
    _send(site, PHONE, {"t": "view", "q": campaign, "k": script, **load, **about})
    _send(site, PHONE, {"t": "event", "n": "search", "k": "descale", "c": 3, "u": INSTALL, **load})
    _send(site, PHONE, {"t": "event", "n": "not_found", **load, **about, "p": "/guide/instal/"})
    _send(site, PHONE, {"t": "leave", "v": 40_000, "a": 30_000, "d": 60, **load})
    site.clock.advance(HOUR)
    site.tracker.recorder.clean_up()
    install = {"p": INSTALL, "l": "c0ffee01" * 4}
    _send(site, PHONE, {"t": "view", "k": script, **install, **about})
    site.clock.advance(HALF_MINUTE)
    said = {"v": 30_000, "a": 20_000, "d": 50, "h": {"install": 12_000, "with-pip": 25_000}}
    _send(site, PHONE, {"t": "beat", **said, **install})
    _send(site, BOT, {"t": "view", "p": INSTALL, "l": "c0ffee02" * 4})


def _send(site: Site, agent: str, message: dict[str, object]) -> None:
    body = json.dumps({"s": "c0ffee00-1234-4567-89ab-0123456789ab", **message})
    answer = site.client.post("/api/collect", data=body, headers={"User-Agent": agent})
    assert answer.status_code in {202, 204}


def test_every_column_is_on_the_page() -> None:
    """Each column of each table, and none that is not."""
    columns = {(name, column.name) for name, table in TABLES.items() for column in table.columns}

    assert documented().keys() == columns


def test_the_examples_are_those_of_a_run(deployed: Site) -> None:
    """What stands there is what a tracker writes; of the texts that share a section one."""
    found = stored(deployed)
    examples = documented()
    shared = {table for table in TABLES if {*TABLES[table].columns.keys()} == {"id", "text"}}

    assert {cell: value for cell, value in found.items() if cell[0] not in shared} == {
        cell: value for cell, value in examples.items() if cell[0] not in shared
    }
    texts = {text for table in shared for (text,) in deployed.rows(f"SELECT text FROM {table}")}
    named = set(re.findall(r"`([^`]+)`", PAGE.read_text(encoding="utf-8")))
    assert texts - named <= {page["path"] for page in _pages()} | {"", "(other)"}


def _pages() -> list[dict[str, Any]]:
    manifest = Path(__file__).parents[1] / "contract" / "manifest.json"
    pages = json.loads(manifest.read_text(encoding="utf-8"))["pages"]
    assert isinstance(pages, list)
    return pages
