"""The documents and the code say the same."""

import json
import re

import jsonschema
import pytest

from mkdocs_stats_plugin.config import StatsConfig
from mkdocs_stats_plugin.entry import Entry
from mkdocs_stats_plugin.facts import MAX_AUTHORS, MAX_LANGUAGE_CHARS, MAX_TAGS
from mkdocs_stats_plugin.front_matter import MAX_TEXT_CHARS
from mkdocs_stats_plugin.manifest import (
    FILE_NAME,
    MAX_FORMER_PATHS,
    MAX_LINKS,
    MAX_PAGES,
    MAX_REDIRECTS,
    SCHEMA,
)
from mkdocs_stats_plugin.navigation import MAX_DEPTH
from mkdocs_stats_plugin.paths import MAX_PATH_BYTES
from mkdocs_stats_plugin.reading import MAX_ANCHOR_CHARS, MAX_HEADINGS
from tests.plugin.repositories import new_repository
from tests.plugin.sites import REPOSITORY, Site

DOCS = REPOSITORY / "docs"
OPTIONS = [name for name, _ in StatsConfig._schema]
INSTALL = """---
authors: [Ada Lovelace]
tags: [setup, pip]
---

# Install

Two [ways](#build).

## With *pip*

[Fast](guide/über.md#uber).

    pip install kettle
    kettle --boil

## From [source](https://other.example/)

### Build

It takes a while.
"""
DOCUMENT = json.loads((DOCS / "manifest.schema.json").read_bytes())


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_documented(option: str) -> None:
    """Each option has a heading of its own in docs/plugin.md."""
    assert f"### `{option}`\n" in (DOCS / "plugin.md").read_text(encoding="utf-8")


def test_no_other_option_is_documented() -> None:
    """The headings of docs/plugin.md are the options, in their order."""
    text = (DOCS / "plugin.md").read_text(encoding="utf-8")

    assert re.findall(r"^### `(\w+)`$", text, re.MULTILINE) == OPTIONS


@pytest.mark.parametrize("option", OPTIONS)
def test_documented_defaults_are_true(option: str) -> None:
    """The line under each heading names the default."""
    text = (DOCS / "plugin.md").read_text(encoding="utf-8")
    default = dict(StatsConfig._schema)[option].default
    shown = json.dumps(default) if isinstance(default, bool) else str(default)

    section = " ".join(text.split(f"### `{option}`\n")[1].split("\n#")[0].split())
    assert f"default `{shown}`" in section or ("default none" in section and not default)


def test_every_key_of_the_manifest_is_in_the_schema() -> None:
    """The tables of docs/manifest.md and the schema name the same keys."""
    text = (DOCS / "manifest.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    properties = DOCUMENT["properties"]

    page = properties["pages"]["items"]["properties"]
    heading = page["headings"]["items"]["properties"]
    assert documented == set(properties) | set(page) | set(heading)
    assert set(page) == {*Entry.__annotations__}


def test_the_schema_holds_the_limits_of_the_code() -> None:
    """Version and size are the same number in both."""
    assert DOCUMENT["properties"]["schema"]["const"] == SCHEMA
    assert DOCUMENT["properties"]["pages"]["maxItems"] == MAX_PAGES
    headings = DOCUMENT["properties"]["pages"]["items"]["properties"]["headings"]
    assert headings["maxItems"] == MAX_HEADINGS
    assert headings["items"]["properties"]["id"]["maxLength"] == MAX_ANCHOR_CHARS
    assert DOCUMENT["properties"]["redirects"]["maxProperties"] == MAX_REDIRECTS
    page = DOCUMENT["properties"]["pages"]["items"]["properties"]
    lengths = {name: rule["maxItems"] for name, rule in page.items() if "maxItems" in rule}
    assert lengths == {
        "headings": MAX_HEADINGS,
        "formerly": MAX_FORMER_PATHS,
        "authors": MAX_AUTHORS,
        "tags": MAX_TAGS,
        "trail": MAX_DEPTH,
        "links": MAX_LINKS,
        "anchors": MAX_LINKS,
    }
    assert page["anchors"]["items"]["maxLength"] == MAX_PATH_BYTES + 1 + MAX_ANCHOR_CHARS
    assert page["tags"]["items"]["maxLength"] == MAX_TEXT_CHARS
    assert page["language"]["maxLength"] == MAX_LANGUAGE_CHARS


def test_the_schema_is_a_schema() -> None:
    """It is valid under the draft that it names."""
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)


@pytest.mark.parametrize("source", ["contract", "docs"])
def test_the_examples_are_valid(source: str) -> None:
    """The contract example and the one in docs/manifest.md follow the schema."""
    if source == "contract":
        text = (REPOSITORY / "tests/contract" / "manifest.json").read_text(encoding="utf-8")
    else:
        manual = (DOCS / "manifest.md").read_text(encoding="utf-8")
        text = manual.split("```json\n")[1].split("```")[0]

    jsonschema.validate(json.loads(text), DOCUMENT)


def test_the_contract_example_can_come_from_a_build(site: Site) -> None:
    """The plugin writes the very file that the tracker is tested with."""
    meta = "---\n{}---\n\n# {}\n\nText.\n"
    site.options |= {"stats_page": True, "stats_page_path": "statistics.md"}
    site.plugins = [{"blog": {"post_url_format": "{slug}", "categories": False}}]
    site.settings = {"theme": "material", "site_url": "https://kettle.example/docs/"}
    for file in site.root.glob("docs/guide/*"):
        file.unlink()
    site.write("index.md", "---\ntitle: Kettle\n---\n")
    site.write("blog/index.md", "# Blog\n")
    post = meta.format(
        "date: 2026-03-01\nslug: 2026/first-boil\n", 'First boil: "fast" & `<quiet>`'
    )
    site.write("blog/posts/a.md", post)
    site.write(
        "blog/posts/b.md",
        meta.format("date: 2026-03-02\nslug: unfinished\ndraft: true\n", "Unfinished"),
    )
    site.write("guide/über.md", "# Über\n")
    site.write("install.md", INSTALL)
    repository = new_repository(site.root)
    (site.root / ".gitignore").write_text("/site/\n/mkdocs.yml\n/docs/blog/\n/docs/guide/über.md\n")
    repository.commit("2026-01-10")
    repository.move("docs/install.md", "docs/guide/install.md")
    site.write("guide/install.md", INSTALL.replace("guide/", ""))
    repository.commit("2026-02-14")

    built = site.build(command="serve").manifest()

    expected = json.loads((REPOSITORY / "tests/contract/manifest.json").read_bytes())
    assert built.pop("commit") == repository.git("rev-parse", "HEAD")
    # The draft of the example has no date; Material insists on one.
    for entry in built["pages"]:  # type: ignore[attr-defined]
        if not entry["published"]:
            del entry["date"], entry["created"]
    assert built == expected
    assert FILE_NAME in (DOCS / "manifest.md").read_text(encoding="utf-8")
