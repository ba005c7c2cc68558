"""What the site contains: a manifest becomes rows in the place of the one before.

Headings and links have modules of their own (`tracker_server.headings`, `tracker_server.links`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from tracker_server.database import insert_rows, plain_rows
from tracker_server.model import Manifest, Page
from tracker_server.schema_content import ADDED, CHANGED, MAX_CHANGES, REMOVED
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
    before: Digests = dict(plain_rows(connection, select(PAGES.c.path_id, PAGES.c.digest)))
    now = {ids[page.path]: page.digest for page in manifest.pages}
    is_first = not connection.execute(select(TOTALS.c.manifest_digest)).scalar_one()
    _replace_all(connection, PAGES, [_page_row(page, ids) for page in manifest.pages])
    _replace_all(connection, REDIRECTS, [*manifest.redirects.items()])
    _replace_all(connection, MOVED, [*_moved(manifest, ids).items()])
    deploy = _add_deploy(connection, manifest, at)
    if not is_first:
        changes = sorted(_changes(before, now))[:MAX_CHANGES]
        insert_rows(connection, DEPLOY_CHANGES, [(deploy, path, kind) for kind, path in changes])
    connection.execute(
        update(TOTALS).values(
            manifest_digest=digest,
            site_name=manifest.site_name,
            site_url=manifest.site_url,
            version=manifest.version,
            versions=_dump(manifest.versions) if manifest.versions else None,
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


def _replace_all(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    connection.execute(delete(table))
    insert_rows(connection, table, rows)


def _page_row(page: Page, ids: Mapping[str, int]) -> tuple[Any, ...]:
    """Return the columns of `schema_content.Page` in their order."""
    return (
        ids[page.path],
        page.slug,
        page.title,
        page.type,
        page.published,
        page.date,
        page.generated,
        page.words,
        page.source,
        page.created,
        page.updated,
        page.nav,
        _list(page.trail) if page.trail else None,
        _list(page.authors),
        _list(page.tags),
        ids.get(page.previous) if page.previous else None,
        ids.get(page.next) if page.next else None,
        page.code_lines,
        page.reading_seconds,
        page.language,
        page.outbound,
        page.digest,
    )


def _list(texts: Sequence[str]) -> str:
    return _dump(texts) if texts else "[]"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
