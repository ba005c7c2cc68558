"""A content report as text for a terminal: its JSON in, lines out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tracker_server.terminal import Style, cells_of, fit, printable
from tracker_server.texts import Texts

GAP = 2
MIN_CELLS = 8
"""How narrow a column of texts gets; below it the lines are longer than the terminal."""
_NUMBERS = frozenset({"number", "decimal", "share", "change", "points", "seconds", "day", "days"})


def render_table(report: Mapping[str, Any], style: Style, texts: Texts) -> str:
    """Render a content report.

    Args:
        report: its JSON.
        style: what the terminal can do.
        texts: the language of its headings.
    """
    lines = [
        style.paint(texts(f"content.{report['report']}"), "bold")
        + f", {report['from']} to {report['to']}",
        *_facts(report, texts),
        "",
    ]
    if not report["rows"]:
        lines.append(texts(f"content.{report['report']}.none"))
    else:
        lines += _rows(report, style, texts)
    left = report["rowCount"] - len(report["rows"])
    if left:
        lines.append(style.paint(texts("content.rest", n=left), "quiet"))
    if report["snippet"]:
        snippet = [printable(line) for line in report["snippet"].splitlines()]
        lines += ["", style.paint(texts(f"content.{report['report']}.snippet"), "bold"), *snippet]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _facts(report: Mapping[str, Any], texts: Texts) -> Iterator[str]:
    facts = [
        f"{texts(f'fact.{name}')}: {_write(report['factKinds'][name], value, texts)}"
        for name, value in report["facts"].items()
    ]
    if facts:
        yield printable("   ".join(facts))


def _rows(report: Mapping[str, Any], style: Style, texts: Texts) -> Iterator[str]:
    columns = [(column["name"], column["kind"]) for column in report["columns"]]
    names = [texts(f"table.{name}") for name, _ in columns]
    cells = [
        [printable(_write(kind, row[name], texts)) for name, kind in columns]
        for row in report["rows"]
    ]
    widths = _widths(
        [max(map(cells_of, column)) for column in zip(names, *cells, strict=True)],
        [kind in _NUMBERS for _, kind in columns],
        style.cells,
    )

    def line(texts_: Sequence[str]) -> str:
        return (" " * GAP).join(
            " " * (width - cells_of(text)) + text if kind in _NUMBERS else fit(text, width)
            for text, width, (_, kind) in zip(texts_, widths, columns, strict=True)
        )

    yield style.paint(line(names), "bold")
    yield from map(line, cells)


def _widths(wanted: list[int], fixed: list[bool], room: int) -> list[int]:
    """Narrow the widest columns of texts until all fit, as far as they can be narrowed."""
    widths = [*wanted]
    while sum(widths) + GAP * (len(widths) - 1) > room:
        free = [n for n, is_fixed in enumerate(fixed) if not is_fixed and widths[n] > MIN_CELLS]
        if not free:
            break
        widths[max(free, key=lambda n: widths[n])] -= 1
    return widths


def _write(kind: str, value: Any, texts: Texts) -> str:  # noqa: ANN401  # as JSON has it
    if value is None:
        return "-"
    writer = _WRITERS.get(kind)
    return writer(texts, value) if writer else str(value)


def _duration(_: Texts, seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def _hyphened(text: str) -> str:
    """Return a change with the minus that people can type and search for."""
    return text.replace("\N{MINUS SIGN}", "-")


_WRITERS: Mapping[str, Callable[[Texts, Any], str]] = {
    "number": lambda _, number: f"{number:,}",
    "decimal": lambda _, number: f"{number:,.1f}",
    "share": lambda _, share: f"{share:.1%}",
    "change": lambda texts, share: _hyphened(texts.change(share)),
    "points": lambda texts, difference: _hyphened(texts.points(difference)),
    "seconds": _duration,
    "days": lambda texts, days: texts("days", n=days),
    "flag": lambda _, is_so: "yes" if is_so else "-",
    "list": lambda _, some: ", ".join(some) or "-",
    "reasons": lambda _, some: ", ".join(f"{one['code']} {one['count']:,}" for one in some),
    "term": Texts.word,
    "language": Texts.tongue,
}
