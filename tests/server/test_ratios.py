"""Intervals of a change: values from the literature, ends, and how often they are right."""

from math import exp
from random import Random

import pytest

from tracker_server.ratios import Change, change_of, dispersion, wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_known_intervals(successes: int, trials: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3: score, no correction."""
    found = wilson_interval(successes, trials)

    assert [round(end, 4) for end in found] == [low, high]
    mirrored = wilson_interval(trials - successes, trials)
    assert mirrored == pytest.approx((1 - found[1], 1 - found[0]))


def test_a_change_is_the_interval_of_its_part() -> None:
    """40 views after 10 are 80 %, whose interval is 66.96 % to 88.76 %."""
    change = change_of([2, 3, 2, 3], [10, 10, 10, 10])

    assert change is not None
    assert change.share == 3.0
    assert change.low == pytest.approx(0.6696 / 0.3304 - 1, abs=0.001)
    assert change.high == pytest.approx(0.8876 / 0.1124 - 1, abs=0.01)
    assert change.is_clear


def test_what_has_no_end() -> None:
    """From nothing there is no ratio; to nothing it is known; of nothing there is no change."""
    assert change_of([0, 0], [0, 0]) is None
    grown = change_of([0, 0], [10, 10])
    gone = change_of([10, 10], [0, 0])

    assert grown is not None
    assert (grown.share, grown.high) == (None, None)
    # At least 83.89 % of the views are after.
    assert grown.low == pytest.approx(0.8389 / 0.1611 - 1, abs=0.01)
    assert grown.is_clear
    assert gone is not None
    assert (gone.share, gone.low) == (-1.0, -1.0)
    assert gone.high == pytest.approx(0.1611 / 0.8389 - 1, abs=0.001)
    assert gone.is_clear


def test_an_interval_with_nothing_in_it_is_not_clear() -> None:
    """Nor is one that ends at it."""
    assert not Change(0.1, -0.1, 0.3).is_clear
    assert not Change(0.1, 0.0, 0.3).is_clear
    assert not Change(-0.1, -0.3, 0.0).is_clear
    assert not Change(None, -0.1, None).is_clear
    assert Change(-0.1, -0.3, -0.01).is_clear


def test_clumped_views_count_for_less() -> None:
    """Twice as many on one day alone is chance; twice as many each day is not."""
    before = [10, 10, 10, 10]
    # Pairs of 10, 10, 10 and 90 views, of which two in three should be after:
    # three times (6.67)^2 / 2.22, and (80 - 60)^2 / 20, by three.
    assert dispersion(before, [0, 0, 0, 80]) == pytest.approx((3 * 20 + 20) / 3)
    clumped = change_of(before, [0, 0, 0, 80])
    steady = change_of(before, [20, 20, 20, 20])

    assert clumped is not None
    assert steady is not None
    assert clumped.share == steady.share == 1.0
    assert not clumped.is_clear
    assert steady.is_clear


def test_pairs_of_days_do_not_care_for_the_days_of_the_week() -> None:
    """Quiet weekends on both sides are no chance; days without any view tell nothing."""
    week = [100, 100, 100, 100, 100, 10, 10]

    assert dispersion(week, week) == 1.0
    assert dispersion(week, week[::-1]) > 10
    assert dispersion([*week, 0], [*week, 0]) == 1.0
    assert dispersion([5], [9]) == 1.0


@pytest.mark.parametrize("days", [7, 28])
@pytest.mark.parametrize("a_day", [3, 20, 100])
@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.5])
def test_the_true_change_is_in_95_of_100_intervals(days: int, a_day: int, ratio: float) -> None:
    """Of Poisson counts, give or take two."""
    assert 0.93 <= _coverage(days, a_day, ratio, spread=1) <= 0.97


@pytest.mark.parametrize(("days", "least"), [(7, 0.88), (28, 0.92)])
def test_clumped_counts_are_held_nearly_as_well(days: int, least: float) -> None:
    """With a variance of three times the mean; a Poisson interval would have 75 of 100."""
    assert least <= _coverage(days, 20, 1.0, spread=3) <= 0.97


def _coverage(days: int, a_day: float, ratio: float, spread: int, cases: int = 2_000) -> float:
    random = Random(f"{days} {a_day} {ratio} {spread}")
    hits = 0
    for _ in range(cases):
        before = [_draw(random, a_day, spread) for _ in range(days)]
        after = [_draw(random, a_day * ratio, spread) for _ in range(days)]
        change = change_of(before, after)
        assert change is not None
        hits += change.low <= ratio - 1 and (change.high is None or ratio - 1 <= change.high)
    return hits / cases


def _draw(random: Random, mean: float, spread: int) -> int:
    """Return a Poisson count, or one of a mean that is drawn itself so that it varies more."""
    if spread > 1:
        mean = random.gammavariate(mean / (spread - 1), spread - 1)
    count, least, product = 0, exp(-mean), random.random()
    while product >= least:
        count += 1
        product *= random.random()
    return count
