"""What programs viewed, counted by day: how much each of them did, and how much each page saw.

A day has no more rows than there are names and paths. Programs add no path of their own: they
ask for what nobody has ever linked.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from tracker_server.model import BotView
from tracker_server.packing import day_of
from tracker_server.schema import ANY_BOT, OTHER, WHOLE_SITE
from tracker_server.statements import Statements
from tracker_server.vocabulary import Vocabulary

MAX_BOTS = 2_000
"""How many names there can be; the list has 1,500 (`tracker_server.bots`)."""


def keep(
    connection: Connection,
    statements: Statements,
    bots: Vocabulary,
    views: Iterable[tuple[int, BotView]],
    paths: Mapping[str, int],
) -> None:
    """Count views.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        bots: ids of names.
        views: with the times at which they came.
        paths: ids of their paths; what has none is counted as `OTHER`.
    """
    counts = Counter([(day_of(at), view.bot, view.path) for at, view in views])
    ids = bots.resolve(connection, {bot for _day, bot, _path in counts}, MAX_BOTS)
    rows: Counter[tuple[int, int, int]] = Counter()
    for (day, bot, path), count in counts.items():
        rows[day, ids[bot], WHOLE_SITE] += count
        rows[day, ANY_BOT, paths.get(path, paths[OTHER])] += count
    statements.add_bot.run(connection, [(*key, count) for key, count in sorted(rows.items())])
