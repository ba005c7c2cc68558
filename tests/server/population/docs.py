"""Builds the site of `site.txt`, a real git repository with real days, once for each deploy."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest.mock import patch

import yaml

from tests.plugin.repositories import Repository, new_repository
from tests.plugin.sites import Site, forget_plugins

TEXT = Path(__file__).with_name("site.txt")
_FILL = re.compile(r"^\{(\d+)\}$", re.MULTILINE)
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
_CODE = re.compile(r"```.*?```", re.DOTALL)
_LANGUAGES = """
def on_files(files, config):
    for file in files.documentation_pages():
        file.locale = 'de' if file.src_uri.startswith('de/') else 'en'
"""
"""What mkdocs-static-i18n leaves on its files."""


@dataclass(frozen=True)
class Deploy:
    """A state of the site that was published."""

    day: str
    manifest: bytes


@dataclass
class _Project:
    """The sources of the site, as they change."""

    site: Site
    repository: Repository
    redirects: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str, first: str, last: str) -> None:
        """Commit a page; one that is changed later has only its title at first."""
        if last != first:
            self.site.write(name, "# To be written\n")
            self.repository.commit(first)
        self.site.write(name, _filled(text))
        self.repository.commit(last)

    def publish(self, versions: dict[str, list[str]]) -> None:
        """Let mike have published these versions, each with its aliases."""
        rows = [
            {"version": version, "title": version, "aliases": aliases}
            for version, aliases in versions.items()
        ]
        self.repository.publish(json.dumps(rows))

    def rename(self, old: str, new: str, day: str) -> None:
        """Commit another name of a page, which it has in the navigation too."""
        self.repository.move(f"docs/{old}", f"docs/{new}")
        self.repository.commit(day)
        text = yaml.safe_dump(self.site.settings["nav"]).replace(old, new)
        self.site.settings["nav"] = yaml.safe_load(text)

    def build(self, version: str) -> bytes:
        """Build the site as it is now; returns its manifest."""
        forget_plugins()
        self.site.plugins = [{"redirects": {"redirect_maps": dict(self.redirects)}}]
        self.site.options["label"] = version
        with patch.dict(os.environ, MIKE_DOCS_VERSION=version):  # As mike says it.
            return (self.site.build().root / "stats-manifest.json").read_bytes()


def build(root: Path) -> list[Deploy]:
    """Write the site into a folder as days pass, and build it for each deploy."""
    site = Site(root)
    hook = root / "languages.py"
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text(_LANGUAGES)
    site.settings.update(site_url="https://kettle.example/", hooks=[str(hook)])
    (root / ".gitignore").write_text("site/\n")
    site.options["post_patterns"] = ["news/"]
    project = _Project(site, new_repository(root))
    deploys: list[Deploy] = []
    begun: list[str] = []
    for (what, *words), text in [*_parts(), (["deploy"], "")]:
        if what == "deploy":
            if begun:
                deploys.append(Deploy(begun[0], project.build(begun[1])))
            begun = words
        elif what == "nav":
            site.settings["nav"] = yaml.safe_load(text)
        elif what == "versions":
            project.publish(yaml.safe_load(text))
        elif what == "page":
            project.write(words[0], text, words[1], words[-1])
        elif what == "rename":
            project.rename(*words)
        elif what == "redirect":
            project.redirects[words[0]] = words[1]
        else:
            (site.root / "docs" / words[0]).unlink()
    return deploys


def _parts() -> Iterator[tuple[list[str], str]]:
    """Yield what each line that begins a part says, and what stands below it."""
    _, _, text = TEXT.read_text(encoding="utf-8").partition("\n=== deploy ")
    for part in f"deploy {text}".split("\n=== "):
        head, _, rest = part.partition("\n")
        yield head.split(), rest


def _filled(text: str) -> str:
    """Fill sections up with words; code has none that are read."""
    sections = re.split(r"^(?=#)", text, flags=re.MULTILINE)
    return "".join(map(_filled_section, sections))


def _filled_section(section: str) -> str:
    fill = _FILL.search(section)
    if fill is None:
        return section
    rest = _CODE.sub("", section.replace(fill[0], "").replace("#", " "))
    there = len(_LINK.sub(r"\1", rest).split())
    words = "\n" + " ".join(["word"] * (int(fill[1]) - there)) + "\n"
    return section.replace(fill[0], words)


def headings_on(path: str, day: str) -> tuple[str, ...]:
    """Return the ids of the headings that a page had on a day."""
    titles = re.findall(r"^#+ (.*)", pages_on(day)[path], re.MULTILINE)
    return tuple(title.lower().replace(" ", "-") for title in titles)


def seconds_on(path: str, day: str) -> float:
    """Return how long it took to read a page on a day."""
    text = pages_on(day)[path]
    lines = sum(str(code).count("\n") - 1 for code in _CODE.findall(text))
    words = sum(int(number) for number in _FILL.findall(text))
    return words / 4 + 2 * lines


@cache
def pages_on(day: str) -> dict[str, str]:
    """Return the pages that there were on a day as `site.txt` has them, by path."""
    pages: dict[str, str] = {}
    for (what, *words), text in _parts():
        if what == "deploy" and words[0] > day:
            break
        if what == "page":
            pages[_path_of(words[0])] = text
        elif what == "rename":
            pages[_path_of(words[1])] = pages.pop(_path_of(words[0]))
        elif what == "remove":
            del pages[_path_of(words[0])]
    return pages


def _path_of(name: str) -> str:
    """Return the path of a page, as MkDocs makes it."""
    return f"/{name.removesuffix('.md')}/".replace("/index/", "/")
