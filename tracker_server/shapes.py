"""Numbers as the shapes of SVG: the pages' policy takes no style, and shapes need none."""

from bisect import bisect
from collections.abc import Sequence

SHADES = (0.01, 0.05, 0.1, 0.25)
"""From which shares of all on the map has its second, third … shade."""


def line(values: Sequence[float], width: int, height: int, top: float | None = None) -> str:
    """Return the points of a line from left to right.

    Args:
        values: one for each step.
        width: of the picture.
        height: of the picture, whose lower edge is zero.
        top: the value at the upper edge; the greatest one by default.
    """
    top = top or max(values, default=0) or 1
    step = width / max(1, len(values) - 1)
    return " ".join(
        f"{_short(place * step)},{_short(height - value / top * height)}"
        for place, value in enumerate(values)
    )


def area(values: Sequence[float], width: int, height: int, top: float | None = None) -> str:
    """Return the points of the area below `line`."""
    return f"0,{height} {line(values, width, height, top)} {width},{height}" if values else ""


def round_up(value: float) -> float:
    """Return the next of 1, 2, 5, 10, 20 … that is no less: the upper edge of a chart."""
    unit = 1.0
    while True:
        for factor in (1, 2, 5):
            if value <= factor * unit:
                return factor * unit
        unit *= 10


def level(share: float) -> int:
    """Return the shade of a country by its share of all: 1 below the first edge, and so on."""
    return bisect(SHADES, share) + 1


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
