"""What those who run a tracker ask it: is it alive, does it store, what are its numbers."""

from collections.abc import Callable

from flask import Blueprint, Response

from tracker_server.answers import answer_text
from tracker_server.errors import StorageError
from tracker_server.health import Health
from tracker_server.metrics import CONTENT_TYPE, Metrics


def make_operations(
    health: Health, metrics: Metrics, check_database: Callable[[], None]
) -> Blueprint:
    """Return the routes ``/healthz``, ``/readyz`` and ``/metrics``.

    Args:
        health: of the writing side.
        metrics: the numbers.
        check_database: reads something, or raises `StorageError`.
    """
    operations = Blueprint("operations", __name__)

    @operations.get("/healthz")
    def healthz() -> Response:
        if health.is_broken:
            return answer_text("the writer has failed", 503)
        try:
            check_database()
        except StorageError:
            return answer_text("the database does not answer", 503)
        return answer_text("ok", 200)

    @operations.get("/readyz")
    def readyz() -> Response:
        if not health.is_ready:
            return answer_text("messages are not stored", 503)
        return healthz()

    @operations.get("/metrics")
    def numbers() -> Response:
        return Response(metrics.text(), content_type=CONTENT_TYPE)

    return operations
