"""The short form of the power cut, that it can fail, and the disk it is about."""

import random
from pathlib import Path

import pytest

from tests.reliability import power
from tests.reliability.disk import (
    SECTOR,
    SYNC_BEGINS,
    SYNC_ENDS,
    TRUNCATE,
    UNLINK,
    WRITE,
    Disk,
    Note,
)

STATES = 800
SEED = "20261125"


def test_what_was_answered_survives_a_power_cut(tmp_path: Path) -> None:
    """P2: whatever of what was not flushed is left; and a view that is missing is noticed (P3)."""
    recording = power.record(tmp_path, SEED)
    outcome = power.cut(recording, STATES, SEED)
    spoilt = power.cut(recording, STATES // 8, SEED, power.lose_a_view)

    assert outcome.passed, outcome
    assert outcome.states == STATES
    assert spoilt.states > STATES / 16
    assert spoilt.unnoticed == 0, spoilt


def test_a_tracker_that_flushes_now_and_then_is_found_out(tmp_path: Path) -> None:
    """P3: with ``synchronous=normal`` most power cuts cost views that were answered."""
    outcome = power.cut(power.record(tmp_path, SEED, "normal"), STATES // 4, SEED)

    assert outcome.lost > power.LOST_BY_NORMAL * outcome.states, outcome
    assert not outcome.corrupt, outcome


def _left(*notes: tuple[int, str, int, bytes]) -> set[tuple[tuple[str, bytes], ...]]:
    """Return all that may be left after what was noted, found by many power cuts."""
    disk, dice = Disk("/d"), random.Random(SEED)
    for kind, path, offset, data in notes:
        disk.hear(Note(kind, path, offset, data))
    return {tuple(sorted(disk.cut(dice).items())) for _ in range(400)}


A, B, OLD = b"a" * SECTOR, b"b" * SECTOR, b"-" * SECTOR
THERE = ((WRITE, "/d/f", 0, OLD * 2), *((kind, "/d/f", 0, b"") for kind in (2, 3)))
NAMED = ((SYNC_BEGINS, "/d", 0, b""), (SYNC_ENDS, "/d", 0, b""))


@pytest.mark.parametrize(
    ("notes", "left"),
    [
        pytest.param((), {((("f", OLD * 2),))}, id="flushed"),
        pytest.param(
            ((WRITE, "/d/f", 0, A + B),),
            {(("f", a + b),) for a in (A, OLD) for b in (B, OLD)},
            id="torn-in-sectors",
        ),
        pytest.param(
            ((WRITE, "/d/f", 0, A), (SYNC_BEGINS, "/d/f", 0, b""), (WRITE, "/d/f", SECTOR, B)),
            {(("f", a + b),) for a in (A, OLD) for b in (B, OLD)},
            id="a-flush-that-has-not-ended",
        ),
        pytest.param(
            ((TRUNCATE, "/d/f", SECTOR, b""),), {(("f", OLD * 2),), (("f", OLD),)}, id="cut-short"
        ),
        pytest.param(
            ((WRITE, "/d/f", 2 * SECTOR + 1, b"x"),),
            {(("f", OLD * 2),), (("f", OLD * 2 + b"\0x"),)},
            id="longer",
        ),
        pytest.param(((UNLINK, "/d/f", 0, b""),), {(("f", OLD * 2),), ()}, id="deleted"),
        pytest.param(
            ((UNLINK, "/d/f", 0, b""), (WRITE, "/d/f", 0, A)),
            {(("f", OLD * 2),), (), (("f", b""),), (("f", A),)},
            id="made-anew",
        ),
        pytest.param(((UNLINK, "/d/f", 0, b""), *NAMED), {()}, id="deleted-for-good"),
    ],
)
def test_a_disk_leaves_what_it_may(
    notes: tuple[tuple[int, str, int, bytes], ...], left: set[tuple[tuple[str, bytes], ...]]
) -> None:
    """Each of these states comes up, and no other."""
    assert _left(*THERE, *NAMED, *notes) == left
