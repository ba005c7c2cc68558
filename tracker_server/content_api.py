"""Content reports for programs: as JSON, and as files of CSV."""

import json
from collections.abc import Collection

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.answers import answer_figures, readable, reading_hosts
from tracker_server.config import Settings
from tracker_server.content_answers import ContentAnswers
from tracker_server.errors import InvalidQuestionError
from tracker_server.exports import write_csv
from tracker_server.live import Live
from tracker_server.wire import write_error


def make_content_api(settings: Settings, live: Live, content: ContentAnswers) -> Blueprint:
    """Return the route ``/api/content/REPORT``, to which ``.csv`` may be added."""
    routes = Blueprint("content_api", __name__)

    @routes.get("/api/content/<report>")
    def content_report(report: str) -> BaseResponse:
        readers = reading_hosts(settings, live.snapshot().overview)
        return _answer(content, report, readers)

    return routes


def _answer(content: ContentAnswers, name: str, readers: Collection[str]) -> BaseResponse:
    """Answer with a content report, as JSON or as a file of CSV."""
    name, _, form = name.partition(".")
    if name not in content.reports or form not in {"", "csv"}:
        known = ", ".join(content.reports)
        return answer_figures(write_error(f"no such report; there are {known}"), readers, 404)
    try:
        body = content.answer(name, request.args)
    except InvalidQuestionError as error:
        return answer_figures(write_error(str(error)), readers, 400)
    if not form:
        return answer_figures(body, readers)
    response = readable(Response(write_csv(json.loads(body)), mimetype="text/csv"), readers)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    response.headers["Cache-Control"] = "no-cache"
    return response
