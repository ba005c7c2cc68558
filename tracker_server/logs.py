"""One line of JSON for each event, whatever is in it."""

import json
import logging
import traceback
from datetime import UTC, datetime

MAX_MESSAGE_CHARS = 2_000


class JsonLines(logging.Formatter):
    """Writes ``time``, ``level``, ``event``, ``message`` and the event's own fields.

    A call says ``extra={"event": name, "fields": {...}}``. All but ASCII is escaped, so that
    nothing in a message can begin a line or move the cursor of a terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return one line. No event of the tracker has an address, a user agent or a query."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            "message": record.getMessage()[:MAX_MESSAGE_CHARS],
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, _, where = record.exc_info
            # Not what it says, which may be what a reader sent: where it happened is enough.
            line["error"] = kind.__name__
            line["traceback"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(where)
            ]
        return json.dumps(line)
