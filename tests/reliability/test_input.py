"""The short forms of the promises about input, and that they can fail."""

import re
from pathlib import Path

import pytest

from tests.reliability import cardinality, manifests, structure
from tests.reliability import input as forged
from tracker_server import exports
from tracker_server.config import Settings

SEED = 20_261_129
REQUESTS = 1_000
RENDERS = 150


def test_no_input_is_answered_with_5xx() -> None:
    """P7: neither database falls over a request, and both keep the same of it."""
    outcome = forged.run_shares(REQUESTS, SEED, 1)

    assert outcome.passed, outcome
    assert outcome.statuses[204] > 20
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


def test_a_cell_that_is_a_formula_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle fails where CSV leaves texts as they are."""
    monkeypatch.setattr(exports, "_FORMULA", re.compile("\0"))

    assert structure.run(RENDERS // 2, SEED).broken["csv"]


@pytest.mark.parametrize("breaks", [structure.trusting, structure.unquoted])
def test_a_template_that_trusts_a_value_is_found_out(breaks: structure.Breaks) -> None:
    """P8: marked as markup, or in an attribute without quotes."""
    outcome = structure.run(RENDERS // 2, SEED, breaks)

    assert outcome.broken["html"] > 0, outcome


def test_what_is_invented_takes_little_room() -> None:
    """P9: beyond the vocabularies everything is one entry."""
    outcome = cardinality.run(4_000, 4_000, 200, Settings().max_unknown_paths)

    assert outcome.passed, outcome
    assert outcome.disk > 0


def test_a_tracker_that_keeps_every_path_is_found_out() -> None:
    """P9: without the bound the same views take more than they may."""
    outcome = cardinality.run(24_000, 0, 0, cardinality.WITHOUT_BOUND)

    assert outcome.disk > cardinality.MAX_DISK, outcome


def test_a_spoiled_manifest_changes_nothing(tmp_path: Path) -> None:
    """It is refused in one line, and the one before stays in force."""
    outcome = manifests.run_mutants(400, SEED, tmp_path)

    assert outcome.passed, outcome
    assert outcome.statuses[422] > 200
    assert outcome.statuses[204] > 10


def test_a_killed_tracker_has_one_manifest_or_the_other(tmp_path: Path) -> None:
    """The pages are never those of two."""
    outcome = manifests.run_kills(3, SEED, tmp_path)

    assert outcome.passed, outcome
