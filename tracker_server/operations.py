"""What those who run a tracker ask it: is it alive, does it store, what are its numbers."""

import hmac
from collections.abc import Callable

from flask import Blueprint, Response, request

from tracker_server.errors import StorageError
from tracker_server.health import Health
from tracker_server.metrics import CONTENT_TYPE, Metrics


def make_operations(
    health: Health, metrics: Metrics, metrics_token: str, check_database: Callable[[], None]
) -> Blueprint:
    """Return the routes ``/healthz``, ``/readyz`` and ``/metrics``.

    Args:
        health: of the writing side.
        metrics: the numbers.
        metrics_token: bearer token that ``/metrics`` asks for; empty asks for none.
        check_database: reads something, or raises `StorageError`.
    """
    operations = Blueprint("operations", __name__)

    @operations.get("/healthz")
    def healthz() -> Response:
        if health.is_broken:
            return _text("the writer has failed", 503)
        try:
            check_database()
        except StorageError:
            return _text("the database does not answer", 503)
        return _text("ok", 200)

    @operations.get("/readyz")
    def readyz() -> Response:
        if not health.is_ready:
            return _text("messages are not stored", 503)
        return healthz()

    @operations.get("/metrics")
    def numbers() -> Response:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if metrics_token and not hmac.compare_digest(given.encode(), metrics_token.encode()):
            response = _text("a bearer token is needed", 401)
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        return _uncached(Response(metrics.text(), content_type=CONTENT_TYPE))

    return operations


def _text(text: str, status: int) -> Response:
    return _uncached(Response(text + "\n", status, mimetype="text/plain"))


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
