"""Anchors that headings had before: told from two manifests, kept from one to the next.

A heading that has got another title has another anchor too, and nothing says which. But where one
went and one came between the same two that stayed, it is the same.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, func, select

from tracker_server import schema, schema_content  # noqa: F401  # they enter their tables
from tracker_server.base import Base
from tracker_server.database import insert_into, insert_rows, plain_rows
from tracker_server.model import MAX_HEADINGS, Heading

MAX_FORMER = 50
"""Former anchors of one page, the newest ones."""
_PART = 500
"""How many ids one statement asks for."""

_PATHS, _PAGES, _MOVED, _DEPLOYS, _FORMER = (
    Base.metadata.tables[name] for name in ("path", "page", "moved", "deploy", "former_anchor")
)
_Ends = tuple[str, str]
"""Anchors of the headings above and below; empty at the ends of the page."""
_Former = dict[str, tuple[str, int]]
"""Of a page: the anchor now by the former one, and the deploy that changed it."""


def follow_pages(connection: Connection, gone: Collection[int]) -> dict[int, list[int]]:
    """Take the former anchors of pages that are gone to where these have moved, or away.

    Args:
        connection: in a transaction that holds the lock, with the pages of a manifest in force.
        gone: ids of what was a page before.

    Returns:
        The paths that pages had until now, by the page.
    """
    if not gone:
        return {}
    columns = _FORMER.c
    moves = select(_PATHS.c.id, _MOVED.c.path_id).join(_MOVED, _MOVED.c.text == _PATHS.c.text)
    ordered = sorted(gone)
    found: defaultdict[int, list[int]] = defaultdict(list)
    for start in range(0, len(ordered), _PART):
        some = moves.where(_PATHS.c.id.in_(ordered[start : start + _PART]))
        for path, page in plain_rows(connection, some):
            found[page].append(path)
    homeless = columns.path_id.not_in(select(_PAGES.c.path_id))
    led_on = (
        select(_MOVED.c.path_id, columns.former, columns.anchor, columns.deploy_id)
        .join_from(_FORMER, _PATHS, _PATHS.c.id == columns.path_id)
        .join(_MOVED, _MOVED.c.text == _PATHS.c.text)
        .where(homeless)
        .order_by(columns.deploy_id.desc(), columns.path_id)
    )
    # Of several pages that became one the newest former anchor stays; its own go before.
    kept = insert_into(connection.engine, _FORMER).from_select([*columns.keys()], led_on)
    connection.execute(kept.on_conflict_do_nothing())
    connection.execute(delete(_FORMER).where(homeless))
    return found


def keep(
    connection: Connection,
    before: Mapping[int, Sequence[Heading]],
    after: Mapping[int, Sequence[Heading]],
) -> None:
    """Note which headings were renamed, and lead on what led to them.

    A former anchor is forgotten when a heading has it again, and with the heading that it led to.

    Args:
        connection: in a transaction that holds the lock.
        before: the headings of pages, in the order of each page.
        after: likewise, in the manifest that comes into force: of a few hundred pages whose
            headings have changed. Of a page without any, or with as many as are named at most,
            nobody knows which have gone, so its former anchors stay as they are.
    """
    known = _read(connection, after)
    latest = connection.execute(select(func.max(_DEPLOYS.c.id))).scalar_one()
    changed = {}
    for path, headings in after.items():
        if _are_all(headings):
            former = _led_on(known[path], before.get(path, ()), headings, latest)
            if former != known[path]:
                changed[path] = former
    if changed:
        connection.execute(delete(_FORMER).where(_FORMER.c.path_id.in_(changed)))
        rows = [
            (path, anchor, *to) for path, former in changed.items() for anchor, to in former.items()
        ]
        insert_rows(connection, _FORMER, rows)


def find_renamed(before: Sequence[Heading], after: Sequence[Heading]) -> dict[str, str]:
    """Return which anchors of a page have become which.

    Between the same two headings that stayed, or the ends of the page, as many of the same levels
    went and came. Nobody knows where a title among them went elsewhere or came from there.
    """
    stayed = {heading.anchor for heading in before} & {heading.anchor for heading in after}
    went, came = _runs(before, stayed), _runs(after, stayed)
    titles = {heading.title for run in came.values() for heading in run}
    titles &= {heading.title for run in went.values() for heading in run}
    found: dict[str, str] = {}
    for ends in went.keys() & came.keys():
        old, new = went[ends], came[ends]
        if len(old) == len(new) and all(
            one.level == other.level
            and (one.title == other.title or not {one.title, other.title} & titles)
            for one, other in zip(old, new, strict=True)
        ):
            anchors = (heading.anchor for heading in new)
            found |= zip((heading.anchor for heading in old), anchors, strict=True)
    return found


def _runs(headings: Sequence[Heading], stayed: Collection[str]) -> dict[_Ends, list[Heading]]:
    """Return the headings that did not stay, by those that they stand between."""
    runs: dict[_Ends, list[Heading]] = {}
    above = ""
    run: list[Heading] = []
    for heading in headings:
        if heading.anchor not in stayed:
            run.append(heading)
            continue
        runs[above, heading.anchor] = run
        above, run = heading.anchor, []
    runs[above, ""] = run
    return {ends: run for ends, run in runs.items() if run}


def _are_all(headings: Sequence[Heading]) -> bool:
    return 0 < len(headings) < MAX_HEADINGS


def _led_on(
    known: _Former, before: Sequence[Heading], after: Sequence[Heading], deploy: int
) -> _Former:
    """Return the former anchors of a page."""
    renamed = find_renamed(before, after) if _are_all(before) else {}
    # Of equally old ones those stay that stand further up the page.
    fresh = {one.anchor: (renamed[one.anchor], deploy) for one in before if one.anchor in renamed}
    older = {former: (renamed.get(to, to), since) for former, (to, since) in known.items()}
    there = {heading.anchor for heading in after}
    found = [
        (former, (to, since))
        for former, (to, since) in (older | fresh).items()
        if former not in there and to in there
    ]
    return dict(sorted(found, key=lambda row: -row[1][1])[:MAX_FORMER])


def _read(connection: Connection, paths: Collection[int]) -> defaultdict[int, _Former]:
    columns = _FORMER.c
    statement = select(_FORMER).where(columns.path_id.in_(paths))
    found: defaultdict[int, _Former] = defaultdict(dict)
    for path, former, anchor, deploy in plain_rows(connection, statement):
        found[path][former] = anchor, deploy
    return found
