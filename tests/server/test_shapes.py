"""Numbers as shapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_server.shapes import area, level, line, round_up


@pytest.mark.parametrize(
    ("values", "points"),
    [
        ([0, 5, 10], "0,20 40,10 80,0"),
        ([1], "0,0"),
        ([0, 0], "0,20 80,20"),
        ([], ""),
    ],
)
def test_lines(values: list[float], points: str) -> None:
    """The greatest number is at the top, zero at the bottom."""
    assert line(values, 80, 20) == points


def test_areas_close_at_the_bottom() -> None:
    """An area has the line as its upper edge."""
    assert area([0, 10], 80, 20, top=20) == "0,20 0,20 80,10 80,20"
    assert area([], 80, 20) == ""


@given(st.floats(min_value=0, max_value=1e12))
def test_edges_are_round(value: float) -> None:
    """The upper edge is no less than the value, and no more than two and a half times it."""
    edge = round_up(value)

    assert edge >= value
    assert edge == 1 or edge < value * 2.5 + 1e-9
    assert str(int(edge)).strip("0") in {"1", "2", "5"}


@pytest.mark.parametrize(
    ("value", "shade"), [(100, 5), (50, 5), (49, 4), (12, 3), (3, 2), (1, 2), (0.1, 1)]
)
def test_shades(value: float, shade: int) -> None:
    """Each shade stands for a quarter of the one above."""
    assert level(value, 100) == shade
