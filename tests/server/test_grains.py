"""How a period is cut into parts."""

from datetime import date

import pytest

from tracker_server.grains import gather, part_of, spans_of, starts_of, usual_grain

THURSDAY = (date(2026, 1, 1) - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("days", "grain"),
    [(1, "hour"), (2, "day"), (92, "day"), (93, "week"), (731, "week"), (732, "month")],
)
def test_longer_periods_have_longer_parts(days: int, grain: str) -> None:
    """So that a chart has some dozens of points."""
    assert usual_grain(days) == grain


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    """The first part begins with the period."""
    assert starts_of(THURSDAY, THURSDAY + 11, "week") == (THURSDAY, THURSDAY + 4, THURSDAY + 11)
    assert starts_of(THURSDAY - 1, THURSDAY + 31, "month") == (
        *(THURSDAY - 1, THURSDAY, THURSDAY + 31),
    )
    assert starts_of(THURSDAY, THURSDAY + 1, "day") == (THURSDAY, THURSDAY + 1)
    assert starts_of(THURSDAY, THURSDAY, "hour") == tuple(range(THURSDAY * 24, THURSDAY * 24 + 24))


def test_a_leap_day_and_the_change_of_years_are_days_like_others() -> None:
    """Months follow the calendar."""
    first = (date(2024, 2, 28) - date(1970, 1, 1)).days
    last = (date(2025, 1, 1) - date(1970, 1, 1)).days

    assert [
        date.fromordinal(date(1970, 1, 1).toordinal() + day).isoformat()
        for day in starts_of(first, last, "month")
    ] == ["2024-02-28", *(f"2024-{month:02}-01" for month in range(3, 13)), "2025-01-01"]


def test_what_is_gathered_adds_up() -> None:
    """Every amount is in one part."""
    starts = (10, 17, 24)

    assert [part_of(starts, day) for day in (10, 16, 17, 30)] == [0, 0, 1, 2]
    assert gather(starts, {10: 1, 16: 2, 24: 4, 30: 8}) == (3, 0, 12)


@pytest.mark.parametrize(
    ("days", "starts"),
    [
        pytest.param(1, (0,), id="one-day"),
        pytest.param(30, tuple(range(30)), id="each-day"),
        pytest.param(31, (0, *range(1, 31, 2)), id="the-first-is-shorter"),
        pytest.param(90, tuple(range(0, 90, 3)), id="three-days"),
    ],
)
def test_spans_are_equal_and_few(days: int, starts: tuple[int, ...]) -> None:
    """At most thirty, counted back from the last day."""
    assert spans_of(0, days - 1, 30) == starts
