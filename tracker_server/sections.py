"""What of a report somebody sees whose link shows the pages below a path, and no others.

Each page is seen by itself. Sums of a section are not made from sums of pages: who reads two
pages of it would be two visitors, and a visit through three would be three.
"""

from collections.abc import Mapping
from typing import Any

_OF_PAGES = ("pages", "entryPages", "exitPages")
_OF_THE_SITE: Mapping[str, Any] = {"next": None, "notFound": None, "links": None, "deploys": []}
"""What is told of none: of the pages that were read next, those inside would be no whole, nor of
those that link there."""


def cut_report(report: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Return a report of one page without what it says of pages outside, and of the site."""
    inside = {
        name: [row for row in report[name] if row["path"].startswith(section)]
        for name in _OF_PAGES
        if report.get(name) is not None
    }
    untold = {name: _OF_THE_SITE[name] for name in _OF_THE_SITE if name in report}
    return {**report, **inside, **untold}
