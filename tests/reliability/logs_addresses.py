"""A tracker that breaks its promise: it logs who sent a message (P3)."""

import logging

from tests.reliability.days_pass import run_tracker
from tracker_server.networks import Networks

_log = logging.getLogger("tracker_server")
_address_of = Networks.address_of


def _logged(networks: Networks, peer: str, forwarded: str) -> str:
    address = _address_of(networks, peer, forwarded)
    _log.warning("a message of %s", address)
    return address


if __name__ == "__main__":
    Networks.address_of = _logged  # type: ignore[assignment, method-assign]
    run_tracker()
