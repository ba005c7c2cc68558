"""The JSON interface: figures out, manifest in."""

import json
import logging
from collections.abc import Collection

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as BaseResponse

from tracker_server.answers import (
    answer_figures,
    answer_text,
    readable,
    reading_hosts,
    section,
)
from tracker_server.config import Settings
from tracker_server.errors import (
    BusyError,
    InvalidManifestError,
    InvalidQuestionError,
    StorageError,
)
from tracker_server.live import Live
from tracker_server.manifest import MAX_MANIFEST_BYTES, digest_of, parse_manifest
from tracker_server.recorder import Recorder
from tracker_server.reports import Reports
from tracker_server.sections import cut_report
from tracker_server.streams import Streams
from tracker_server.wire import DEFAULT_ROWS, MAX_ROWS, write_cut, write_error

MANIFEST_PATH = "/api/manifest"
EVENT_STREAM = "text/event-stream"

_log = logging.getLogger("tracker_server")


def make_api(  # each is one line of the composition in `app`
    settings: Settings,
    recorder: Recorder,
    live: Live,
    reports: Reports,
    streams: Streams,
) -> Blueprint:
    """Return the routes below ``/api``."""
    api = Blueprint("api", __name__)

    @api.get("/api/stats")
    def stats() -> BaseResponse:
        limit = request.args.get("limit", DEFAULT_ROWS, type=int)
        return answer_figures(live.body(max(0, min(limit, MAX_ROWS))), readers())

    @api.get("/api/live")
    def stream() -> BaseResponse:
        return _stream(streams, readers())

    @api.get("/api/report")
    def report() -> BaseResponse:
        return _report(reports, readers())

    def readers() -> set[str]:
        return reading_hosts(settings, live.snapshot().overview)

    @api.put(MANIFEST_PATH)
    def manifest() -> Response:
        return _put_manifest(recorder)

    return api


def _report(reports: Reports, readers: Collection[str]) -> BaseResponse:
    try:
        body = reports.answer(request.args)
        if section():
            body = write_cut(cut_report(json.loads(body), section()))
    except InvalidQuestionError as error:
        return answer_figures(write_error(str(error)), readers, 400)
    except BusyError as error:
        return _busy(error, readers)
    return answer_figures(body, readers)


def _stream(streams: Streams, readers: Collection[str]) -> BaseResponse:
    """Begin a stream. The server keeps the connection and says the rest (`front`).

    Another one ends it here, and the browser comes again after two seconds.
    """
    try:
        beginning, tag = streams.begin(request.headers.get("Last-Event-ID", ""))
    except BusyError as error:
        return _busy(error, readers)
    response = Response(beginning, mimetype=EVENT_STREAM)
    response.set_etag(tag)
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep it until it is long.
    return readable(response, readers)


def _busy(error: BusyError, readers: Collection[str]) -> BaseResponse:
    response = answer_figures(write_error(str(error)), readers, 503)
    response.headers["Retry-After"] = str(error.retry_seconds)
    return response


def _put_manifest(recorder: Recorder) -> Response:
    too_large = (request.content_length or 0) > MAX_MANIFEST_BYTES
    data = b"" if too_large else request.stream.read(MAX_MANIFEST_BYTES + 1)
    if too_large or len(data) > MAX_MANIFEST_BYTES:
        return answer_text("manifest refused: larger than 32 MiB", 413)
    try:
        recorder.replace_pages(parse_manifest(data), digest_of(data))
    except InvalidManifestError as error:
        _log.warning("manifest refused: %s", error, extra={"event": "manifest_refused"})
        return answer_text(f"manifest refused: {error}", 422)
    except StorageError:
        return answer_text("not stored, try again", 503)
    return Response(status=204)
