"""Which content reports there are, in the order in which they are offered."""

from tracker_server.content_reports import broken_anchors, never_read, not_found, searches, stale
from tracker_server.tables import ContentReport

REPORTS: tuple[ContentReport, ...] = (
    searches.REPORT,
    never_read.REPORT,
    stale.REPORT,
    not_found.REPORT,
    broken_anchors.REPORT,
)
