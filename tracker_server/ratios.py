"""By how much one number of views differs from another, as far as chance allows to say it.

Two counts of equally many days are Poisson counts. Given their sum, the second is binomial, with
the probability that is its part of the sum (Przyborowski and Wilenski, Biometrika 31, 1940), and
the score interval of that probability (Wilson, Journal of the American Statistical Association 22,
1927) becomes one of their ratio.

Views are clumped: a link somewhere brings many on one day. How much more than Poisson counts they
vary is estimated from how the days of the one side stand to those of the other (Pearson's
chi-squared by its degrees of freedom, as for quasi-likelihood), and counts are divided by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

NORMAL_QUANTILE = 1.959963984540054
"""Within so many standard deviations lie 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Change:
    """By which share a number has changed, such as 0.5 for half as much again."""

    share: float | None
    """``None`` where there was nothing before."""
    low: float
    """Lower end of the interval that has the true change in 95 of 100 cases."""
    high: float | None
    """Its upper end; ``None`` where it has none."""

    @property
    def is_clear(self) -> bool:
        """Whether no change at all is outside of the interval."""
        return self.low > 0 or (self.high is not None and self.high < 0)


def change_of(before: Sequence[int], after: Sequence[int]) -> Change | None:
    """Compare the counts of as many days before and after; ``None`` where all are 0.

    Args:
        before: one count a day.
        after: likewise; what stands at the same place is compared, so it should be of the same
            day of the week.
    """
    first, second = sum(before), sum(after)
    if not first and not second:
        return None
    scale = dispersion(before, after)
    low, high = wilson_interval(second / scale, (first + second) / scale)
    return Change(
        second / first - 1 if first else None,
        low / (1 - low) - 1,
        high / (1 - high) - 1 if first else None,
    )


def wilson_interval(successes: float, trials: float) -> tuple[float, float]:
    """Return the 95 % score interval of a probability; the numbers need not be whole."""
    share, square = successes / trials, NORMAL_QUANTILE**2 / trials
    centre = share + square / 2
    spread = sqrt(square * (share * (1 - share) + square / 4))
    low, high = ((centre + part * spread) / (1 + square) for part in (-1, 1))
    # Rounding would leave the ends a little beside what they are.
    return (low if successes else 0.0), (high if successes < trials else 1.0)


def dispersion(before: Sequence[int], after: Sequence[int]) -> float:
    """Return by how many times pairs of days vary more than Poisson counts would; at least 1."""
    pairs = [(one, other) for one, other in zip(before, after, strict=True) if one or other]
    first, second = sum(before), sum(after)
    if not first or not second or len(pairs) == 1:
        return 1.0
    share = second / (first + second)
    squares = sum(
        (other - (one + other) * share) ** 2 / ((one + other) * share * (1 - share))
        for one, other in pairs
    )
    return max(1.0, squares / (len(pairs) - 1))
