"""Content reports for people: a page for each, and one that lists them."""

import json
from typing import Any

from flask import Blueprint, Response, request

from tracker_server.address import Address
from tracker_server.answers import asked_language
from tracker_server.content_answers import ContentAnswers
from tracker_server.errors import InvalidQuestionError
from tracker_server.grains import ALL, DEFAULT_PERIOD, PERIODS
from tracker_server.layout import answer_page, common_values, days_of
from tracker_server.live import Live
from tracker_server.table_view import make_view
from tracker_server.tables import ContentReport
from tracker_server.texts import Texts


def make_content_pages(live: Live, content: ContentAnswers) -> Blueprint:
    """Return the routes ``/stats/content`` and ``/stats/content/REPORT``."""
    routes = Blueprint("content_pages", __name__)

    @routes.get("/stats/content")
    def contents() -> Response:
        values = {"reports": [*content.reports]}
        return answer_page("contents.html", 200, _common(live) | values)

    @routes.get("/stats/content/<report>")
    def one(report: str) -> Response:
        if report not in content.reports:
            reason = f"/stats/content/{report}"
            return answer_page("refused.html", 404, {**_common(live), "reason": reason})
        return _show(live, content, content.reports[report])

    return routes


def _parameters(report: ContentReport | None) -> dict[str, str]:
    """Return those of the address; a field for a text that was left empty asks for none."""
    options = report.options if report else ()
    texts = {"page", *(option.name for option in options if option.is_text)}
    return {name: text for name, text in request.args.items() if text or name not in texts}


def _common(live: Live, report: ContentReport | None = None) -> dict[str, Any]:
    """Return what each of these pages shows."""
    options = [option.name for option in report.options] if report else []
    address = Address(_parameters(report), request.path, options)
    snapshot = live.snapshot()
    now, name = json.loads(snapshot.body), snapshot.overview.site_name
    return common_values(address, Texts(asked_language()), now, name)


def _show(live: Live, content: ContentAnswers, report: ContentReport) -> Response:
    values = _common(live, report)
    address, texts = values["address"], values["t"]
    asked = _parameters(report)
    if not address.is_custom:
        asked.setdefault("period", DEFAULT_PERIOD)
    try:
        answer = json.loads(content.answer(report.name, asked))
    except InvalidQuestionError as error:
        return answer_page("refused.html", 400, {**values, "reason": str(error)})
    shown = {
        "report": answer,
        "days": days_of(answer, texts),
        "view": make_view(answer, address, texts, values["now"]["siteUrl"]),
        "periods": (*PERIODS, ALL),
        "period": answer["period"],
        "options": report.options,
        "of_page": report.of_page,
    }
    return answer_page("content.html", 200, values | shown)
