"""The documents and the code say the same."""

import json
import re

import jsonschema
import pytest

from mkdocs_stats_plugin.config import StatsConfig
from mkdocs_stats_plugin.facts import MAX_ANCHOR_CHARS, MAX_HEADINGS
from mkdocs_stats_plugin.manifest import FILE_NAME, MAX_PAGES, SCHEMA
from tests.plugin.sites import REPOSITORY, Site

DOCS = REPOSITORY / "docs"
OPTIONS = [name for name, _ in StatsConfig._schema]
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


def test_the_schema_holds_the_limits_of_the_code() -> None:
    """Version and size are the same number in both."""
    assert DOCUMENT["properties"]["schema"]["const"] == SCHEMA
    assert DOCUMENT["properties"]["pages"]["maxItems"] == MAX_PAGES
    headings = DOCUMENT["properties"]["pages"]["items"]["properties"]["headings"]
    assert headings["maxItems"] == MAX_HEADINGS
    assert headings["items"]["properties"]["id"]["maxLength"] == MAX_ANCHOR_CHARS


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
    site.write(
        "guide/install.md",
        "# Install\n\nTwo ways.\n\n## With *pip*\n\nFast.\n\n"
        "## From source\n\n### Build\n\nIt takes a while.\n",
    )
    site.write("guide/über.md", "# Über\n")

    built = site.build(command="serve").manifest()

    expected = json.loads((REPOSITORY / "tests/contract/manifest.json").read_bytes())
    # The draft of the example has no date; Material insists on one.
    for entry in built["pages"]:  # type: ignore[attr-defined]
        if not entry["published"]:
            del entry["date"]
    assert built == expected
    assert FILE_NAME in (DOCS / "manifest.md").read_text(encoding="utf-8")
