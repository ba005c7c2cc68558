"""Which commit and label the manifest names."""

import subprocess
from pathlib import Path

import pytest

from mkdocs_stats_plugin.revision import read_commit
from tests.plugin.sites import Site


def _commit(folder: Path) -> str:
    """Put what is in a folder into a new repository."""
    identity = ("-c", "user.name=A", "-c", "user.email=a@kettle.example", "-c", "commit.gpgsign=0")
    for command in (("init", "--quiet"), ("add", "."), (*identity, "commit", "--quiet", "-mA")):
        subprocess.run(["git", *command], cwd=folder, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    return head.stdout.strip()


def test_the_commit_is_that_of_the_repository(site: Site) -> None:
    """Whatever else is in the folder; a build of the same commit writes the same bytes."""
    site.configure()
    commit = _commit(site.root)

    built = site.build()
    first = (built.root / "stats-manifest.json").read_bytes()
    site.build()

    assert len(commit) == 40
    assert built.manifest()["commit"] == commit
    assert "label" not in built.manifest()
    assert (built.root / "stats-manifest.json").read_bytes() == first


def test_options_name_commit_and_label(site: Site) -> None:
    """They win over the repository; what is too long is cut, and no build fails of it."""
    site.configure()
    _commit(site.root)
    site.options |= {"commit": "4f2a9c1", "label": "v1.2 " + "x" * 200}

    manifest = site.build().manifest()

    assert manifest["commit"] == "4f2a9c1"
    assert manifest["label"] == "v1.2 " + "x" * 95


def test_without_a_repository_no_commit_is_named(site: Site) -> None:
    """Nor is there a warning, which would end a strict build."""
    manifest = site.build(strict=True).manifest()

    assert not {"commit", "label"} & manifest.keys()


def test_a_repository_without_a_commit_has_none(tmp_path: Path) -> None:
    """It was only just made."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)

    assert read_commit(tmp_path) is None


def test_without_git_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor in a folder that is gone."""
    (tmp_path / "a").write_text("a")
    commit = _commit(tmp_path)
    assert read_commit(tmp_path) == commit
    assert read_commit(tmp_path / "gone") is None

    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_commit(tmp_path) is None
