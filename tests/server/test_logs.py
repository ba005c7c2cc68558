"""One line for each event, whatever is in it."""

import json
import logging
import sys

import pytest

from tracker_server.logs import MAX_MESSAGE_CHARS, JsonLines

HOSTILE = [
    "a\nb",
    "a\r\nb",
    "\x1b[2J\x1b[H",
    "a\u2028b\u2029c\x85d",
    '"}\n{"event": "forged"',
    "\x00\x07\x08",
    "\ud800",
    "x" * 1_000_000,
]


def _record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("tracker_server", logging.ERROR, "", 0, message, arguments, None)
    record.__dict__.update(extra)
    return record


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_in_a_message_can_begin_a_line(text: str) -> None:
    """Line breaks of any kind, escape sequences and quotes are data."""
    line = JsonLines().format(_record("said %s", text, event="some", fields={"more": text[:50]}))
    read = json.loads(line)

    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 7 * MAX_MESSAGE_CHARS
    assert read["event"] == "some"
    assert read["message"] == f"said {text}"[:MAX_MESSAGE_CHARS]
    assert read["more"] == text[:50]


def test_a_line_says_when_how_bad_and_what() -> None:
    """The name of the logger stands in where a library says no event."""
    record = _record("hello")
    record.created = 1_767_268_800.25

    assert json.loads(JsonLines().format(record)) == {
        "time": "2026-01-01T12:00:00.250+00:00",
        "level": "error",
        "event": "tracker_server",
        "message": "hello",
    }


def test_a_traceback_is_in_the_line_without_the_values() -> None:
    """Where it happened helps; what it says may be what a reader sent."""
    try:
        int("secret of a reader")
    except ValueError:
        record = _record("failed")
        record.exc_info = sys.exc_info()
    line = JsonLines().format(record)

    assert json.loads(line)["error"] == "ValueError"
    assert json.loads(line)["traceback"][0].endswith("without_the_values")
    assert "secret" not in line
