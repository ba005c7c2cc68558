"""Content reports on request: the parameters checked, read at most once for the same question."""

import threading
from collections.abc import Callable, Mapping

from tracker_server.errors import InvalidQuestionError
from tracker_server.exports import write_table
from tracker_server.packing import day_of
from tracker_server.questions import first_day_of, parse_days, parse_limit, parse_page
from tracker_server.remembered import Remembered
from tracker_server.tables import ContentReport, Option, Table, TableQuestion

MAX_AGE_SECONDS = 10.0
MAX_ANSWERS = 64
DEFAULT_ROWS = 100


class ContentAnswers:
    """Answers questions about the content, from memory where the same was asked a moment ago."""

    def __init__(
        self,
        reports: tuple[ContentReport, ...],
        read: Callable[[ContentReport, TableQuestion], Table],
        clock: Callable[[], float],
        tracking_since: Callable[[], int | None] = lambda: None,
    ) -> None:
        """Prepare.

        Args:
            reports: those that there are.
            read: reads one of them from the database.
            clock: seconds since the epoch.
            tracking_since: returns the time of the first counted view, ``None`` before it.
        """
        self.reports = {report.name: report for report in reports}
        self._read = read
        self._clock = clock
        self._tracking_since = tracking_since
        self._remembered = Remembered[TableQuestion](clock, MAX_AGE_SECONDS, MAX_ANSWERS)
        self._reading = threading.Lock()

    def answer(self, name: str, parameters: Mapping[str, str]) -> bytes:
        """Return the JSON of a report, at most `MAX_AGE_SECONDS` old.

        Raises:
            KeyError: there is no such report.
            InvalidQuestionError: a parameter is wrong.
        """
        question = self._parse(self.reports[name], parameters)
        body = self._remembered.get(question)
        if body is not None:
            return body
        # One at a time: some look at all pages, and readers' messages are to be stored meanwhile.
        with self._reading:
            return self._remembered.read(question, self._write)

    def _write(self, question: TableQuestion) -> bytes:
        return write_table(question, self._read(self.reports[question.report], question))

    def _parse(self, report: ContentReport, parameters: Mapping[str, str]) -> TableQuestion:
        today = day_of(int(self._clock()))
        period, first, last = parse_days(parameters, today, self._first_day)
        page = parse_page(parameters) if report.of_page else None
        return TableQuestion(
            report.name,
            period,
            first,
            last,
            today,
            parse_limit("limit", parameters.get("limit", str(DEFAULT_ROWS))),
            tuple((option.name, _parse_option(option, parameters)) for option in report.options),
            page,
        )

    def _first_day(self) -> int:
        return first_day_of(self._tracking_since(), self._clock())


def _parse_option(option: Option, parameters: Mapping[str, str]) -> int | str:
    text = parameters.get(option.name)
    if text is None:
        return option.default
    if option.is_text:
        if len(text) > option.most or not text.isprintable():
            reason = f"must have at most {option.most} characters, all of them printable"
            raise InvalidQuestionError(option.name, reason)
        return text
    is_number = text.isascii() and text.isdigit() and len(text) <= 9
    if not is_number or not option.least <= int(text) <= option.most:
        reason = f"must be a whole number from {option.least} to {option.most:,}"
        raise InvalidQuestionError(option.name, reason)
    return int(text)
