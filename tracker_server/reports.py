"""Reports on request: read at most once for the same question, written as JSON.

A report costs milliseconds, one that reads raw views seconds, and anybody may ask: answers are
kept for some seconds, and one of each kind is read at a time, so that those who look
never take much from readers' messages. They also take no more than a few threads: who would have
to wait behind others for raw views is told to come again.
"""

import threading
from collections.abc import Callable, Mapping

from tracker_server.errors import BusyError
from tracker_server.figures import (
    Question,
    Report,
)
from tracker_server.packing import day_of
from tracker_server.questions import first_day_of, parse_question
from tracker_server.remembered import Remembered
from tracker_server.wire import write_report

MAX_AGE_SECONDS = 10.0
MAX_ANSWERS = 64
MAX_WAITING = 4
"""How many questions that read raw views wait or are read."""


class Reports:
    """Answers questions, from memory where the same was asked a moment ago."""

    def __init__(
        self,
        read: Callable[[Question], Report],
        clock: Callable[[], float],
        tracking_since: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Prepare.

        Args:
            read: reads one report from the database.
            clock: seconds since the epoch.
            tracking_since: returns the time of the first counted view, ``None`` before it.
        """
        self._read = read
        self._clock = clock
        self._tracking_since = tracking_since
        self._remembered = Remembered[Question](clock, MAX_AGE_SECONDS, MAX_ANSWERS)
        self._reading = threading.Lock()
        self._reading_raw = threading.Lock()
        self._room = threading.BoundedSemaphore(MAX_WAITING)

    def answer(self, parameters: Mapping[str, str]) -> bytes:
        """Return the JSON of ``GET /api/report``, at most `MAX_AGE_SECONDS` old.

        Raises:
            InvalidQuestionError: a parameter is wrong.
            BusyError: too many wait for raw views.
        """
        question = parse_question(parameters, day_of(int(self._clock())), self._first_day)
        body = self._remembered.get(question)
        if body is not None:
            return body
        if not question.reads_raw_views:
            with self._reading:
                return self._remembered.read(question, self._write)
        if not self._room.acquire(blocking=False):
            raise BusyError("too many reports with a filter are asked for at this moment")
        try:
            with self._reading_raw:
                return self._remembered.read(question, self._write)
        finally:
            self._room.release()

    def forget(self) -> None:
        """Drop what is remembered."""
        self._remembered.forget()

    def _first_day(self) -> int:
        return first_day_of(self._tracking_since(), self._clock())

    def _write(self, question: Question) -> bytes:
        return write_report(question, self._read(question))
