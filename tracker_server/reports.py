"""Reports on request: checked, read at most once for the same question, written as JSON.

A report costs milliseconds, and anybody may ask: answers are kept for some seconds, and
one is read at a time, so that those who look never take time from readers' messages.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from tracker_server.errors import InvalidMessageError, InvalidQuestionError
from tracker_server.model import Period
from tracker_server.paths import normalise_path
from tracker_server.schema import day_of
from tracker_server.wire import DEFAULT_ROWS, MAX_ROWS, write_period

DEFAULT_DAYS = 30
MAX_DAYS = 3_660
MAX_AGE_SECONDS = 10.0
MAX_ANSWERS = 64

_EPOCH = date(1970, 1, 1)
_LAST_DAY = (1 << 16) - 2
"""Days have 16 bits in the keys of the tables, and a range ends before the day behind it."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is about; days as those of `Period`."""

    first_day: int
    last_day: int
    path: str | None
    max_rows: int


def parse_question(parameters: Mapping[str, str], today: int) -> Question:
    """Read a question from the parameters ``from``, ``to``, ``path`` and ``limit``.

    Raises:
        InvalidQuestionError: one of them is wrong; the message says which and why.
    """
    last_day = _parse_day("to", parameters.get("to"), today)
    first_day = _parse_day("from", parameters.get("from"), max(0, last_day - DEFAULT_DAYS + 1))
    if first_day > last_day:
        raise InvalidQuestionError("from", "must not be after to")
    if last_day - first_day >= MAX_DAYS:
        raise InvalidQuestionError("from", f"must be less than {MAX_DAYS:,} days before to")
    limit = parameters.get("limit", str(DEFAULT_ROWS))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 4 and int(limit) <= MAX_ROWS):
        raise InvalidQuestionError("limit", f"must be a whole number up to {MAX_ROWS:,}")
    path = parameters.get("path")
    if path is not None:
        try:
            path = normalise_path(path)
        except InvalidMessageError as error:
            raise InvalidQuestionError("path", error.reason) from None
    return Question(first_day, last_day, path, int(limit))


def _parse_day(name: str, text: str | None, default: int) -> int:
    if text is None:
        return default
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)  # noqa: TRY301  # the standard parser takes other forms too
        day = (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        raise InvalidQuestionError(name, "must be a day such as 2026-01-31") from None
    if not 0 <= day <= _LAST_DAY:
        raise InvalidQuestionError(name, "must be a day from 1970 to 2149")
    return day


class Reports:
    """Answers questions, from memory where the same was asked a moment ago."""

    def __init__(self, read: Callable[[Question], Period], clock: Callable[[], float]) -> None:
        """`read` reads one report from the database."""
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[Question, tuple[float, bytes]] = {}

    def answer(self, parameters: Mapping[str, str]) -> bytes:
        """Return the JSON of ``GET /api/report``, at most `MAX_AGE_SECONDS` old.

        Raises:
            InvalidQuestionError: a parameter is wrong.
        """
        with self._lock:
            now = self._clock()
            question = parse_question(parameters, day_of(int(now)))
            taken, body = self._answers.pop(question, (None, b""))
            if taken is None or not 0 <= now - taken < MAX_AGE_SECONDS:
                first, last, path = question.first_day, question.last_day, question.path
                taken, body = now, write_period(first, last, path, self._read(question))
            while len(self._answers) >= MAX_ANSWERS:
                del self._answers[next(iter(self._answers))]
            self._answers[question] = taken, body
            return body
