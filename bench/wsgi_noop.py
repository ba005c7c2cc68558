"""A floor: a WSGI application that reads the body and answers 204, on the leanest WSGI server."""

import sys
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer 204 to everything."""
    environ["wsgi.input"].read()
    start_response("204 No Content", [("Cache-Control", "no-store")])
    return [b""]


if __name__ == "__main__":
    Granian(
        "wsgi_noop:application",
        interface=Interfaces.WSGI,
        port=int(sys.argv[1]),
        workers=1,
        blocking_threads=int(sys.argv[2]),
        log_level=LogLevels.error,
        websockets=False,
    ).serve()
