"""Which paths readers asked for in vain, what they may have meant, and how to lead them there."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection, select

from tracker_server.closest import ClosestPages
from tracker_server.database import plain_rows
from tracker_server.queries.missing import count_not_found, name_hosts
from tracker_server.queries.site_pages import IS_OFFERED
from tracker_server.redirect_map import RedirectMap, may_be_page
from tracker_server.statements import MOVED, PAGES, PATHS, REDIRECTS
from tracker_server.tables import Column, ContentReport, PageRef, Table, TableQuestion

MAX_COMPARED = 200
"""For how many paths a page is looked for, those that were asked for most often."""
LEAST_FOR_REDIRECT = 0.75
"""From which similarity on a redirect is offered."""
_COLUMNS = (
    Column("path", "page"),
    Column("count", "number"),
    Column("referrers", "list"),
    Column("closest", "page"),
    Column("similarity", "share"),
    Column("redirect", "flag"),
)


class _Page(NamedTuple):
    """A page of the manifest."""

    id: int
    path: str
    title: str
    source: str | None
    is_offered: bool

    @property
    def ref(self) -> PageRef:
        return PageRef(self.path, self.title)


@dataclass(frozen=True, slots=True)
class _Missing:
    """A path that was not found."""

    path: str
    hosts: Counter[str]
    is_covered: bool
    closest: _Page | None = None
    similarity: float | None = None
    is_certain: bool = False
    """Whether it cannot well be another page."""


def read(connection: Connection, question: TableQuestion) -> Table:
    """Read the paths, those asked for most often first, those that lead on already last."""
    counts = count_not_found(connection, question.first_day, question.last_day)
    pages = {page.path: page for page in _read_pages(connection)}
    redirects = _read_redirects(connection)
    missing = sorted(
        (_Missing(path, hosts, _is_covered(path, redirects)) for path, hosts in counts.items()),
        key=lambda one: (one.is_covered, -one.hosts.total(), one.path),
    )
    missing = _with_closest(missing, pages, _read_moved(connection))
    snippet = RedirectMap(pages)
    for one in missing:
        page = one.closest
        if page and page.source and one.is_certain and (one.similarity or 0) >= LEAST_FOR_REDIRECT:
            snippet.add(one.path, page.source)
    facts = {
        "notFound": sum(one.hosts.total() for one in missing),
        "paths": len(missing),
        "covered": sum(one.is_covered for one in missing),
        "suggested": len(snippet),
    }
    rows = tuple(
        (
            pages[one.path].ref if one.path in pages else PageRef(one.path, None),
            one.hosts.total(),
            name_hosts(one.hosts),
            one.closest and one.closest.ref,
            one.similarity,
            one.is_covered,
        )
        for one in missing
    )
    return Table(_COLUMNS, rows, facts, snippet.write())


REPORT = ContentReport("not-found", read)


def _read_pages(connection: Connection) -> Iterator[_Page]:
    columns = PAGES.c
    statement = select(
        columns.path_id, PATHS.c.text, columns.title, columns.source, IS_OFFERED.label("offered")
    ).join_from(PAGES, PATHS, PATHS.c.id == columns.path_id)
    return map(_Page._make, plain_rows(connection, statement))


def _read_redirects(connection: Connection) -> set[str]:
    return {row[0] for row in plain_rows(connection, select(REDIRECTS.c.text))}


def _read_moved(connection: Connection) -> dict[str, int]:
    return dict(plain_rows(connection, select(MOVED.c.text, MOVED.c.path_id)))


def _is_covered(path: str, redirects: Collection[str]) -> bool:
    """Tell whether the site leads on from a path; servers add the slash of a folder themselves."""
    return path in redirects or f"{path}/" in redirects


def _with_closest(
    missing: list[_Missing], pages: Mapping[str, _Page], moved: Mapping[str, int]
) -> list[_Missing]:
    """Add the page that is meant: where a path has moved to, else the one that is most like it."""
    offered = [page for page in pages.values() if page.is_offered]
    by_id = {page.id: page for page in pages.values()}
    some = [
        one
        for one in missing[:MAX_COMPARED]
        if not one.is_covered and one.path not in pages and may_be_page(one.path)
    ]
    names = [(page.path, page.title) for page in offered]
    closest = ClosestPages(names, [one.path for one in some])
    found = {}
    for one in some:
        target = by_id.get(moved.get(one.path, moved.get(f"{one.path}/", -1)))
        if target is not None:
            found[one.path] = replace(one, closest=target, similarity=1.0, is_certain=True)
        elif match := closest.find(one.path):
            found[one.path] = replace(
                one,
                closest=offered[match.page],
                similarity=match.similarity,
                is_certain=match.is_certain,
            )
    return [found.get(one.path, one) for one in missing]
