"""The series of a report as the stats page draws it: figures, points and their labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Any

from tracker_server.address import Address
from tracker_server.shapes import area, line, round_up
from tracker_server.texts import Texts

WIDTH, HEIGHT = 1000, 220
"""Of the picture that is there before the script draws its own."""
SERIES = {"views": "views", "visitors": "visitors", "engaged": "activeSeconds"}
"""What the page calls the series of a report."""

SHARES = ("completion", "depth")
"""The figures that are shares of one."""
NOTHING = "\N{EN DASH}"
"""What stands for a number that is not known."""

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the numbers above the chart."""

    name: str
    text: str
    note: str
    change: str = ""
    """By how much it has changed, or what it was; empty where there is nothing to compare with."""
    trend: str = ""
    """``up`` or ``down``."""
    link: str | None = None
    """Address of the chart of it; ``None`` where it has none."""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """One step of the series."""

    start: str
    """RFC 3339, of a day or of an hour."""
    label: str
    tick: str
    """The label for little room."""
    values: Sequence[tuple[str, float | None, str]]
    """Of each series its name, its number, ``None`` where it is unknown, and that in words."""
    before: tuple[str, float | None, str] | None
    """Of the period before: label, number and words."""
    link: str | None
    """Address of the view of this step alone."""
    deploys: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """The chosen series, ready to be drawn."""

    metric: str
    points: Sequence[Point]
    line: str
    area: str
    before: str
    top: str
    """What the upper edge stands for, in words."""
    total: float


def make_figures(report: Report, address: Address, texts: Texts) -> list[Figure]:
    """Make the figures of a view."""
    sums = _sums(report)
    past = _sums(report["before"]) if report["before"] else {}
    # A day that goes on is not to be compared with one that is over.
    compare = _name_yesterday if address.period == "today" and not address.is_custom else _compare
    figures = []
    for name, value in sums.items():
        change = trend = ""
        if value is not None and (earlier := past.get(name)) is not None:
            change, trend = compare(texts, name, value, earlier)
        figures.append(
            Figure(
                name,
                NOTHING if value is None else _write(texts, name, value),
                _note(report, sums, texts, name),
                change,
                trend,
                address.link(metric=name) if name in SERIES else None,
                address.metric == name,
            )
        )
    return figures


def _compare(texts: Texts, name: str, now: float, past: float) -> tuple[str, str]:
    """Return by how much a figure has changed, and in which direction."""
    if name in SHARES:
        return texts.points(now - past), _trend(round((now - past) * 100))
    return (texts.change(now / past - 1), _trend(now - past)) if past else ("", "")


def _name_yesterday(texts: Texts, name: str, _now: float, past: float) -> tuple[str, str]:
    return texts("yesterday", value=_write(texts, name, past)), ""


def _trend(difference: float) -> str:
    return "up" if difference > 0 else "down" if difference < 0 else ""


def _sums(report: Report) -> dict[str, Any]:
    reading = report["reading"] or {}
    loads, depth = reading.get("pageLoads"), reading.get("scrollDepth")
    return {
        "views": report["views"],
        "visitors": report["visitors"],
        "engaged": reading.get("activeSeconds"),
        "completion": reading["completed"] / loads if loads else None,
        "depth": None if depth is None else depth / 100,
    }


def _write(texts: Texts, name: str, value: float) -> str:
    if name == "engaged":
        return texts.duration(value)
    if name in SHARES:
        return texts.percent(value)
    return texts.compact(int(value))


def _note(report: Report, sums: Mapping[str, Any], texts: Texts, name: str) -> str:
    reading = report["reading"] or {}
    loads = reading.get("pageLoads")
    if name == "views" and sums["visitors"]:
        return texts("per_visitor", number=texts.number(sums["views"] / sums["visitors"]))
    if name == "visitors":
        # With a filter they are the views of these that began a visit.
        filtered = any(value is not None for value in report["filters"].values())
        visits = report["visits"]
        return texts("begun", n=visits) if filtered else texts("visits", n=visits)
    if name == "engaged" and loads:
        return texts("per_load", time=texts.duration(reading["activeSeconds"] / loads))
    if name == "completion" and loads:
        return texts("of_loads", part=texts.number(reading["completed"]), all=texts.number(loads))
    if name == "depth" and loads:
        return texts("depth_note")
    return ""


def make_chart(report: Report, address: Address, texts: Texts, now: float) -> Chart:
    """Make the chart of the chosen figure, without what is still to come at a time."""
    metric = address.metric or "views"
    series, before = report["series"], report.get("before")
    values = _numbers(series, metric)
    past = _numbers(before["series"], metric)[: len(values)] if before and address.compare else []
    top = round_up(max([*values, *past, 1]))
    return Chart(
        metric,
        _points(report, address, texts, metric, now),
        line(values, WIDTH, HEIGHT, top),
        area(values, WIDTH, HEIGHT, top),
        line(past, WIDTH, HEIGHT, top) if past else "",
        _write(texts, metric, top),
        sum(values),
    )


def _numbers(series: Report, metric: str) -> list[float]:
    """Return a series as it is drawn: zero where it is not known."""
    return [number or 0 for number in series[SERIES[metric]] or ()]


def _points(report: Report, address: Address, texts: Texts, metric: str, now: float) -> list[Point]:
    series, grain = report["series"], report["grain"]
    starts = [_parse(start) for start in series["starts"]]
    before = report.get("before") if address.compare else None
    earlier = _earlier(before, texts, grain, metric) if before else []
    deploys = _deploys(report, starts)
    points = []
    for place, (start, past) in enumerate(zip_longest(starts, earlier[: len(starts)])):
        values = []
        for name, key in SERIES.items():
            if (numbers := series[key]) is not None:
                number = numbers[place] if start.timestamp() <= now else None
                values.append((name, number, _write_exactly(texts, name, number)))
        label, tick = _labels(texts, start, grain)
        link = None if grain == "hour" else _zoom(address, report, start, grain)
        points.append(
            Point(series["starts"][place], label, tick, values, past, link, deploys.get(place, ()))
        )
    return points


def _earlier(
    before: Report, texts: Texts, grain: str, metric: str
) -> list[tuple[str, float | None, str]]:
    numbers = before["series"][SERIES[metric]] or []
    return [
        (_labels(texts, _parse(start), grain)[0], number, _write_exactly(texts, metric, number))
        for start, number in zip(before["series"]["starts"], numbers, strict=False)
    ]


def _write_exactly(texts: Texts, name: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    return texts.duration(value) if name == "engaged" else texts.number(int(value))


def _parse(start: str) -> datetime:
    moment = datetime.fromisoformat(start)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _labels(texts: Texts, start: datetime, grain: str) -> tuple[str, str]:
    """Return how a step is called, with much room and with little."""
    if grain == "hour":
        return f"{texts.weekday(start)} {texts.hour(start)}", texts.hour(start)
    if grain == "day":
        return texts.weekday(start), texts.day(start)
    if grain == "week":
        return texts("week_of", day=texts.full_day(start)), texts.day(start)
    return texts.month(start), texts.month(start)


def _zoom(address: Address, report: Report, start: datetime, grain: str) -> str:
    """Return the address of the view of one step alone, which is never more than what is shown."""
    first = start.date()
    last = first
    if grain == "week":
        last = first + timedelta(days=6)
    elif grain == "month":
        last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    first = max(first, date.fromisoformat(report["from"]))
    last = min(last, date.fromisoformat(report["to"]))
    return address.link(**{"from": first.isoformat(), "to": last.isoformat()})


def _deploys(report: Report, starts: Sequence[datetime]) -> dict[int, list[str]]:
    """Return what was deployed, by the place of the step in which it was."""
    found: dict[int, list[str]] = {}
    for deploy in report.get("deploys") or ():
        at = _parse(deploy["at"])
        place = sum(start <= at for start in starts) - 1
        if place >= 0:
            name = deploy["label"] or (deploy["commit"] or "")[:7] or at.strftime("%H:%M")
            found.setdefault(place, []).append(name)
    return found
