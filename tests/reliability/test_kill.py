"""The short form of the kill test, and that it can fail."""

from pathlib import Path

from tests.reliability import kill

CYCLES = 6
SEED = 20_261_125


def test_what_was_answered_survives_a_kill_and_counts_once(tmp_path: Path) -> None:
    """P1, P4: nothing answered is lost, nothing is stored twice, the figures are a recount's."""
    outcome = kill.run(CYCLES, SEED, tmp_path)

    assert outcome.passed, outcome
    assert outcome.answered > 10 * CYCLES
    assert outcome.resent > outcome.answered / 20


def test_a_tracker_that_answers_before_it_writes_is_found_out(tmp_path: Path) -> None:
    """P3: the same test over a tracker that breaks the promise sees what it lost."""
    outcome = kill.run(2, SEED, tmp_path, "tests.reliability.answers_early")

    assert outcome.lost > 0
    assert not outcome.passed
