"""The short forms of the promises about crashes, backups and upgrades, and that they can fail."""

import time
from pathlib import Path

import pytest

from tests.reliability import backups, postgresql, presence, upgrades
from tracker_server.base import Base
from tracker_server.config import Settings
from tracker_server.demo_data import fill

SEED = 20_261_129
SLOWNESS = 4
"""How much slower than promised a machine may be on which other tests run too."""


def test_after_a_crash_the_number_of_active_readers_is_right(tmp_path: Path) -> None:
    """P13: as many on each page as a model says."""
    outcome = presence.run(2, SEED, tmp_path)

    assert outcome.passed(SLOWNESS), outcome
    assert outcome.active > 10


def test_a_tracker_that_forgets_its_sessions_is_found_out(tmp_path: Path) -> None:
    """P3: as one does that keeps them in memory."""
    outcome = presence.run(1, SEED, tmp_path, forgets=True)

    assert len(outcome.deviations) == 1


@pytest.mark.parametrize("by_command", [pytest.param(True, id="P20"), False])
def test_backups_under_load_are_whole_and_complete(tmp_path: Path, *, by_command: bool) -> None:
    """And a file that was copied as one copies files is found out."""
    outcome = backups.run(1, 4, SEED, tmp_path, by_command=by_command)

    assert outcome.passed(SLOWNESS) is by_command, outcome
    assert outcome.views > 0


@pytest.mark.parametrize(
    ("module", "passes"),
    [
        pytest.param("tracker_server", True, id="P25"),
        pytest.param("tests.reliability.lazy_commits", False, id="control"),
    ],
)
def test_what_was_answered_survives_a_kill_of_postgresql(
    tmp_path: Path, module: str, *, passes: bool
) -> None:
    """P25: and a tracker that leaves the server its ``synchronous_commit=off`` is found out."""
    outcome = postgresql.run(2, SEED, tmp_path, module)

    assert outcome.passed is passes, outcome
    assert outcome.views.answered > 100
    assert (outcome.views.lost > 0) is not passes


def test_an_upgrade_that_is_killed_is_made_good(tmp_path: Path) -> None:
    """P18: whatever statement was the last, of the creation too; here every other one."""
    outcome = upgrades.run(tmp_path, step=2, days=1)

    assert outcome.passed, outcome
    assert outcome.databases == ["none", "made up"]
    assert outcome.kills > len(Base.metadata.tables)
    assert 0 < outcome.between < outcome.kills


def test_databases_of_releases_are_upgraded_too(tmp_path: Path) -> None:
    """P18: each is found by its name."""
    (tmp_path / "golden").mkdir()
    url = f"sqlite:///{tmp_path / 'golden' / '1.0.sqlite3'}"
    fill(Settings(database_url=url), upgrades.MANIFEST, time.time(), seed=2, days=1)
    outcome = upgrades.run(tmp_path, golden=tmp_path / "golden", step=20, days=1)

    assert outcome.passed, outcome
    assert outcome.databases == ["none", "1.0", "made up"]


def test_an_upgrade_of_many_transactions_is_found_out(tmp_path: Path) -> None:
    """P3: where each statement is one, a kill leaves tables that no start can go on from."""
    outcome = upgrades.run(tmp_path, step=20, days=1, commits=True)

    assert not outcome.passed
