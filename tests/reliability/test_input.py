"""The short forms of the promises about input, and that they can fail."""

from pathlib import Path

import pytest

from tests.reliability import input as forged
from tests.reliability import structure

SEED = 20_261_129
REQUESTS = 2_000
RENDERS = 300


def test_no_input_is_answered_with_5xx() -> None:
    """P7: neither database falls over a request, and both keep the same of it."""
    outcome = forged.run_shares(REQUESTS, SEED, 1)

    assert outcome.passed, outcome
    assert outcome.statuses[204] > 50
    assert outcome.stored > 30


def test_a_tracker_that_reads_bodies_carelessly_is_found_out() -> None:
    """P7: the same requests make it fail."""
    outcome = forged.run_shares(400, SEED, 1, control=True)

    assert outcome.failed > 0, outcome


def test_no_input_over_a_socket_is_answered_with_5xx(tmp_path: Path) -> None:
    """P7: nor when it is spoiled as HTTP; and the process is as well as before."""
    outcome = forged.run_over_sockets(400, SEED, tmp_path)

    assert outcome.passed, outcome
    assert outcome.statuses[204] > 50


def test_no_stored_value_changes_a_structure() -> None:
    """P8: what somebody chose stands in it as text, whatever it is."""
    outcome = structure.run(RENDERS, SEED)

    assert outcome.passed, outcome
    assert set(outcome.renders) == set(structure.STRUCTURES)


@pytest.mark.parametrize("breaks", [structure.trusting, structure.unquoted])
def test_a_template_that_trusts_a_value_is_found_out(breaks: structure.Breaks) -> None:
    """P8: marked as markup, or in an attribute without quotes."""
    outcome = structure.run(RENDERS // 2, SEED, breaks)

    assert outcome.broken["html"] > 0, outcome
