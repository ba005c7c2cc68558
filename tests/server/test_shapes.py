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
    ("share", "shade"), [(0, 1), (0.009, 1), (0.01, 2), (0.05, 3), (0.1, 4), (0.249, 4), (1, 5)]
)
def test_shades(share: float, shade: int) -> None:
    """A share that reaches an edge has the shade behind it."""
    assert level(share) == shade
