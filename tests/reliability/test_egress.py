"""The short form of the promise that a tracker asks nobody, and that it can fail."""

from pathlib import Path

from tests.reliability import egress, watched


def test_a_tracker_asks_nobody_and_has_secrets_of_its_own(tmp_path: Path) -> None:
    """P24: all it can do, without a way out, and nothing that it would have asked."""
    outcome = egress.run(tmp_path, ())

    assert outcome.passed, outcome
    assert outcome.asked > 30


def test_a_tracker_that_asks_somebody_is_found_out(tmp_path: Path) -> None:
    """P3: by its own notes, and where there is a namespace by the kernel too."""
    outcome = egress.run(tmp_path, (), control=True)

    assert not outcome.passed
    assert any(line.startswith("socket.getaddrinfo updates.example") for line in outcome.noted)
    assert any(line == f"socket.connect {watched.SERVER}" for line in outcome.noted)
    assert outcome.without_route > 0 or not outcome.is_cut_off
