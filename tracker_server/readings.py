"""How pages are read: what beats, leaves and searches say of a page load, and its sums by day.

A message says how long its page load has been read so far, or that the site's search was used on
it, and the greatest of what was said is what counts. So messages may come twice, late or not at
all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from operator import add, sub
from typing import Any

from sqlalchemy import Connection, select

from tracker_server.dwell import Sections
from tracker_server.model import (
    Beat,
    Engagement,
    Event,
    Leave,
    Received,
    View,
)
from tracker_server.packing import (
    NOBODY,
    SECONDS_PER_HOUR,
    day_of,
    day_visitors_key,
    load_key,
)
from tracker_server.schema import WHOLE_SITE
from tracker_server.statements import DAY_READ, PAGES, Statements

COMPLETED_DEPTH = 90
"""Percent; below the end of what is read there are footers and links to the next page."""
WORDS_PER_MINUTE = 240
"""How fast adults read prose silently; what surveys of the studies give as a mean."""
COMPLETED_SHARE = 1 / 3
"""Of the time that reading takes: documentation is skimmed, but not in seconds."""
BOUNCED_ACTIVE = 10_000
"""Milliseconds: who is gone before has not begun to read."""
BOUNCED_DEPTH = 25
"""Percent: who scrolls further looks for something on the page."""

Said = tuple[int, Beat | Leave | Event, Engagement]

_NOTHING = Engagement(0, 0, 0)
"""What a search says of how long a page was read."""
_UNREAD = (0, 0, 0, 0, 0, None)
"""What is kept of a page load of which nothing was said yet."""
_NO_CLASS = (0, 0, 0)


def said_in(batch: Sequence[Received]) -> Iterator[Said]:
    """Yield when it was said, in which message, and what."""
    for received in batch:
        message = received.message
        about = message.before if type(message) is View else message
        if isinstance(about, (Beat, Leave)):
            if about.engagement is not None:
                yield received.at, about, about.engagement
        elif type(about) is Event and is_search(about):
            yield received.at, about, _NOTHING


def is_search(event: Event) -> bool:
    """Tell whether an event says that the site's search was used."""
    return event.name == "search"


def of_pages(
    connection: Connection, statements: Statements, said: Sequence[Said]
) -> Sequence[Said]:
    """Leave out the searches that were made on the 404 page, which is no page that is read."""
    keys = {load_key(NOBODY, message.load) for _, message, _ in said if type(message) is Event}
    missing = {row[0] for row in statements.loads.fetch(connection, keys)}
    return [
        one
        for one in said
        if type(one[1]) is not Event or load_key(NOBODY, one[1].load) not in missing
    ]


def keep(  # noqa: PLR0913, PLR0917  # what a batch has looked up already
    connection: Connection,
    statements: Statements,
    said: Sequence[Said],
    paths: Mapping[str, int],
    visitors: Mapping[int, int],
    expected: Mapping[int, int],
    headings: Mapping[int, Mapping[str, tuple[int, int]]],
) -> None:
    """Follow page loads; those of a session that was never counted are left out.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        said: as `said_in` gives it.
        paths: ids of the paths in it.
        visitors: numbers of the sessions in it.
        expected: as `read_expected` gives it.
        headings: ids and places of the headings by their anchors, by id of path; of the paths of
            which sections were said.
    """
    loads = {
        load_key(visitors[message.session], message.load)
        for _at, message, _ in said
        if message.session in visitors
    }
    rows = {row[0]: row[1:] for row in statements.readings.fetch(connection, loads)}
    changed: dict[int, tuple[Any, ...]] = {}
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0] * len(DAY_READ))
    hours: Counter[int] = Counter()
    sections = Sections()
    for at, message, engagement in said:
        if message.session not in visitors:
            continue
        key, day = load_key(visitors[message.session], message.load), day_of(at)
        path, first, *old, kept = rows.get(key) or (paths[message.path], day, *_UNREAD)
        # What a load does that says it is of another path than before is of none of its headings,
        # and is no search on it.
        is_of_path = path == paths[message.path]
        new = [
            max(old[0], engagement.visible),
            max(old[1], engagement.active),
            max(old[2], engagement.depth),
            old[3],
            1 if type(message) is Event and is_of_path else old[4],
        ]
        if not new[3] and is_completed(new[1], new[2], expected.get(path)):
            new[3] = 1
        is_new = key not in rows
        was = _NO_CLASS if is_new else class_of(*old[1:])
        times = new[0] - old[0], new[1] - old[1], new[2] - old[2]
        classes = map(sub, class_of(*new[1:]), was)
        if day == first:
            days: tuple[tuple[int, tuple[int, ...]], ...] = ((day, (is_new, *times, *classes)),)
        else:
            days = (day, (0, *times, 0, 0, 0)), (first, (0, 0, 0, 0, *classes))
        for of_day, more in days:
            if any(more):
                for place in (path, WHOLE_SITE):
                    total = sums[day_visitors_key(place, of_day)]
                    total[:] = map(add, total, more)
        hours[at // SECONDS_PER_HOUR] += new[1] - old[1]
        if engagement.sections and is_of_path:
            kept = _follow(sections, kept, engagement.sections, headings[path], day)
        rows[key] = (path, first, *new, kept)
        changed[key] = (key, path, first, at, *new, kept)
    statements.keep_reading.run(connection, sorted(changed.values()))
    statements.add_day_reading.run(
        connection, [(key, *total) for key, total in sorted(sums.items()) if any(total)]
    )
    statements.add_hour_reading.run(connection, sorted((+hours).items()))
    statements.add_day_heading.run(
        connection,
        [(day_visitors_key(heading, day), *total) for heading, day, total in sections.sums()],
    )


def _follow(
    sections: Sections,
    kept: bytes | None,
    said: Mapping[str, int],
    headings: Mapping[str, tuple[int, int]],
    day: int,
) -> bytes | None:
    """Follow the sections of a load, those that the manifest knows."""
    times = {headings[anchor][0]: time for anchor, time in said.items() if anchor in headings}
    return sections.follow(kept, times, dict(headings.values()), day) if times else kept


def read_expected(connection: Connection) -> dict[int, int]:
    """Read how many milliseconds reading takes, by id of path; absent where nobody said."""
    columns = PAGES.c
    pages = connection.execute(select(columns.path_id, columns.reading_seconds, columns.words))
    times = {path_id: expected_time(seconds, words) for path_id, seconds, words in pages}
    return {path_id: time for path_id, time in times.items() if time is not None}


def expected_time(seconds: int | None, words: int | None) -> int | None:
    """Return how many milliseconds reading a page takes.

    Args:
        seconds: what the manifest expects; ``None`` where it does not say.
        words: how many there are to read, which tell where nobody said; ``None`` likewise.
    """
    if seconds is not None:
        return seconds * 1_000
    return None if words is None else words * 60_000 // WORDS_PER_MINUTE


def class_of(active: int, depth: int, completed: int, searched: int) -> tuple[int, int, int]:
    """Return whether a page load counts as read to the end, as searched, and as left at once.

    One of them is 1 at most; without any it was skimmed.

    Args:
        active: milliseconds.
        depth: percent.
        completed: 1 when it has been read to its end, else 0.
        searched: 1 when the site's search was used on it, else 0.
    """
    if completed:
        return 1, 0, 0
    return (0, 1, 0) if searched else (0, 0, int(is_bounced(active, depth)))


def is_completed(active: int, depth: int, expected: int | None) -> bool:
    """Tell whether a page load has been read to the end.

    Args:
        active: milliseconds.
        depth: percent.
        expected: how long reading takes; ``None`` when nobody said, then depth alone decides.
    """
    return depth >= COMPLETED_DEPTH and active >= (expected or 0) * COMPLETED_SHARE


def is_bounced(active: int, depth: int) -> bool:
    """Tell whether a page load has not been read at all.

    Both only grow, so a load that is none any more never becomes one again, and it is never one
    that was read to the end.

    Args:
        active: milliseconds.
        depth: percent.
    """
    return active < BOUNCED_ACTIVE and depth < BOUNCED_DEPTH
