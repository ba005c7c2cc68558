"""How pages are read: what beats and leaves say of a page load, and its sums by day.

A message says how long its page load has been read so far, and the greatest of what was
said is what counts. So messages may come twice, late or not at all.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from tracker_server.model import Beat, Engagement, Leave, Received, View
from tracker_server.schema import WHOLE_SITE, day_of, day_visitors_key, load_key
from tracker_server.statements import Statements

_Said = tuple[int, Beat | Leave, Engagement]


def said_in(batch: Sequence[Received]) -> Iterator[_Said]:
    """Yield when it was said, in which message, and what."""
    for received in batch:
        message = received.message
        about = message.before if type(message) is View else message
        if isinstance(about, (Beat, Leave)) and about.engagement is not None:
            yield received.at, about, about.engagement


def keep(
    connection: Connection,
    statements: Statements,
    said: Sequence[_Said],
    paths: Mapping[str, int],
    visitors: Mapping[int, int],
) -> None:
    """Follow page loads; those of a session that was never counted are left out.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        said: as `said_in` gives it.
        paths: ids of the paths in it.
        visitors: numbers of the sessions in it.
    """
    loads = {
        load_key(visitors[message.session], message.load)
        for _at, message, _ in said
        if message.session in visitors
    }
    rows = {row[0]: row[1:] for row in statements.readings.fetch(connection, loads)}
    changed: dict[int, tuple[int, ...]] = {}
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for at, message, engagement in said:
        if message.session not in visitors:
            continue
        key = load_key(visitors[message.session], message.load)
        path, *old = rows.get(key) or (paths[message.path], 0, 0, 0)
        new = [
            max(old[0], engagement.visible),
            max(old[1], engagement.active),
            max(old[2], engagement.depth),
        ]
        more = [key not in rows, *(now - before for now, before in zip(new, old, strict=True))]
        for place in (path, WHOLE_SITE):
            total = sums[day_visitors_key(place, day_of(at))]
            total[:] = map(sum, zip(total, more, strict=True))
        rows[key] = (path, *new)
        changed[key] = (key, path, at, *new)
    statements.keep_reading.run(connection, sorted(changed.values()))
    statements.add_day_reading.run(
        connection, [(key, *total) for key, total in sorted(sums.items()) if any(total)]
    )
