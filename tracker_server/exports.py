"""A report that is a table as JSON and as CSV; ``docs/reports/README.md`` is the specification."""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from tracker_server.tables import Column, PageRef, Reason, Table, TableQuestion, Value
from tracker_server.wire import as_date

LIST_SEPARATOR = "; "
_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf'\A(?=[{_SIGNS}\t\r\n])|(?<=[;\r\n])(?=["\s]*[{_SIGNS}]|"*[\t\r\n])')
"""Where a cell begins that a spreadsheet would run; the last four signs are forms of the first.

Where decimals have commas a semicolon separates cells: then quotes behind it are those of a cell,
and a line that was in quotes ends.
"""


def write_table(question: TableQuestion, table: Table) -> bytes:
    """Write a report as JSON: what was asked, and its rows, each by the names of the columns."""
    fields = {
        "report": question.report,
        "period": question.period,
        "from": as_date(question.first_day),
        "to": as_date(question.last_day),
        "page": question.page,
        "options": dict(question.options),
        "facts": dict(table.facts),
        "factKinds": {name: table.fact_kinds.get(name, "number") for name in table.facts},
        "columns": [{"name": column.name, "kind": column.kind} for column in table.columns],
        "rowCount": len(table.rows),
        "rows": [_as_object(table.columns, row) for row in table.rows[: question.max_rows]],
        "snippet": table.snippet or None,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def write_csv(report: Mapping[str, Any]) -> bytes:
    """Write the rows of the JSON of a report as CSV: UTF-8, a line of names, lines ended by CRLF.

    A text that a spreadsheet would run as a formula has an apostrophe before it, as OWASP
    advises; numbers are as they are.
    """
    names = [name for column in report["columns"] for name in names_of(Column(**column))]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in report["rows"])
    return out.getvalue().encode()


def names_of(column: Column) -> Iterator[str]:
    """Yield the names that a column has in JSON and CSV."""
    yield column.name
    if column.kind == "page":
        yield title_of(column.name)


def title_of(name: str) -> str:
    """Return the name of the titles beside a column of pages."""
    return "title" if name == "path" else f"{name}Title"


def _as_object(columns: tuple[Column, ...], row: tuple[Value, ...]) -> dict[str, object]:
    cells: dict[str, object] = {}
    for column, value in zip(columns, row, strict=True):
        if column.kind == "page":
            page = value if isinstance(value, PageRef) else None
            cells[column.name] = page and page.path
            cells[title_of(column.name)] = page and page.title
        elif column.kind == "reasons" and isinstance(value, tuple):
            cells[column.name] = [asdict(reason) for reason in value if isinstance(reason, Reason)]
        else:
            cells[column.name] = value
    return cells


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        value = LIST_SEPARATOR.join(map(_item, value))
    if isinstance(value, str):
        return _FORMULA.sub("'", value)
    return "" if value is None else value


def _item(value: object) -> str:
    if isinstance(value, dict):
        return f"{value['code']} {value['count']} ({value['points']})"
    return str(value)
