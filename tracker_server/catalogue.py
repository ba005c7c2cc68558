"""Which content reports there are, in the order in which they are offered."""

from tracker_server.content_reports import (
    code_copies,
    comments,
    completion,
    feedback,
    links_out,
    searches,
)
from tracker_server.tables import ContentReport

REPORTS: tuple[ContentReport, ...] = (
    searches.REPORT,
    feedback.REPORT,
    comments.REPORT,
    completion.REPORT,
    code_copies.REPORT,
    links_out.REPORT,
)
