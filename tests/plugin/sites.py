"""Small sites that the tests build, and what they look at afterwards."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urljoin, urlsplit

import jsonschema
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.config.defaults import MkDocsConfig

from tracker_server.manifest import parse_manifest

REPOSITORY = Path(__file__).parents[2]
TRACKER = "https://stats.example.org"

Entry = dict[str, object]


@dataclass(frozen=True)
class Tags:
    """The elements of a page's head that concern the plugin."""

    metas: list[str]
    trackers: list[dict[str, str | None]]
    addresses: list[str]
    """Addresses of all the plugin's scripts and stylesheets."""


def forget_plugins() -> None:
    """Drop the plugin objects that MkDocs keeps for the life of a process."""
    schema = cast("dict[str, Any]", dict(MkDocsConfig._schema))
    schema["plugins"].plugin_cache.clear()


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags = Tags([], [], [])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "meta" and found.get("name") == "mkdocs-stats":
            self.tags.metas.append(str(found["content"]))
        if tag == "script" and "data-tracker" in found:
            self.tags.trackers.append(found)
        address = found.get("src") or found.get("href") or ""
        if tag in {"script", "link"} and "assets/mkdocs-stats/" in address:
            self.tags.addresses.append(address)


def read_tags(html: str) -> Tags:
    """Find the plugin's elements in a page."""
    parser = _Parser()
    parser.feed(html)
    return parser.tags


@dataclass(frozen=True)
class Built:
    """A built site."""

    root: Path
    """The folder of the built site."""

    config: MkDocsConfig

    def html(self, name: str) -> str:
        """Read a page."""
        return (self.root / name).read_text(encoding="utf-8")

    def tags(self, name: str) -> Tags:
        """Find the plugin's elements in one page."""
        return read_tags(self.html(name))

    def pages(self) -> list[str]:
        """List the site's HTML files."""
        return sorted(file.relative_to(self.root).as_posix() for file in self.root.rglob("*.html"))

    def manifest(self) -> dict[str, object]:
        """Read the manifest."""
        document: dict[str, object] = json.loads((self.root / "stats-manifest.json").read_bytes())
        return document

    def entries(self) -> dict[str, Entry]:
        """Read the manifest's entries by path."""
        pages = self.manifest()["pages"]
        assert isinstance(pages, list)
        return {entry["path"]: entry for entry in pages}

    def target(self, page_url: str, address: str, site_url: str) -> Path:
        """Return the file that `address` on the page at `page_url` leads to."""
        path = urlsplit(urljoin(page_url, address)).path
        return self.root / path.removeprefix(urlsplit(site_url).path)


@dataclass
class Site:
    """The source of a site."""

    root: Path
    options: dict[str, object] = field(default_factory=lambda: {"tracker_url": TRACKER})
    settings: dict[str, object] = field(default_factory=dict)
    plugins: list[object] = field(default_factory=list)

    def write(self, name: str, text: str = "# A page\n") -> Path:
        """Write a file below `docs`."""
        file = self.root / "docs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def configure(self) -> Path:
        """Write `mkdocs.yml`: JSON, which is YAML."""
        settings = {
            "site_name": "Kettle",
            "theme": "mkdocs",
            "plugins": [*self.plugins, {"stats": self.options}],
            **self.settings,
        }
        file = self.root / "mkdocs.yml"
        file.write_text(json.dumps(settings), encoding="utf-8")
        return file

    def load(self, *, strict: bool = True) -> MkDocsConfig:
        """Read the configuration as the `mkdocs` command does."""
        return load_config(str(self.configure()), strict=strict)

    def build(
        self,
        *,
        command: Literal["build", "serve"] = "build",
        dirty: bool = False,
        strict: bool = True,
    ) -> Built:
        """Build as `mkdocs build --strict` or, once, as `mkdocs serve` would."""
        config = self.load(strict=strict and not dirty)
        config.plugins.on_startup(command=command, dirty=dirty)
        serve_url = "http://127.0.0.1:8000/" if command == "serve" else None
        build(config, serve_url=serve_url, dirty=dirty)
        config.plugins.on_shutdown()
        return Built(Path(config.site_dir), config)


def accepted(built: Built) -> dict[str, object]:
    """Return the manifest, which follows the schema and is not refused by the tracker."""
    jsonschema.validate(
        built.manifest(), json.loads((REPOSITORY / "docs/manifest.schema.json").read_bytes())
    )
    parse_manifest((built.root / "stats-manifest.json").read_bytes())
    return built.manifest()


def write_kettle(root: Path) -> Site:
    """Write a site of three pages into a folder."""
    site = Site(root)
    site.write("index.md", "# Kettle\n\nWelcome.\n")
    site.write("guide/install.md", "# Install\n\n## From a release\n\nUnpack it.\n")
    site.write("guide/index.md", "# Guide\n")
    return site
