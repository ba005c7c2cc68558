"""The versions that mike has published, and what the one that is being built makes of them."""

import json
from pathlib import Path

import pytest

from mkdocs_stats_plugin.versions import (
    MAX_ALIASES,
    MAX_VERSIONS,
    read_versions,
    release_of,
    with_version,
)
from tests.plugin.repositories import Repository, new_repository
from tests.plugin.sites import Site


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with a commit on its branch main."""
    made = new_repository(tmp_path)
    (tmp_path / "index.md").write_text("# Kettle\n")
    made.commit("2026-01-01")
    made.git("branch", "-q", "-M", "main")
    return made


def test_versions_are_read_from_the_branch_of_the_site(repository: Repository) -> None:
    """With their other names; what is no version is left out."""
    rows: list[object] = [
        {"version": "1.1", "title": "1.1.3", "aliases": ["latest", 7, ""]},
        {"version": "1.0", "title": "1.0"},
        {"version": 2},
        {"title": "none"},
        {"version": "1.\0"},
        {"version": "\ud800"},
        "1.2",
    ]
    repository.publish(json.dumps(rows))

    assert read_versions(repository.root, "gh-pages") == {"1.1": ("latest",), "1.0": ()}
    assert read_versions(repository.root, "gh-pages", "docs") == {}
    assert read_versions(repository.root, "no-such-branch") == {}


def test_versions_may_be_in_a_folder(repository: Repository) -> None:
    """Mike's `deploy_prefix`."""
    repository.publish('[{"version": "1.0", "aliases": []}]', "docs/versions.json")

    assert read_versions(repository.root, "gh-pages", "/docs/") == {"1.0": ()}


@pytest.mark.parametrize("content", ["", "{", "{}", "7", "[[]]", "\xff", "[" * 100_000])
def test_a_list_that_is_none_has_no_versions(repository: Repository, content: str) -> None:
    """Nothing is said of versions then, and the build goes on."""
    repository.publish(content)

    assert read_versions(repository.root, "gh-pages") == {}


def test_no_more_is_read_than_a_manifest_may_have(repository: Repository) -> None:
    """Nor longer names."""
    aliases = [f"a{number}" for number in range(MAX_ALIASES + 1)]
    rows = [{"version": str(number), "aliases": aliases} for number in range(MAX_VERSIONS + 1)]
    repository.publish(json.dumps([{"version": "1" * 101, "aliases": []}, *rows]))

    found = read_versions(repository.root, "gh-pages")
    assert len(found) == MAX_VERSIONS
    assert found["0"] == tuple(aliases[:-1])


@pytest.mark.parametrize(
    ("before", "built", "after"),
    [
        pytest.param({}, "1.0", {"1.0": ()}, id="first"),
        pytest.param(
            {"1.9": ("latest",), "1.8": ("lts",)},
            "1.10",
            {"1.10": ("latest",), "1.9": (), "1.8": ("lts",)},
            id="greater",
        ),
        pytest.param(
            {"1.9": ("latest",)}, "1.8.1", {"1.8.1": (), "1.9": ("latest",)}, id="smaller"
        ),
        pytest.param({"1.9": ("latest",)}, "1.9", {"1.9": ("latest",)}, id="again"),
        pytest.param({"1.9": ("latest",)}, "dev", {"dev": (), "1.9": ("latest",)}, id="no-release"),
        pytest.param({"dev": ("next",)}, "1.0", {"1.0": (), "dev": ("next",)}, id="first-release"),
    ],
)
def test_a_greater_release_takes_over_the_names_of_the_greatest(
    before: dict[str, tuple[str, ...]], built: str, after: dict[str, tuple[str, ...]]
) -> None:
    """As they do when it has been deployed; nothing else moves."""
    found = with_version(before, built)

    assert [*found.items()] == [*after.items()]


@pytest.mark.parametrize(
    ("name", "release"),
    [
        *(("1.10", (1, 10)), ("v2", (2,)), ("0.9.1", (0, 9, 1))),
        *(("2.0-rc1", None), ("latest", None), ("", None), ("1.", None)),
    ],
)
def test_release_of_are_numbers(name: str, release: tuple[int, ...] | None) -> None:
    """Joined by dots; what comes before a release is none."""
    assert release_of(name) == release


def test_the_manifest_has_versions_only_where_mike_builds(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that is built at least, and pages say that they are of one."""
    built = site.build()
    assert "versions" not in built.manifest()

    monkeypatch.setenv("MIKE_DOCS_VERSION", "1.0")
    built = site.build()
    assert built.manifest()["versions"] == {"1.0": []}
    assert built.tags("index.html").trackers[0]["data-v"] == "1"
