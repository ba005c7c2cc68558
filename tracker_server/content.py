"""What the site contains: a manifest becomes rows in the place of the one before.

Headings and links have modules of their own (`tracker_server.headings`, `tracker_server.links`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from tracker_server.model import Manifest, Page
from tracker_server.schema import ADDED, CHANGED, MAX_CHANGES, REMOVED
from tracker_server.statements import (
    DEPLOY_CHANGES,
    DEPLOYS,
    MOVED,
    PAGES,
    REDIRECTS,
    TOTALS,
)

Digests = Mapping[int, str | None]
"""What tells the state of a page from another, by the id of its path."""


def replace(
    connection: Connection, manifest: Manifest, digest: str, at: int, ids: Mapping[str, int]
) -> set[int]:
    """Put a manifest in force, and note what it changed against the one before.

    Args:
        connection: in a transaction that holds the lock.
        manifest: what it says.
        digest: tells it from others.
        at: seconds since the epoch.
        ids: those of the paths of its pages.

    Returns:
        Ids of the paths that were pages before and are none now.
    """
    before = {row[0]: row[1] for row in connection.execute(select(PAGES.c.path_id, PAGES.c.digest))}
    now = {ids[page.path]: page.digest for page in manifest.pages}
    is_first = not connection.execute(select(TOTALS.c.manifest_digest)).scalar_one()
    _replace_all(connection, PAGES, [_page_row(page, ids) for page in manifest.pages])
    _replace_all(
        connection,
        REDIRECTS,
        [{"text": text, "target": target} for text, target in manifest.redirects.items()],
    )
    moved = _moved(manifest, ids)
    _replace_all(
        connection, MOVED, [{"text": text, "path_id": path} for text, path in moved.items()]
    )
    deploy = _add_deploy(connection, manifest, at)
    if not is_first:
        changes = sorted(_changes(before, now))[:MAX_CHANGES]
        _add(
            connection,
            DEPLOY_CHANGES,
            [{"deploy_id": deploy, "path_id": path, "kind": kind} for kind, path in changes],
        )
    connection.execute(
        update(TOTALS).values(
            manifest_digest=digest,
            site_name=manifest.site_name,
            site_url=manifest.site_url,
            version=manifest.version,
        )
    )
    return before.keys() - now.keys()


def _add_deploy(connection: Connection, manifest: Manifest, at: int) -> int:
    highest = connection.execute(select(func.coalesce(func.max(DEPLOYS.c.id), 0))).scalar_one()
    row = {"id": highest + 1, "at": at, "commit_id": manifest.commit, "label": manifest.label}
    connection.execute(insert(DEPLOYS).values(row))
    return int(highest) + 1


def _changes(before: Digests, now: Digests) -> Iterator[tuple[int, int]]:
    """Yield what became of a page, and its path; of what has no digest nobody knows."""
    yield from ((ADDED, path) for path in now.keys() - before.keys())
    yield from ((REMOVED, path) for path in before.keys() - now.keys())
    for path in now.keys() & before.keys():
        if now[path] and before[path] and now[path] != before[path]:
            yield CHANGED, path


def _moved(manifest: Manifest, ids: Mapping[str, int]) -> dict[str, int]:
    """Return the pages by the paths that they had before; what is a page now has not moved.

    What the site leads readers to goes before what its history says, and of two pages that say
    to have had a path the first has it.
    """
    former: dict[str, str] = {}
    for page in manifest.pages:
        for text in page.formerly:
            former.setdefault(text, page.path)
    former |= manifest.redirects
    found = {text: ids.get(_end_of(text, former, ids)) for text in former if text not in ids}
    return {text: path for text, path in found.items() if path is not None}


def _end_of(text: str, former: Mapping[str, str], ids: Mapping[str, int]) -> str:
    """Follow a path to a page; to itself or in a circle it leads nowhere."""
    seen = set()
    while text not in ids and text in former and text not in seen:
        seen.add(text)
        target = former[text]
        # A redirect may lead to a place in a page.
        text = target if target in ids or target in former else target.partition("#")[0]
    return text


def _replace_all(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]
) -> None:
    connection.execute(delete(table))
    _add(connection, table, rows)


def _add(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _page_row(page: Page, ids: Mapping[str, int]) -> dict[str, object]:
    return {
        "path_id": ids[page.path],
        "slug": page.slug,
        "title": page.title,
        "type": page.type,
        "published": page.published,
        "date": _day(page.date),
        "generated": page.generated,
        "words": page.words,
        "source": page.source,
        "created": _day(page.created),
        "updated": _day(page.updated),
        "nav": page.nav,
        "trail": _list(page.trail) if page.trail else None,
        "authors": _list(page.authors),
        "tags": _list(page.tags),
        "previous_id": ids.get(page.previous) if page.previous else None,
        "next_id": ids.get(page.next) if page.next else None,
        "code_lines": page.code_lines,
        "reading_seconds": page.reading_seconds,
        "language": page.language,
        "outbound": page.outbound,
        "digest": page.digest,
    }


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _list(texts: Sequence[str]) -> str:
    return json.dumps(texts, ensure_ascii=False) if texts else "[]"
