"""How pages are read: what beats and leaves say of a page load, and its sums by day.

A message says how long its page load has been read so far, and the greatest of what was
said is what counts. So messages may come twice, late or not at all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from tracker_server.dwell import Sections
from tracker_server.model import (
    Beat,
    Engagement,
    Leave,
    Received,
    View,
)
from tracker_server.packing import SECONDS_PER_HOUR, day_of, day_visitors_key, load_key
from tracker_server.schema import WHOLE_SITE
from tracker_server.statements import Statements

COMPLETED_DEPTH = 90
"""Percent; below the end of what is read there are footers and links to the next page."""
WORDS_PER_MINUTE = 240
"""How fast adults read prose silently; what surveys of the studies give as a mean."""
COMPLETED_SHARE = 1 / 3
"""Of the time to read all words: documentation is skimmed, but not in seconds."""

Said = tuple[int, Beat | Leave, Engagement]


def said_in(batch: Sequence[Received]) -> Iterator[Said]:
    """Yield when it was said, in which message, and what."""
    for received in batch:
        message = received.message
        about = message.before if type(message) is View else message
        if isinstance(about, (Beat, Leave)) and about.engagement is not None:
            yield received.at, about, about.engagement


def keep(  # noqa: PLR0913, PLR0917  # what a batch has looked up already
    connection: Connection,
    statements: Statements,
    said: Sequence[Said],
    paths: Mapping[str, int],
    visitors: Mapping[int, int],
    words: Mapping[int, int],
    headings: Mapping[int, Mapping[str, tuple[int, int]]],
) -> None:
    """Follow page loads; those of a session that was never counted are left out.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        said: as `said_in` gives it.
        paths: ids of the paths in it.
        visitors: numbers of the sessions in it.
        words: how many words there are to read, by id of path; absent where nobody said.
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
    sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    hours: Counter[int] = Counter()
    sections = Sections()
    for at, message, engagement in said:
        if message.session not in visitors:
            continue
        key = load_key(visitors[message.session], message.load)
        path, *old, kept = rows.get(key) or (paths[message.path], 0, 0, 0, 0, None)
        new = [
            max(old[0], engagement.visible),
            max(old[1], engagement.active),
            max(old[2], engagement.depth),
        ]
        new.append(max(old[3], is_completed(new[1], new[2], words.get(path))))
        more = [key not in rows, *(now - before for now, before in zip(new, old, strict=True))]
        for place in (path, WHOLE_SITE):
            total = sums[day_visitors_key(place, day_of(at))]
            total[:] = map(sum, zip(total, more, strict=True))
        hours[at // SECONDS_PER_HOUR] += new[1] - old[1]
        # A load that says it is of another path than before would be of none of its headings.
        if engagement.sections and path == paths[message.path]:
            kept = _follow(sections, kept, engagement.sections, headings[path], day_of(at))
        rows[key] = (path, *new, kept)
        changed[key] = (key, path, at, *new, kept)
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


def is_completed(active: int, depth: int, words: int | None) -> bool:
    """Tell whether a page load has been read to the end.

    Args:
        active: milliseconds.
        depth: percent.
        words: how many there are to read; ``None`` when nobody said, then depth alone decides.
    """
    expected = (words or 0) * 60_000 / WORDS_PER_MINUTE
    return depth >= COMPLETED_DEPTH and active >= expected * COMPLETED_SHARE
