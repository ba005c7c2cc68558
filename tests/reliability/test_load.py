"""The short forms of the promises about load and senders, and that they can fail."""

from pathlib import Path

import pytest

from tests.reliability import flood, followers, sender, slow

SEED = 20_261_125
SLOWNESS = 3
"""How much slower than promised a machine may be on which other tests run too."""


def test_a_flood_from_one_network_leaves_the_others_alone(tmp_path: Path) -> None:
    """P10: the flood gets its rate and no more, others are stored as ever."""
    outcome = flood.run(6, 100, SEED, tmp_path, flood.RATE_LIMIT)

    assert outcome.passed(SLOWNESS), outcome
    assert outcome.flood["429"] > 100


def test_without_limits_a_flood_is_stored(tmp_path: Path) -> None:
    """P3: the same test over a tracker without limits sees it."""
    outcome = flood.run(6, 20, SEED, tmp_path, 0)

    assert not outcome.is_held, outcome


def test_who_is_slow_keeps_nobody_waiting(tmp_path: Path) -> None:
    """P11: a thousand half-open connections of one address, and readers of the same network."""
    outcome = slow.run(slow.CONNECTIONS, 100, SEED, tmp_path)

    assert outcome.passed(SLOWNESS), outcome
    assert outcome.held == slow.CONNECTIONS


def test_the_live_page_has_a_ceiling(tmp_path: Path) -> None:
    """P12: pages beyond it are told to come again, and views are stored meanwhile."""
    outcome = followers.run(4_000, 100, tmp_path)

    assert outcome.passed(SLOWNESS), outcome
    assert outcome.asked > followers.MAX_STREAMS


@pytest.mark.parametrize(
    ("trusted", "passes"), [pytest.param((), True, id="P16"), ((sender.PEER,), False)]
)
def test_a_sender_chooses_neither_who_it_is_nor_when_it_was(
    tmp_path: Path, trusted: tuple[str, ...], *, passes: bool
) -> None:
    """Whatever it writes; and behind a trusted proxy the test sees that it can fail."""
    outcome = sender.run(500, SEED, tmp_path, trusted)

    assert outcome.passed is passes, outcome
