"""Where readers came from: many hosts of one owner are one source.

Hosts are kept as they came and gathered only when a report is made, so a newer list of names
or of suffixes holds for all that was ever counted.
"""

import json
from functools import cache, lru_cache
from importlib.resources import files

from publicsuffixlist import PublicSuffixList

MAX_REMEMBERED = 16_384
"""How many hosts are remembered with their source: all that a vocabulary has."""

_NAMES: dict[str, str] = {
    host: name
    for name, hosts in json.loads(
        (files("tracker_server") / "data" / "sources.json").read_text()
    ).items()
    for host in hosts
}
"""A host to the name of the source that it and all below it are; ``google.*`` for any country."""
_APPLICATION = "com."
"""What the ids of applications begin with; some end like the name of a host."""


@lru_cache(maxsize=MAX_REMEMBERED)
def source_of(host: str) -> str:
    """Return what a host of a referrer is listed as: a name, or the part that somebody owns.

    That is the last part that was registered by the Public Suffix List, its private section
    included: whoever has a site below ``github.io`` or ``blogspot.com`` is a source of their own.
    """
    labels = host.split(".")
    for start in range(len(labels)):
        name = _NAMES.get(".".join(labels[start:]))
        if name is not None:
            return name
    if host.startswith(_APPLICATION):
        return host
    # Addresses, names of an intranet and most applications are below no known suffix.
    owned = _suffixes().privatesuffix(host) or host
    return _NAMES.get(owned.partition(".")[0] + ".*", owned)


@cache
def _suffixes() -> PublicSuffixList:
    # 40 ms and 4 MiB, which a tracker that is asked for no report does without.
    return PublicSuffixList(accept_unknown=False)
