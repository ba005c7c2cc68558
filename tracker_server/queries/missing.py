"""Which paths were not found, and where readers came from who asked for them."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from tracker_server.database import plain_rows
from tracker_server.statements import NOT_FOUND, PATHS, REFERRERS

MAX_REFERRERS = 5
"""How many hosts of one path are named."""


def count_not_found(
    connection: Connection, first_day: int, last_day: int
) -> Mapping[str, Counter[str]]:
    """Return how often each path was asked for, by the host that readers came from."""
    statement = (
        select(PATHS.c.text, REFERRERS.c.text, func.sum(NOT_FOUND.c.count))
        .select_from(NOT_FOUND)
        .join(PATHS, PATHS.c.id == NOT_FOUND.c.path_id)
        .join(REFERRERS, REFERRERS.c.id == NOT_FOUND.c.referrer_id)
        .where(NOT_FOUND.c.day.between(first_day, last_day))
        .group_by(PATHS.c.text, REFERRERS.c.text)
    )
    paths: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for path, referrer, count in plain_rows(connection, statement):
        # PostgreSQL's sum is a decimal number.
        paths[path][referrer] = int(count)
    return paths


def name_hosts(hosts: Counter[str]) -> tuple[str, ...]:
    """Write where readers came from; of the others nobody knows, or they were on the site."""
    named = sorted((-count, host) for host, count in hosts.items() if host)
    return tuple(f"{host} ({-count})" for count, host in named[:MAX_REFERRERS])
