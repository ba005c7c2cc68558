"""What git knows of the files of a folder: real repositories, real commits, real moves."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mkdocs_stats_plugin import history
from mkdocs_stats_plugin.history import History, Past, read_history
from tests.plugin.repositories import AUTHOR, Repository, new_repository

TEXT = "Water boils at 100 degrees.\nTea needs less.\nCoffee needs more.\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Give an empty repository."""
    return new_repository(tmp_path / "r")


def _write(repository: Repository, name: str, text: str = TEXT) -> None:
    file = repository.root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _files(folder: Path) -> dict[str, Past]:
    found = read_history(folder)
    assert found is not None
    return dict(found.files)


def test_a_file_was_made_and_last_changed(repository: Repository) -> None:
    """The days are those of the first and of the last commit that has it, as its author wrote."""
    _write(repository, "a.md")
    _write(repository, "b.md")
    repository.commit("2024-02-29")
    _write(repository, "a.md", TEXT + "More.\n")
    repository.commit("2024-03-05")
    _write(repository, "c.md")
    repository.commit("2024-04-01T23:30:00-0800")

    assert read_history(repository.root) == History(
        {
            "a.md": Past("2024-02-29", "2024-03-05"),
            "b.md": Past("2024-02-29", "2024-02-29"),
            "c.md": Past("2024-04-01", "2024-04-01"),
        },
        cut=False,
    )


@pytest.mark.parametrize("day", ["@253402300800 +0000", "@99999999999999 +0000"])
def test_a_day_after_the_year_9999_is_none(repository: Repository, day: str) -> None:
    """Such a clock was wrong; the other days of the file are as they are."""
    _write(repository, "a.md")
    _write(repository, "b.md")
    repository.commit(day)
    _write(repository, "b.md", TEXT + "More.\n")
    repository.commit("2024-03-05")

    assert _files(repository.root) == {"a.md": Past(), "b.md": Past("2024-03-05", "2024-03-05")}


def test_what_is_not_committed_has_no_past(repository: Repository) -> None:
    """A change that is not committed is no change yet, a new file has no day at all."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    _write(repository, "a.md", "Other\n")
    _write(repository, "new.md")

    assert _files(repository.root) == {"a.md": Past("2024-01-01", "2024-01-01")}


def test_a_file_is_followed_through_its_names(repository: Repository) -> None:
    """All of them, the newest first; moving it changes nothing in it."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    repository.move("a.md", "b.md")
    repository.commit("2024-02-01")
    _write(repository, "b.md", TEXT + "More.\n")
    repository.commit("2024-03-01")
    repository.move("b.md", "deep/er/c.md")
    repository.commit("2024-04-01")

    assert _files(repository.root) == {
        "deep/er/c.md": Past("2024-01-01", "2024-03-01", ("b.md", "a.md"))
    }


def test_a_move_with_a_change_is_both(repository: Repository) -> None:
    """As long as git sees that it is the same file."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    repository.move("a.md", "b.md")
    _write(repository, "b.md", TEXT + "More.\n")
    repository.commit("2024-02-01")

    assert _files(repository.root) == {"b.md": Past("2024-01-01", "2024-02-01", ("a.md",))}


def test_a_name_that_is_used_again_is_another_file(repository: Repository) -> None:
    """The days of the file that had the name first go with that file."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    repository.move("a.md", "b.md")
    repository.commit("2024-02-01")
    _write(repository, "a.md", "Something else altogether\n")
    repository.commit("2024-03-01")

    assert _files(repository.root) == {
        "a.md": Past("2024-03-01", "2024-03-01"),
        "b.md": Past("2024-01-01", "2024-01-01", ("a.md",)),
    }


def test_a_former_name_is_that_of_the_last_file_that_had_it(repository: Repository) -> None:
    """Two files were called `a.md`, one after the other; whoever asks for it means the second."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    repository.move("a.md", "b.md")
    repository.commit("2024-02-01")
    _write(repository, "a.md", "Something else\naltogether\n")
    repository.commit("2024-03-01")
    repository.move("a.md", "c.md")
    repository.commit("2024-04-01")

    assert _files(repository.root) == {
        "b.md": Past("2024-01-01", "2024-01-01"),
        "c.md": Past("2024-03-01", "2024-03-01", ("a.md",)),
    }


def test_a_name_that_another_file_takes_over_brings_nothing(repository: Repository) -> None:
    """A file moves onto a name whose file was deleted before."""
    _write(repository, "b.md", "Something else altogether\n")
    repository.commit("2023-01-01")
    (repository.root / "b.md").unlink()
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    repository.move("a.md", "b.md")
    repository.commit("2024-02-01")

    assert _files(repository.root)["b.md"] == Past("2024-01-01", "2024-01-01", ("a.md",))


def test_a_file_that_comes_back_to_its_name(repository: Repository) -> None:
    """It was called otherwise in between, and its own name is no former one."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    repository.move("a.md", "b.md")
    repository.commit("2024-02-01")
    repository.move("b.md", "a.md")
    repository.commit("2024-03-01")

    assert _files(repository.root) == {"a.md": Past("2024-01-01", "2024-01-01", ("b.md",))}


def test_a_name_that_changes_hands_in_one_commit_stays(repository: Repository) -> None:
    """Git takes what is under the name now for a change of what was: so it does not lead on."""
    _write(repository, "a.md")
    _write(repository, "x.md", "Something else\naltogether\nand long\n")
    repository.commit("2024-01-01")
    repository.move("a.md", "b.md")
    repository.move("x.md", "a.md")
    repository.commit("2024-02-01")

    found = _files(repository.root)

    assert found["a.md"] == Past("2024-01-01", "2024-02-01")
    assert found["b.md"] == Past("2024-02-01", "2024-02-01")


@pytest.mark.parametrize("moved_on", ["main", "side"])
def test_branches_are_followed_after_their_merge(repository: Repository, moved_on: str) -> None:
    """One branch moves a file, the other changes it under its old name; the merge has both."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    repository.git("branch", "side")
    repository.git("checkout", "--quiet", moved_on)
    repository.move("a.md", "b.md")
    repository.commit("2024-02-01")
    repository.git("checkout", "--quiet", "side" if moved_on == "main" else "main")
    _write(repository, "a.md", TEXT + "More.\n")
    repository.commit("2024-03-01")
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "side", "-m", "Merge", day="2024-04-01")

    assert _files(repository.root) == {"b.md": Past("2024-01-01", "2024-03-01", ("a.md",))}


def test_clocks_that_disagree_change_no_order(repository: Repository) -> None:
    """A commit is older than those that follow it, whatever the committers' clocks said."""
    _write(repository, "a.md")
    repository.commit("2024-01-01", committed="2026-08-01")
    repository.git("checkout", "--quiet", "-b", "side")
    _write(repository, "c.md", "Something else\naltogether\n")
    repository.commit("2024-02-01", committed="2026-10-01")
    repository.git("checkout", "--quiet", "main")
    repository.move("a.md", "b.md")
    repository.commit("2024-03-01", committed="2026-05-01")
    repository.git("merge", "--quiet", "--no-ff", "side", "-m", "Merge")

    assert _files(repository.root)["b.md"] == Past("2024-01-01", "2024-01-01", ("a.md",))


def test_a_file_that_moves_onto_a_former_name_is_another(repository: Repository) -> None:
    """What happens to it later is nothing of the file that had the name first."""
    _write(repository, "a.md")
    _write(repository, "x.md", "Something else\naltogether\nand long\n")
    repository.commit("2024-01-01")
    repository.move("a.md", "b.md")
    repository.commit("2024-02-01")
    repository.move("x.md", "a.md")
    repository.commit("2024-03-01")
    _write(repository, "a.md", "Something else\naltogether\nand longer\n")
    repository.commit("2024-04-01")

    assert _files(repository.root) == {
        "a.md": Past("2024-01-01", "2024-04-01", ("x.md",)),
        "b.md": Past("2024-01-01", "2024-01-01", ("a.md",)),
    }


def test_a_deleted_file_that_comes_back_is_as_old_as_it_was(repository: Repository) -> None:
    """A page that was missing for a while was published before all the same."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    (repository.root / "a.md").unlink()
    repository.commit("2024-02-01")
    _write(repository, "a.md")
    repository.commit("2024-03-01")

    assert _files(repository.root) == {"a.md": Past("2024-01-01", "2024-03-01")}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("two words.md", id="blank"),
        pytest.param('"quoted".md', id="quotes"),
        pytest.param("\u00fcber \u6c34.md", id="unicode"),
        pytest.param("tab\tline\n.md", id="control"),
        pytest.param("\x01M\x02.md", id="our-own-marks"),
        pytest.param("-- .md", id="dashes"),
        pytest.param("a => b.md", id="arrow"),
    ],
)
def test_names_may_be_anything(repository: Repository, name: str) -> None:
    """They are read as they are, at both ends of a move."""
    _write(repository, name)
    repository.commit("2024-01-01")
    repository.move(name, f"moved/{name}")
    repository.commit("2024-02-01")
    repository.move(f"moved/{name}", "z.md")
    repository.commit("2024-03-01")

    assert _files(repository.root) == {
        "z.md": Past("2024-01-01", "2024-01-01", (f"moved/{name}", name))
    }


def test_only_the_folder_is_read(repository: Repository) -> None:
    """In a repository of many things names are relative to the folder, and the rest is left."""
    _write(repository, "kettle/docs/a.md")
    _write(repository, "pot/docs/a.md", "Something else altogether\n")
    repository.commit("2024-01-01")
    repository.move("pot/docs/a.md", "kettle/docs/b.md")
    repository.commit("2024-02-01")
    _write(repository, "pot/code.py", "pass\n")
    repository.commit("2024-03-01")

    assert _files(repository.root / "kettle/docs") == {
        "a.md": Past("2024-01-01", "2024-01-01"),
        "b.md": Past("2024-02-01", "2024-02-01"),
    }


def test_a_shallow_clone_does_not_know_the_beginning(
    repository: Repository, tmp_path: Path
) -> None:
    """Its oldest commit has every file, and its day is that of none of them."""
    _write(repository, "a.md")
    _write(repository, "b.md")
    _write(repository, "c.md", "Something else\naltogether\n")
    repository.commit("2024-01-01")
    _write(repository, "a.md", TEXT + "More.\n")
    repository.commit("2024-02-01")
    _write(repository, "a.md", TEXT + "Even more.\n")
    repository.move("c.md", "d.md")
    _write(repository, "new.md", "New\n")
    repository.commit("2024-03-01")
    clone = ["git", "clone", "--quiet", "--depth=2", f"file://{repository.root}", "clone"]
    subprocess.run(clone, cwd=tmp_path, check=True)

    assert read_history(tmp_path / "clone") == History(
        {
            "a.md": Past(None, "2024-03-01"),
            "b.md": Past(None, None),
            "d.md": Past(None, None, ("c.md",)),
            "new.md": Past("2024-03-01", "2024-03-01"),
        },
        cut=True,
    )


def test_the_user_s_configuration_changes_nothing(
    repository: Repository,
) -> None:
    """Signatures, colours, hidden roots and other forms of days are for people."""
    _write(repository, "\u00fc.md")
    repository.commit("2024-01-01")
    repository.move("\u00fc.md", "b.md")
    repository.commit("2024-02-01")
    plain = read_history(repository.root)
    settings = {
        "log.showSignature": "true",
        "log.showRoot": "false",
        "log.date": "relative",
        "log.decorate": "full",
        "color.ui": "always",
        "diff.renames": "false",
        "diff.relative": "false",
        "core.quotePath": "true",
    }
    for key, value in settings.items():
        repository.git("config", key, value)

    assert read_history(repository.root) == plain
    assert plain is not None
    assert plain.files["b.md"] == Past("2024-01-01", "2024-01-01", ("\u00fc.md",))


def _take_git_away(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


def _hurry(_: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "TIMEOUT_SECONDS", 0.000_001)


def _forget(root: Path, _: pytest.MonkeyPatch) -> None:
    (root / ".git").rename(root / "no-git")


@pytest.mark.parametrize("harm", [_take_git_away, _hurry, _forget])
def test_nothing_is_said_where_git_does_not_answer(
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    """It is not installed, takes too long, or knows no repository."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")
    assert read_history(repository.root) is not None

    harm(repository.root, monkeypatch)

    assert read_history(repository.root) is None


def test_nobody_s_name_is_asked_for(repository: Repository) -> None:
    """Who wrote a page is for the page to say."""
    _write(repository, "a.md")
    repository.commit("2024-01-01")

    assert AUTHOR in repository.git("log", "--format=%an")
    assert AUTHOR not in repr(read_history(repository.root))
    assert not [part for part in history._LOG if "%a" in part.replace("%ad", "")]
