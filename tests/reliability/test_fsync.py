"""The short form of flushes that fail, and that it can fail."""

import pytest

from tests.reliability import fsync

SEED = 20_261_125


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(10, id="of-the-file-before-the-first-message"),
        pytest.param(13, id="of-the-folder-when-the-log-is-made"),
    ],
)
def test_a_flush_that_fails_is_no_success(first: int) -> None:
    """P6, P4: 503 and red; every view that was answered is there after a power cut, and once."""
    outcome = fsync.live(first, failures=70, seed=SEED, states=200)

    assert outcome.passed, outcome
    assert outcome.failed == 3


def test_a_tracker_that_is_not_told_is_found_out() -> None:
    """P3: what it answers with 204 all the same is not there after a power cut."""
    outcome = fsync.live(20, failures=45, seed=SEED, states=200, lies=True)

    assert outcome.cuts.lost > 0, outcome
    assert not outcome.passed
