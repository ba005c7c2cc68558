"""Which network somebody is of, as far as limits are about networks.

Whoever has a network cannot multiply by its addresses, and no address is kept: only what its
network is called, for as long as a connection is open.
"""

import logging
from collections.abc import Collection
from ipaddress import ip_network

from tracker_server.identity import client_address, is_in, shortened

_OWN = tuple(
    map(
        ip_network,
        ("127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    )
)
"""Where a proxy of the tracker's owner is, as a rule."""

_log = logging.getLogger("tracker_server")


class Networks:
    """Tells networks of senders and of peers, past proxies that are trusted."""

    def __init__(self, trusted_proxies: Collection[str]) -> None:
        self._trusted = tuple(map(ip_network, trusted_proxies))
        self._warned = False

    def address_of(self, peer: str, forwarded: str) -> str:
        """Return the address of who sent a message, as far as proxies are believed."""
        return client_address(peer, forwarded, self._trusted)

    def of_sender(self, peer: str, forwarded: str) -> str | None:
        """Return the network of who sent a message; ``None`` where only a proxy is known.

        Args:
            peer: address of who is connected.
            forwarded: the header ``X-Forwarded-For``, empty where there is none.
        """
        if not forwarded:
            return network_of(peer)
        if self._trusted or not is_unnamed_proxy(peer):
            return network_of(self.address_of(peer, forwarded))
        # All readers come from one address there: one limit for them would be none for a flood
        # and too low for a site.
        if not self._warned:
            self._warned = True
            _log.warning(
                "a proxy forwards messages and STATS_TRUSTED_PROXIES does not name it: networks "
                "of readers cannot be told apart, and none is limited",
                extra={"event": "proxy_not_trusted"},
            )
        return None

    def of_peer(self, peer: str) -> str | None:
        """Return the network of who is connected; ``None`` for a trusted proxy, which is many."""
        return None if self._trusted and is_in(peer, self._trusted) else network_of(peer)


def network_of(address: str) -> str:
    """Return what tells a network from others: 24 bits of an IPv4 address, 48 of an IPv6 one."""
    if ":" in address:
        return shortened(address)
    # As the system writes it: parsing costs ten times as much.
    return address.rpartition(".")[0] or address


def is_unnamed_proxy(peer: str) -> bool:
    """Tell whether a peer that forwards for somebody stands where an owner's own proxy does."""
    return is_in(peer, _OWN)
