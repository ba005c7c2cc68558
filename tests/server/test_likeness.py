"""How alike two names are: the longest common subsequence, by the length of both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker_server.likeness import Likeness, plain

NAMES = st.text("abc d", max_size=30) | st.text(max_size=30)


def _by_the_book(one: str, other: str) -> float:
    """Return the same from a table of all beginnings, as textbooks have it."""
    row = [0] * (len(other) + 1)
    for sign in one:
        last = row
        row = [0]
        for place, its in enumerate(other, 1):
            common = last[place - 1] + 1
            row.append(common if sign == its else max(last[place], row[-1]))
    return 2 * row[-1] / (len(one) + len(other)) if row[-1] else 0.0


@given(NAMES, NAMES)
def test_it_is_the_longest_common_subsequence(one: str, other: str) -> None:
    """Whatever the names, and whichever is first."""
    assert Likeness(one).to(other) == _by_the_book(one, other) == Likeness(other).to(one)


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        ("instal", "install", 12 / 13),
        ("inxtall", "install", 12 / 14),
        ("abc", "abc", 1.0),
        ("abc", "xyz", 0.0),
        ("", "", 0.0),
        ("", "abc", 0.0),
        ("x" * 2_000, "x" * 1_000, 2 / 3),
    ],
)
def test_how_alike(one: str, other: str, likeness: float) -> None:
    """A letter too few is a little, another word everything."""
    assert Likeness(one).to(other) == likeness


@pytest.mark.parametrize(
    ("text", "written"),
    [("Getting-Started", "getting started"), ("a_b", "a b"), ("Straße", "strasse")],
)
def test_case_and_joints_make_no_difference(text: str, written: str) -> None:
    """Addresses join words by a dash, titles by a space."""
    assert plain(text) == written
