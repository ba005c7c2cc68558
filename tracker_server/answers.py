"""How figures are answered, unchanged ones with 304; whose pages may read them, and who asks."""

from collections.abc import Collection

from flask import Response, g, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.admission import NOBODY, Viewer
from tracker_server.config import Settings
from tracker_server.figures import (
    Overview,
)
from tracker_server.hosts import host_and_port, is_allowed
from tracker_server.texts import LANGUAGES
from tracker_server.wire import etag_of


def reading_hosts(settings: Settings, overview: Overview) -> set[str]:
    """Return the hosts whose pages may read the figures."""
    site = host_and_port(overview.site_url or "")[1]
    return {*settings.allowed_hosts, site}


def answer_figures(body: bytes, readers: Collection[str], status: int = 200) -> BaseResponse:
    """Answer the request with JSON.

    Args:
        body: the JSON.
        readers: hosts whose pages may read it.
        status: of the answer; one other than 200 is not to be kept.
    """
    response = readable(Response(body, status, mimetype="application/json"), readers)
    response.headers["Cache-Control"] = "no-cache"
    if status != 200:
        return response
    response.set_etag(etag_of(body))
    return response.make_conditional(request)


def answer_text(text: str, status: int) -> Response:
    """Answer with one line."""
    return Response(text + "\n", status, mimetype="text/plain")


def viewer() -> Viewer:
    """Return who sent the request, as `guard` found out."""
    found = g.get("viewer", NOBODY)
    return found if isinstance(found, Viewer) else NOBODY


def section() -> str:
    """Return what the paths must begin with that the request may see; empty for all."""
    return str(g.get("section", ""))


def sign_out_proof() -> str:
    """Return what a form has to say that ends the session; empty where nobody has signed in."""
    return str(g.get("sign_out", ""))


def asked_language() -> str:
    """Return the language in which the request is to be answered."""
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        return asked
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def readable(response: Response, readers: Collection[str]) -> Response:
    """Let the pages of these hosts read an answer; returns it."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if is_allowed(origin, readers):
        response.headers["Access-Control-Allow-Origin"] = origin
    return response
