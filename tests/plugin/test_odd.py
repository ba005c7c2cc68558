"""Odd names, texts, links and histories neither fail a build nor spoil its manifest."""

import json
import re
from copy import deepcopy
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from mkdocs_stats_plugin import paths, reading
from tests.plugin.repositories import new_repository
from tests.plugin.sites import REPOSITORY, Entry, Site, accepted
from tests.plugin.test_docs import DOCUMENT
from tracker_server import fields
from tracker_server import paths as tracker_paths
from tracker_server.errors import InvalidManifestError
from tracker_server.manifest import parse_manifest

LAUGHS = "\n".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
NAMES = ["a\x7fb", "a\u0085b", "a\u202eb", "a\u2028b", "a\u2068b", "a\tb", "a\nb", "\x01R100"]
SIGNS = [
    *("\x00", "\x01", "\t", "\n", "\x1f", " ", "~", "\x7f", "\x9f", "\xa0", "\u2027", "\u2028"),
    *("\u202e", "\u202f", "\u2065", "\u2066", "\u2069", "\u206a", "\ud7ff", "\ud800", "\udfff"),
    *("\ue000", "\U0001f375"),
]


def _entries(site: Site) -> dict[str, Entry]:
    built = site.build()
    accepted(built)
    return built.entries()


@pytest.mark.parametrize("name", ["pot\udce9", "a\x1bb", "a\u202eb", "a\tb"])
def test_a_former_name_that_makes_no_path_is_left_out(site: Site, name: str) -> None:
    """One that is not UTF-8, as git keeps any, or has control characters."""
    repository = new_repository(site.root)
    text = "Water boils at 100 degrees.\n"
    site.write(f"{name}.md", text)
    repository.commit("2024-05-01")
    repository.move(f"docs/{name}.md", "docs/a.md")
    repository.commit("2024-06-01")
    repository.move("docs/a.md", "docs/b.md")
    repository.commit("2024-07-01")

    entry = _entries(site)["/b/"]

    assert entry["formerly"] == ["/a/"]
    assert (entry["created"], entry["updated"]) == ("2024-05-01", "2024-05-01")


@pytest.mark.parametrize("day", ["@253402300800 +0000", "@99999999999999 +0000"])
def test_a_page_of_the_year_10000_has_no_day(site: Site, day: str) -> None:
    """The clock of its author was wrong."""
    new_repository(site.root).commit(day)

    assert not {"created", "updated"} & _entries(site)["/"].keys()


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        pytest.param("authors: &a [*a]", {}, id="authors"),
        pytest.param("tags: &a [tea, *a]", {"tags": ["tea"]}, id="tags"),
        pytest.param("authors: &a {name: *a}", {}, id="name"),
        pytest.param("authors: {name: {name: Ada}}", {"authors": ["Ada"]}, id="name-in-name"),
        pytest.param(f"a: &a [x]\n{LAUGHS}\ntags: *j", {"tags": ["x"]}, id="laughs"),
        pytest.param(f"a: &a [x]\n{LAUGHS}\ndate: *j\ndraft: *j", {}, id="laughing-date"),
        pytest.param("date: &a {created: *a, updated: [*a]}", {}, id="date"),
    ],
)
def test_yaml_that_is_in_itself_says_what_it_can(
    site: Site, meta: str, said: dict[str, object]
) -> None:
    """Each list is looked through once, however often it is there."""
    site.write("index.md", f"---\n{meta}\n---\n\n# Kettle\n")

    entry = _entries(site)["/"]

    assert {key: entry[key] for key in ("authors", "tags", "date") if key in entry} == said
    assert entry["published"] is True


@pytest.mark.parametrize("name", NAMES)
def test_a_page_with_an_odd_name_is_left_out(
    site: Site, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """It is built and not counted; one line says why, which is no warning."""
    caplog.set_level("INFO", "mkdocs.plugins")
    site.write(f"{name}.md")
    site.write("index.md", f'# Kettle\n\n<a href="{quote(name)}/#a">odd</a>\n')

    built = site.build()

    accepted(built)
    assert built.tags(f"{name}/index.html").metas == [""]
    assert set(built.entries()) == {"/", "/guide/", "/guide/install/"}
    line = f"stats: {name + '.md'!r} is neither counted nor listed: its path has control characters"
    assert [said for said in caplog.messages if "neither" in said] == [line]


def test_a_template_with_an_odd_name_is_not_counted(site: Site) -> None:
    """No manifest names it, and the tracker would refuse its views."""
    site.settings = {"extra_templates": ["a\x7fb.html"]}
    site.write("a\x7fb.html", "<html><head></head></html>")

    assert site.build().tags("a\x7fb.html").metas == [""]


def test_texts_have_no_sign_that_cannot_be_stored(site: Site) -> None:
    """In an id there is what browsers put in its place."""
    site.settings = {
        "nav": [{"Se\0c\ud800tion": [{"Na\ud800v": "index.md"}, "guide/install.md"]}],
        "markdown_extensions": ["attr_list"],
        "theme": {"name": "mkdocs", "locale": "en"},
    }
    site.write("index.md", "# Kettle\n\n## A\0 pot\n\n<h2 id='a\0b'>Two</h2>\n")
    site.write("guide/install.md", '---\ntitle: "In\\0sta\\ud800ll"\n---\n\nText\n')

    entries = _entries(site)

    assert entries["/"]["title"] == "Nav"
    assert entries["/"]["trail"] == ["Section"]
    assert entries["/guide/install/"]["title"] == "Install"
    headings = entries["/"]["headings"]
    assert isinstance(headings, list)
    assert [heading["title"] for heading in headings] == ["Kettle", "A pot", "Two"]
    assert headings[2]["id"] == "a\ufffdb"


def test_links_to_odd_places_are_left_out(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each says so; the others are there."""
    caplog.set_level("INFO", "mkdocs.plugins")
    site.settings = {"site_url": "https://kettle.example/"}
    site.write(
        "index.md",
        "# Kettle\n\n[a](#%00) [b](#%00) [c](#kettle) [d](guide/index.md#x%00y)\n"
        '<a href="/%00#x">e</a> <a href="/%23%00#x">f</a> <a href="/%23x#y">g</a>\n'
        '<a href="/guide/%23a%23#x">h</a> <a href="#%ED%A0%80">i</a>\n',
    )

    entry = _entries(site)["/"]

    assert entry["links"] == ["/guide/"]
    assert entry["anchors"] == ["/#kettle", "/#\ufffd\ufffd\ufffd"]
    assert [line.partition(": ")[2] for line in caplog.messages if "link" in line] == [
        f"index.md: the link to {link!r} is not listed: it has control characters"
        for link in ("/\0#x", "/#\0", "/guide/#x\0y")
    ]


def test_markdown_that_cannot_be_encoded_has_a_digest(site: Site) -> None:
    """A hook may make any text; MkDocs writes a sign of it as a number."""
    hook = site.root / "hook.py"
    hook.write_text("def on_page_read_source(page, config):\n    return '# A\\n\\n\\ud800\\n'\n")
    site.settings = {"hooks": [str(hook)]}

    entry = _entries(site)["/"]

    assert entry["title"] == "A"
    assert re.fullmatch("[0-9a-f]{12}", str(entry["digest"]))


def test_plugin_schema_and_tracker_refuse_the_same_signs() -> None:
    """Neither package imports the other, so the two classes stand in each of them."""
    defs = DOCUMENT["$defs"]

    assert reading._UNWRITABLE.pattern == fields._UNWRITABLE.pattern
    assert paths._FORBIDDEN.pattern == tracker_paths._FORBIDDEN.pattern
    assert defs["text"]["not"]["pattern"] == fields._UNWRITABLE.pattern
    assert defs["address"]["not"]["pattern"] == tracker_paths._FORBIDDEN.pattern
    assert tracker_paths._FORBIDDEN.pattern in defs["anchor"]["not"]["pattern"]


def _documents(sign: str) -> dict[str, Any]:
    """Return the example, with a sign put into each of its texts in turn."""
    example = json.loads((REPOSITORY / "tests/contract/manifest.json").read_bytes())
    example |= {
        "commit": "c",
        "label": "l",
        "version": "1",
        "versions": {"1": ["latest"]},
        "redirects": {"/a/": "/", "/b/": "https://other.example/"},
    }
    found = {}

    def put(holder: Any, key: Any, where: str) -> None:
        value = holder[key]
        if isinstance(value, str):
            holder[key] = value[:-1] + sign + value[-1:]
            found[where] = deepcopy(example)
            holder[key] = value + sign
            found[f"{where} at its end"] = deepcopy(example)
            holder[key] = value
        elif isinstance(value, dict | list):
            for inner in [*value] if isinstance(value, dict) else range(len(value)):
                put(value, inner, f"{where}.{inner}")

    for key in example:
        put(example, key, key)
    for key, names in (("versions", {f"1{sign}": []}), ("redirects", {f"/a{sign}/": "/"})):
        found[f"name in {key}"] = {**example, key: names}
    return found


def _takes(document: Any) -> tuple[bool, bool]:
    """Tell whether the schema takes a document, and whether the tracker does."""
    by_schema = jsonschema.Draft202012Validator(DOCUMENT).is_valid(document)
    try:
        parse_manifest(json.dumps(document).encode())
    except InvalidManifestError:
        return by_schema, False
    return by_schema, True


@pytest.mark.parametrize("sign", SIGNS, ids=ascii)
def test_what_the_schema_accepts_the_tracker_accepts(sign: str) -> None:
    """Whatever sign stands wherever there is text."""
    documents = _documents(sign)
    taken = {where: _takes(document) for where, document in documents.items()}

    assert {where for where, takes in taken.items() if takes == (True, False)} == set()
    assert len(taken) > 50


@pytest.mark.parametrize("key", ["site_name", "site_url"])
def test_the_schema_has_the_lengths_of_the_tracker(key: str) -> None:
    """Of the texts about the site as a whole."""
    document = json.loads((REPOSITORY / "tests/contract/manifest.json").read_bytes())

    assert _takes({**document, key: "x" * 1000}) == (True, True)
    assert _takes({**document, key: "x" * 1001}) == (False, False)
