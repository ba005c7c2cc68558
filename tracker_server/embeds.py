"""What other pages embed: counters as JSON, badges as pictures."""

import json
from collections.abc import Callable, Mapping

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.answers import answer_figures, reading_hosts
from tracker_server.badge import render_badge
from tracker_server.config import Settings
from tracker_server.content_answers import ContentAnswers
from tracker_server.counters import Counters
from tracker_server.errors import InvalidMessageError, InvalidQuestionError
from tracker_server.live import Live
from tracker_server.paths import normalise_path
from tracker_server.texts import Texts
from tracker_server.wire import etag_of, write_counters, write_error

MAX_PATHS = 200
BADGE_AGE_SECONDS = 60
DEFAULT_METRIC = "views"
LABELS = {"views": "page views", "readers": "reading now", "visitors": "visitors"}
"""The metrics of a badge, and what it calls them where no label is given."""
_NOT_OF_A_REPORT = ("metric", "path", "page", "period", "from", "to", "limit")
"""What a badge of a report does not take, nor the report's options: its number is that of the
report that is asked for without more."""


def make_embeds(
    settings: Settings,
    live: Live,
    counters: Counters,
    content: ContentAnswers,
    site_language: Callable[[], str],
) -> Blueprint:
    """Return the routes ``/api/counters`` and ``/badge.svg``."""
    embeds = Blueprint("embeds", __name__)

    @embeds.get("/api/counters")
    def many() -> BaseResponse:
        readers = reading_hosts(settings, live.snapshot().overview)
        try:
            paths = _parse_paths(request.args.getlist("path"))
        except InvalidQuestionError as error:
            return answer_figures(write_error(str(error)), readers, 400)
        return answer_figures(write_counters(counters.of(paths)), readers)

    @embeds.get("/badge.svg")
    def badge() -> BaseResponse:
        asked = request.args
        try:
            number = _count_rows(content, asked) if "report" in asked else _count(counters, asked)
        except InvalidQuestionError as error:
            return Response(f"{error}\n", 400, mimetype="text/plain")
        return _picture(render_badge(asked.get("label") or _label(asked, site_language), number))

    return embeds


def _label(asked: Mapping[str, str], site_language: Callable[[], str]) -> str:
    """Return what a badge is called: the same for whoever looks, since caches share it."""
    if "report" in asked:
        return Texts(site_language())(f"content.{asked['report']}")
    return LABELS[asked.get("metric", DEFAULT_METRIC)]


def _count(counters: Counters, asked: Mapping[str, str]) -> int:
    metric = _parse_metric(asked.get("metric", DEFAULT_METRIC))
    path = asked.get("path")
    path = None if path is None else _parse_path(path)
    count = {
        "views": counters.views,
        "readers": counters.readers,
        "visitors": counters.visitors,
    }[metric]
    return count(path)


def _count_rows(content: ContentAnswers, asked: Mapping[str, str]) -> int:
    """Return how many rows a report has: of the answer that its JSON is remembered with."""
    name = asked["report"]
    if name not in content.reports:
        raise InvalidQuestionError("report", f"must be one of {', '.join(content.reports)}")
    options = (option.name for option in content.reports[name].options)
    for other in (*_NOT_OF_A_REPORT, *options):
        if other in asked:
            raise InvalidQuestionError(other, "does not go with report")
    return int(json.loads(content.answer(name, {}))["rowCount"])


def _parse_paths(texts: list[str]) -> list[str]:
    """Return the different paths that were asked for, in their order."""
    if not texts:
        raise InvalidQuestionError("path", "is missing; it may be given up to 200 times")
    if len(texts) > MAX_PATHS:
        raise InvalidQuestionError("path", f"must not be given more than {MAX_PATHS} times")
    return [*dict.fromkeys(map(_parse_path, texts))]


def _parse_path(text: str) -> str:
    try:
        return normalise_path(text)
    except InvalidMessageError as error:
        raise InvalidQuestionError("path", error.reason) from None


def _parse_metric(text: str) -> str:
    if text not in LABELS:
        raise InvalidQuestionError("metric", f"must be one of {', '.join(LABELS)}")
    return text


def _picture(svg: str) -> BaseResponse:
    body = svg.encode()
    response = Response(body, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = f"public, max-age={BADGE_AGE_SECONDS}"
    response.set_etag(etag_of(body))
    return response.make_conditional(request)
