"""Everything that shows what readers and authors chose, made of values that are handed in."""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import quote, urlencode

from flask import Flask
from jinja2 import FunctionLoader

from mkdocs_stats_plugin.counters import PopularPage, _render_popular
from tracker_server import pages as pages_module
from tracker_server.badge import render_badge
from tracker_server.content_answers import ContentAnswers
from tracker_server.content_pages import make_content_pages
from tracker_server.exports import write_csv
from tracker_server.figures import Count, Overview, Question, Report, Series
from tracker_server.live import Live
from tracker_server.logs import JsonLines
from tracker_server.pages import make_pages
from tracker_server.paths import _FORBIDDEN
from tracker_server.reports import Reports
from tracker_server.streams import _event
from tracker_server.tables import Column, ContentReport, PageRef, Table
from tracker_server.terminal import Style, printable, render_live, render_report
from tracker_server.terminal_table import render_table
from tracker_server.texts import Texts

NOON = 1_767_268_800
ROWS = 3
TYPE = "page"
CONTENT = "searches"
"""A content report whose texts there are; its rows are made up."""
Value = Callable[[], str]


class Renders:
    """The faces of a tracker over figures that are made up anew for each look."""

    def __init__(self, templates: Callable[[str], str] = lambda source: source) -> None:
        """`templates` gets the source of each template and may break it."""
        self._value: Value = str
        self._sites = ("docs.example", "https://docs.example", "https://docs.example/")
        self._site = ""
        self._question = Question("today", 0, 0)
        self._now = float(NOON)
        self._looks = 0
        live = Live(lambda _now, _rows: self._overview(), lambda: self._now)
        reports = Reports(self._report, lambda: self._now)
        app = Flask(pages_module.__name__)
        content = ContentReport(CONTENT, lambda _connection, _question: self._table())
        contents = ContentAnswers((content,), lambda *_: self._table(), lambda: self._now)
        app.register_blueprint(make_pages(live, reports))
        app.register_blueprint(make_content_pages(live, contents))
        environment = app.jinja_env
        given = environment.loader
        assert given is not None
        environment.loader = FunctionLoader(
            lambda name: templates(given.get_source(environment, name)[0])
        )
        self._live, self._reports, self._client = live, reports, app.test_client()
        self._contents = contents

    def of(self, value: Value, number: int) -> Iterator[tuple[str, str]]:
        """Yield the kind and the text of each face, of values that `value` gives.

        Args:
            value: returns the next text that somebody chose.
            number: of the look; it chooses among what is not theirs.
        """
        self._value = value
        self._site = self._sites[number % len(self._sites)]
        self._looks += 1
        self._now = NOON + self._looks % 600 * 60.0  # Nothing is remembered, and it stays one day.
        yield "html", self._page({}, number)
        yield "html", self._page(self._filters(number), number)
        stats = self._live.body(50).decode()
        report = self._reports.answer({"period": "30d", "compare": "1"}).decode()
        yield "json", stats
        yield "json", report
        yield "events", self._stream()
        yield "xml", render_badge(value() or "x", number)
        yield "log", _log_line(value)
        style = Style(width=(40, 80, 120)[number % 3], colours=True, blocks=number % 2 == 0)
        yield "terminal", render_report(json.loads(report), style, 10, demo=False)
        yield "terminal", render_live(json.loads(stats), style, 40, printable(value()))
        table = json.loads(self._contents.answer(CONTENT, {}))
        yield "html", self._page({}, number, f"/stats/content/{CONTENT}")
        yield "json", json.dumps(table)
        yield "csv", write_csv(table).decode()
        yield "terminal", render_table(table, style, Texts("en"))
        popular = [PopularPage(value(), value(), TYPE, 1) for _ in range(ROWS)]
        yield "html", _render_popular(popular, lambda url: "../" + quote(url), "views")

    def _page(self, query: dict[str, str], number: int, path: str = "/stats") -> str:
        said = {"lang": ("en", "de")[number % 2], "compare": "1", **query}
        return self._client.get(f"{path}?" + urlencode(said)).get_data(as_text=True)

    def _filters(self, number: int) -> dict[str, str]:
        value = self._value
        chosen = ("referrer", "campaign", "country", "language", "device", "browser")[number % 6]
        tabs = {"content": "exit", "source": "campaigns", "place": "languages"}
        more: dict[str, str] = ({}, tabs, {"list": "campaigns"}, {"list": "missing"})[number % 4]
        path = quote("/" + _FORBIDDEN.sub("", value()[:80]))
        page = {"page": path} if number % 3 == 0 else {}  # Others are refused, and not shown.
        return {chosen: value()[:90], **more, **page}

    def _stream(self) -> str:
        return _event(self._live.snapshot()).decode()

    def _overview(self) -> Overview:
        made: Overview = self._make(Overview)
        return made

    def _report(self, question: Question) -> Report:
        self._question = question
        made: Report = self._make(Report)
        return made

    def _table(self) -> Table:
        """Return a content report with a column of each kind that has a text."""
        value = self._value
        rows = tuple(
            (
                PageRef("/" + value(), value()),
                value(),
                value(),
                (value(), value()),
                PageRef("/", None),
            )
            for _ in range(ROWS)
        )
        columns = (
            Column("path", "page"),
            Column("query", "text"),
            Column("searches", "code"),
            Column("clicks", "list"),
            Column("clicked", "page"),
        )
        return Table(columns, rows, {"searches": value()}, fact_kinds={"searches": "text"})

    def _make(self, kind: Any, name: str = "") -> Any:
        """Return an object of a type, with texts that somebody chose wherever it has some."""
        if kind is Series:
            return self._series()
        if name in _GIVEN:
            return _GIVEN[name](self)
        if is_dataclass(kind):
            hints = get_type_hints(kind)
            made = {field.name: self._make(hints[field.name], field.name) for field in fields(kind)}
            return kind(**made)  # type: ignore[operator]  # a type, not an object of one
        some = [argument for argument in get_args(kind) if argument is not NoneType]
        if get_origin(kind) is tuple:
            kinds = some[:1] * ROWS if some[-1] is Ellipsis else some
            return tuple(self._make(one) for one in kinds)
        return self._make(some[0], name) if some else self._leaf(kind)

    def _leaf(self, kind: type) -> object:
        return self._value() if kind is str else {bool: True, int: 7}[kind]

    def _series(self) -> Series:
        """Return a step for each day or hour of the question."""
        question = self._question
        scale = 24 if question.grain == "hour" else 1
        starts = tuple(range(scale * question.first_day, scale * (question.last_day + 1)))
        return Series(starts, *((3,) * len(starts) for _ in range(3)))

    def _campaigns(self) -> tuple[Count, ...]:
        """Return campaigns of three parts each, which is the form they are stored in."""
        parts = [[quote(self._value(), safe="") for _ in range(3)] for _ in range(ROWS)]
        return tuple(Count("/".join(part), 7) for part in parts)


_GIVEN: dict[str, Callable[[Renders], object]] = {
    "path": lambda renders: "/" + renders._value(),
    "type": lambda _: TYPE,
    "site_url": lambda renders: f"{renders._site}/{renders._value()}",
    "at": lambda _: NOON,
    "tracking_since": lambda _: NOON,
    "first_day": lambda renders: renders._question.first_day,
    "last_day": lambda renders: renders._question.last_day,
    "raw_since": lambda renders: renders._question.first_day,
    "campaigns": Renders._campaigns,
}
"""What is not made by its type alone: what has a form, and what nobody chooses."""


def _log_line(value: Value) -> str:
    record = logging.LogRecord(
        "tracker_server", 30, "", 0, "manifest refused: %s", (value(),), None
    )
    record.event, record.fields = "manifest_refused", {"address": value()}
    return JsonLines().format(record)
