"""Which content reports there are, in the order in which they are offered."""

from tracker_server.content_reports import (
    broken_anchors,
    code_copies,
    comments,
    completion,
    deploys,
    feedback,
    health,
    languages,
    links_out,
    moves,
    never_read,
    not_found,
    paths,
    searches,
    sections,
    stale,
    tabs,
    versions,
)
from tracker_server.tables import ContentReport

_OTHERS: tuple[ContentReport, ...] = (
    never_read.REPORT,
    stale.REPORT,
    not_found.REPORT,
    broken_anchors.REPORT,
    searches.REPORT,
    feedback.REPORT,
    comments.REPORT,
    completion.REPORT,
    sections.REPORT,
    paths.REPORT,
    languages.REPORT,
    versions.REPORT,
    deploys.REPORT,
    moves.REPORT,
    code_copies.REPORT,
    tabs.REPORT,
    links_out.REPORT,
)

REPORTS: tuple[ContentReport, ...] = (health.report_on(_OTHERS), *_OTHERS)
