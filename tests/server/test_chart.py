"""The series of a report as figures and points, on the report of the contract."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.server.conftest import CONTRACT
from tracker_server.address import Address
from tracker_server.chart import Chart, Figure, make_chart, make_figures
from tracker_server.texts import Texts

LATER = datetime(2026, 3, 2, tzinfo=UTC).timestamp()


def _report(**changes: Any) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((CONTRACT / "report.json").read_text(encoding="utf-8"))
    return report | changes


def _figures(report: dict[str, Any], **parameters: str) -> dict[str, Figure]:
    figures = make_figures(report, Address(parameters), Texts("en"))
    return {figure.name: figure for figure in figures}


def _chart(report: dict[str, Any], now: float = LATER, **parameters: str) -> Chart:
    return make_chart(report, Address(parameters), Texts("en"), now)


def test_figures_and_how_they_have_changed() -> None:
    """Each figure has its number, what it is of, and its change against the days before."""
    figures = _figures(_report())

    assert {
        name: (figure.text, figure.change, figure.note) for name, figure in figures.items()
    } == {
        "views": ("1,234", "+12%", "2.2 per visitor"),
        "visitors": ("567", "+13%", "600 visits"),
        "engaged": ("11\u00a0h 6\u00a0min", "+33%", "50\u00a0s per view"),
        "completion": ("39%", "+10 points", "310 of 800"),
        "depth": ("62%", "+2 points", "on average"),
    }
    assert figures["views"].current
    assert figures["visitors"].link == "/stats?metric=visitors"
    assert figures["depth"].link is None


def test_visits_are_those_that_began_with_what_is_filtered() -> None:
    """With a filter the number of visits is that of the views which began one, and is so called."""
    filters = _report()["filters"] | {"country": ""}

    assert _figures(_report(filters=filters))["visitors"].note == "600 began a visit"


def test_nothing_is_compared_with_nothing() -> None:
    """Without a period before, or with an empty one, there is no change."""
    empty = _report()["before"] | {"views": 0, "visitors": 0, "reading": None}

    assert {figure.change for figure in _figures(_report(before=None)).values()} == {""}
    assert {figure.change for figure in _figures(_report(before=empty)).values()} == {""}


def test_today_is_not_compared_with_a_whole_day() -> None:
    """Yesterday's number stands beside today's, which is not over."""
    assert _figures(_report(), period="today")["views"].change == "yesterday 1,100"


def test_what_a_filter_leaves_unknown_is_said_to_be() -> None:
    """How pages were read is not known by country: a dash, and no note."""
    series = _report()["series"] | {"activeSeconds": None}
    figures = _figures(_report(reading=None, series=series))

    assert [(figures[name].text, figures[name].note) for name in ("engaged", "depth")] == [
        ("\N{EN DASH}", ""),
        ("\N{EN DASH}", ""),
    ]
    chart = _chart(_report(reading=None, series=series), metric="engaged")
    assert chart.total == 0
    assert [name for name, _, _ in chart.points[0].values] == ["views", "visitors"]


def test_points_have_labels_numbers_and_links() -> None:
    """A day has its numbers in words, and the address of the view of it alone."""
    first = _chart(_report(), compare="1").points[0]

    assert (first.start, first.label, first.tick) == ("2026-02-27", "Fri, Feb 27", "Feb 27")
    assert first.values == [
        ("views", 700, "700"),
        ("visitors", 400, "400"),
        ("engaged", 30_000, "8\u00a0h 20\u00a0min"),
    ]
    assert first.before == ("Tue, Feb 24", 400, "400")
    assert first.link == "/stats?from=2026-02-27&to=2026-02-27&compare=1"
    assert [point.deploys for point in _chart(_report()).points] == [["08:00"], (), ["v1.2"]]


@pytest.mark.parametrize(
    ("grain", "label", "last"),
    [("week", "Week from Feb 27, 2026", "2026-03-01"), ("month", "Feb 2026", "2026-02-28")],
)
def test_steps_of_many_days_end_with_what_is_shown(grain: str, label: str, last: str) -> None:
    """A week or month alone is no more of it than the view has."""
    series = {"starts": ["2026-02-27"], "views": [1], "visitors": [1], "activeSeconds": [1]}
    [point] = _chart(_report(grain=grain, series=series)).points

    assert point.label == label
    assert point.link == f"/stats?from=2026-02-27&to={last}"


def test_what_is_still_to_come_is_no_zero() -> None:
    """Hours after now have no number, those before have."""
    starts = ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"]
    series = {"starts": starts, "views": [5, 0], "visitors": [2, None], "activeSeconds": None}
    report = _report(grain="hour", series=series)
    now = datetime(2026, 3, 1, 10, 30, tzinfo=UTC).timestamp()
    points = _chart(report, now).points

    assert [point.values[0][1:] for point in points] == [(5, "5"), (None, "\N{EN DASH}")]
    assert points[0].label == "Sun, Mar 1 10:00"
    assert points[0].link is None


def test_shapes_share_a_scale() -> None:
    """The line of the days before is on the scale of both."""
    chart = _chart(_report(), compare="1")

    assert chart.top == "1,000"
    assert chart.line == "0,66 500,220 1000,102.5"
    assert chart.before == "0,132 500,154 1000,132"
    assert _chart(_report()).before == ""
