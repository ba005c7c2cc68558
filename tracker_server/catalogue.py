"""Which content reports there are, in the order in which they are offered."""

from tracker_server.content_reports import deploys, languages, moves, paths, searches
from tracker_server.tables import ContentReport

REPORTS: tuple[ContentReport, ...] = (
    searches.REPORT,
    paths.REPORT,
    deploys.REPORT,
    moves.REPORT,
    languages.REPORT,
)
