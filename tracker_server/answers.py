"""How figures are answered, unchanged ones with 304, and who may ask: certain sites, or a token."""

import hmac
from collections.abc import Collection

from flask import Response, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.config import Settings
from tracker_server.figures import (
    Overview,
)
from tracker_server.hosts import host_and_port, is_allowed
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
    """Answer with one line, which is not to be kept."""
    response = Response(text + "\n", status, mimetype="text/plain")
    response.headers["Cache-Control"] = "no-store"
    return response


def carries_token(authorization: str, token: str) -> bool:
    """Tell whether a header ``Authorization`` carries a bearer token."""
    given = authorization.removeprefix("Bearer ")
    return hmac.compare_digest(given.encode(), token.encode())


def refuse_without(token: str) -> Response | None:
    """Return what answers a request that does not carry a bearer token, nothing if it does."""
    if carries_token(request.headers.get("Authorization", ""), token):
        return None
    response = answer_text("a bearer token is needed", 401)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def readable(response: Response, readers: Collection[str]) -> Response:
    """Let the pages of these hosts read an answer; returns it."""
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if is_allowed(origin, readers):
        response.headers["Access-Control-Allow-Origin"] = origin
    return response
