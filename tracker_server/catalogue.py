"""Which content reports there are, in the order in which they are offered."""

from tracker_server.content_reports import (
    broken_anchors,
    deploys,
    languages,
    moves,
    never_read,
    not_found,
    paths,
    searches,
    stale,
)
from tracker_server.tables import ContentReport

REPORTS: tuple[ContentReport, ...] = (
    never_read.REPORT,
    stale.REPORT,
    not_found.REPORT,
    broken_anchors.REPORT,
    searches.REPORT,
    paths.REPORT,
    languages.REPORT,
    deploys.REPORT,
    moves.REPORT,
)
