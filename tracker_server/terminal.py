"""Figures as text for a terminal: the JSON of ``docs/wire.md`` in, lines out.

Titles, paths and referrers come from outside: nothing of them reaches the terminal that
it would take for a command.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MIN_WIDTH = 40
MAX_WIDTH = 120
"""Beyond it lines are harder to read, not easier."""
CHART_ROWS = 3
BAR_CELLS = 12
SINGLE_COLUMN = 88
"""Below this width lists stand below each other."""

_CODES = {"bold": "1", "quiet": "2", "accent": "36", "warn": "33"}
_LISTS = (
    ("referrers", "referrer", "Sources", "visits"),
    ("campaigns", "campaign", "Campaigns", "visits"),
    ("countries", "country", "Countries", "views"),
    ("devices", "device", "Devices", "views"),
    ("browsers", "browser", "Browsers", "views"),
    ("versions", "version", "Versions", "views"),
    ("bots", "bot", "Bots, not counted", "views"),
)
"""Each with its rows: where they are, what they are of, what it is called, and its number.

One without rows is left out, so that of versions where a site has but one.
"""
_DEMO = "These figures are made up (demo data)."


@dataclass(frozen=True, slots=True)
class Style:
    """What a terminal can do."""

    width: int
    colours: bool = False
    blocks: bool = True
    """Whether it can show block characters; else there is ASCII."""

    @property
    def cells(self) -> int:
        """How many cells a line may have."""
        return max(MIN_WIDTH, min(self.width, MAX_WIDTH))

    def paint(self, text: str, code: str) -> str:
        """Colour a text where that is wanted."""
        return f"\x1b[{_CODES[code]}m{text}\x1b[0m" if self.colours and text else text


def render_report(report: Mapping[str, Any], style: Style, max_rows: int, *, demo: bool) -> str:
    """Render the answer of ``GET /api/report``.

    Args:
        report: the answer.
        style: what the terminal can do.
        max_rows: how long each list is at most.
        demo: whether the figures are made up.
    """
    lines = [style.paint(f"{report['from']} to {report['to']}", "bold") + _filters(report)]
    before = report.get("before")
    if before:
        lines.append(style.paint(f"against {before['from']} to {before['to']}", "quiet"))
    if demo:
        lines.append(style.paint(_DEMO, "warn"))
    lines += ["", *_figures(report, style), "", *_chart(report["series"]["views"], style)]
    lines.append(style.paint(_caption(report), "quiet"))
    lines += _pages(report.get("pages") or [], style, max_rows)
    lines += _sections(report.get("sections") or [], style)
    lines += _breakdowns(report, style, max_rows)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def render_live(stats: Mapping[str, Any], style: Style, height: int, state: str) -> str:
    """Render the answer of ``GET /api/stats`` so that it fits a screen.

    Args:
        stats: the answer.
        style: what the terminal can do.
        height: lines of the screen.
        state: what stands in the last line.
    """
    now, views, visitors = (
        f"{stats[name]:,}" for name in ("activeVisitors", "totalPageViews", "uniqueVisitors")
    )
    figures = (f"{style.paint(views, 'bold')} views", f"{style.paint(visitors, 'bold')} visitors")
    lines = ["   ".join((f"{style.paint(now, 'accent')} reading now", *figures))]
    if stats.get("demo"):
        lines.append(style.paint(_DEMO, "warn"))
    minutes = stats.get("minutes")
    series = minutes or stats["series"]["views"]
    lines += ["", *_chart(series, style)]
    unit = "minute" if minutes else "day"
    lines.append(style.paint(f"views by {unit}, the last {len(series)}", "quiet"))
    left = max(0, height - len(lines) - 1)
    lines += [*_live_lists(stats, style, left)][:left]
    lines += [""] * (height - len(lines) - 1)
    return "\n".join(
        [line.rstrip() for line in lines[: height - 1]] + [style.paint(state, "quiet")]
    )


def printable(text: str) -> str:
    """Return a text without anything that a terminal obeys or that hides other text."""
    return "".join(_safe(letter) for letter in text)


def _safe(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind == "Zs":
        return " "
    return "?" if kind[0] in "CZ" else letter


def cells_of(text: str) -> int:
    """Return how many cells of a terminal a printable text takes."""
    return sum(map(_cells, text))


def fit(text: str, cells: int) -> str:
    """Cut or fill a printable text to a number of cells."""
    if cells_of(text) > cells:
        kept, room = "", cells - 1
        for letter in text:
            room -= _cells(letter)
            if room < 0:
                break
            kept += letter
        text = f"{kept}~"
    return text + " " * (cells - cells_of(text))


def _cells(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _filters(report: Mapping[str, Any]) -> str:
    chosen = report.get("filters") or {"page": report.get("path")}
    said = [
        f"{name} {printable(text) or 'unknown'}"
        for name, text in chosen.items()
        if text is not None
    ]
    return f", {', '.join(said)}" if said else ""


def _figures(report: Mapping[str, Any], style: Style) -> Iterator[str]:
    before = report.get("before")
    figures = [
        (f"{report[name]:,}", name, _change(report[name], before[name]) if before else "")
        for name in ("views", "visitors", "visits")
        if report.get(name) is not None
    ]
    reading = report.get("reading") or {}
    loads = reading.get("pageLoads")
    if loads:
        minutes, seconds = divmod(round(reading["activeSeconds"] / loads), 60)
        figures.append((f"{minutes}:{seconds:02}", "active on a page", ""))
        figures.append((f"{reading['scrollDepth']} %", "scrolled", ""))
    for number, name, change in figures:
        yield f"{style.paint(f'{number:>12}', 'bold')} {name}{style.paint(change, 'quiet')}"


def _change(now: int, before: int) -> str:
    return f"  {(now - before) / before:+.0%}" if before else ""


def _chart(values: Sequence[int | None], style: Style) -> Iterator[str]:
    """Draw columns of numbers, as wide as the line allows, in a few rows."""
    columns = _resample([value or 0 for value in values], style.cells)
    most = max(columns, default=0)
    steps = " ▁▂▃▄▅▆▇█" if style.blocks else "  ..::||#"
    for row in range(CHART_ROWS - 1, -1, -1):
        cells = []
        for value in columns:
            level = -(-value * 8 * CHART_ROWS // most) if most else 0
            cells.append(steps[max(0, min(8, level - 8 * row))])
        yield style.paint("".join(cells), "accent")


def _resample(values: Sequence[int], cells: int) -> list[int]:
    """Return one number a cell: sums of neighbours where there are more, else each widened."""
    if len(values) > cells:
        size = -(-len(values) // cells)
        return [sum(values[start : start + size]) for start in range(0, len(values), size)]
    wide = max(1, min(4, cells // max(1, len(values))))
    return [value for value in values for _ in range(wide)]


def _caption(report: Mapping[str, Any]) -> str:
    series = report["series"]
    views = series["views"]
    grain = report.get("grain", "day")
    if not any(views):
        return f"views by {grain}"
    most = max(range(len(views)), key=lambda n: views[n] or 0)
    starts = series.get("starts")
    when = f" ({starts[most]})" if starts else ""
    return f"views by {grain}, at most {views[most]:,}{when}"


def _pages(pages: Sequence[Mapping[str, Any]], style: Style, max_rows: int) -> Iterator[str]:
    if not pages:
        return
    room = style.cells - BAR_CELLS - 22
    yield ""
    yield style.paint(f"{fit('Pages', room + BAR_CELLS + 2)}{'views':>10}{'visitors':>10}", "bold")
    most = max(page["views"] for page in pages)
    for page in pages[:max_rows]:
        yield (
            f"{_name(page, room, style)} {_bar(page['views'], most, style)} "
            f"{page['views']:>10,}{page['visitors']:>10,}"
        )


def _sections(sections: Sequence[Mapping[str, Any]], style: Style) -> Iterator[str]:
    """Yield all sections of a page in its order, if any of them was in view."""
    loads = sum(section["stops"] for section in sections)
    if not loads:
        return
    room = style.cells - BAR_CELLS - 32
    yield ""
    heading = (
        f"{fit('Sections', room + BAR_CELLS + 2)}{'reached':>10}{'seconds':>10}{'stopped':>10}"
    )
    yield style.paint(heading, "bold")
    for section in sections:
        title = "  " * (section["level"] - 1) + printable(section["title"] or section["id"])
        yield (
            f"{fit(title, room)} {_bar(min(1, section['share']), 1, style)} "
            f"{section['share']:>10.0%}{section['meanSeconds'] or 0:>10.1f}"
            f"{section['stops'] / loads:>10.0%}"
        )


def _name(page: Mapping[str, Any], room: int, style: Style) -> str:
    """Return a title, and the path as far as there is room."""
    path, title = printable(page["path"]), printable(page["title"] or "")
    if not title:
        return fit(path, room)
    left = room - cells_of(title) - 2
    if left < 8:
        return fit(title, room)
    return f"{title}  {style.paint(fit(path, left), 'quiet')}"


def _bar(value: float, most: float, style: Style) -> str:
    eighths = round(value * BAR_CELLS * 8 / most) if most else 0
    if style.blocks:
        bar = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    else:
        bar = "#" * round(eighths / 8)
    return style.paint(f"{bar:<{BAR_CELLS}}", "accent")


def _breakdowns(report: Mapping[str, Any], style: Style, max_rows: int) -> Iterator[str]:
    """Yield the short lists, two beside each other where there is room."""
    columns = 2 if style.cells >= SINGLE_COLUMN else 1
    room = (style.cells - 4 * (columns - 1)) // columns
    blocks = [
        [*_list(report[key], name, heading, number, room, style, max_rows)]
        for key, name, heading, number in _LISTS
        if report.get(key)
    ]
    for start in range(0, len(blocks), columns):
        yield ""
        pair = blocks[start : start + columns]
        for number in range(max(map(len, pair))):
            cells = [block[number] if number < len(block) else " " * room for block in pair]
            yield "    ".join(cells)


def _list(  # noqa: PLR0913, PLR0917  # a list and where it stands
    rows: Sequence[Mapping[str, Any]],
    name: str,
    heading: str,
    number: str,
    room: int,
    style: Style,
    most: int,
) -> Iterator[str]:
    yield style.paint(f"{fit(heading, room - 10)}{number:>10}", "bold")
    unsaid = "direct or unknown" if name == "referrer" else "unknown"
    for row in rows[:most]:
        yield f"{fit(printable(row[name]) or unsaid, room - 10)}{row[number]:>10,}"


def _live_lists(stats: Mapping[str, Any], style: Style, left: int) -> Iterator[str]:
    readers = stats["activeByPath"]
    shown = max(3, left // 2 - 2)
    yield from _live_list("Being read now", readers, "visitors", style, shown)
    if not readers:
        yield style.paint("Nobody is reading right now.", "quiet")
    elif len(readers) > shown:
        yield style.paint(f"and {len(readers) - shown} more", "quiet")
    recent = stats.get("recent")
    if recent:
        yield ""
        yield style.paint("Last views", "bold")
        yield from _recent(recent[: max(3, left // 4)], style)
    yield from _live_list("Most viewed", stats["pageStats"], "views", style, left)


def _live_list(
    heading: str, rows: Sequence[Mapping[str, Any]], key: str, style: Style, most: int
) -> Iterator[str]:
    room = style.cells - BAR_CELLS - 12
    yield ""
    yield style.paint(heading, "bold")
    greatest = max((row[key] for row in rows), default=0)
    for row in rows[:most]:
        yield f"{_name(row, room, style)} {_bar(row[key], greatest, style)} {row[key]:>10,}"


def _recent(rows: Iterable[Mapping[str, Any]], style: Style) -> Iterator[str]:
    for row in rows:
        source = " ".join(filter(None, (row["country"], row["referrer"])))
        time = style.paint(row["at"][11:19], "quiet")
        yield f"{time} {_name(row, style.cells - 40, style)}  {fit(printable(source), 29)}"
