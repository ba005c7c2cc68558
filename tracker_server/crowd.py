"""The open connections: how many there may be, and which go when there are more.

Nobody is turned away at the door. Those go that have been waited for longest, be it for a head,
a body or another request, and of one network first where it has more than its share; so who
opens many and says nothing crowds out itself. Who is being answered stays: of those there are
no more than may wait for the disk and for threads. Who follows a stream stays too, since streams
have a bound of their own, and is no part of its network's share.
"""

from collections.abc import Callable, Iterable

from tracker_server.connection import Connection
from tracker_server.meter import ServerMeter

NETWORK_SHARE = 8
"""One network may have an eighth of all connections: by default a thousand readers."""
_AT_ONCE = 16
"""A sixteenth goes at once, so that not each newcomer costs a search."""


class Crowd:
    """The open connections of one server; used in its loop."""

    def __init__(
        self, most: int, network_of: Callable[[str], str | None], meter: ServerMeter
    ) -> None:
        """`network_of` returns the network of a peer, ``None`` for whom no share applies to."""
        self.members: set[Connection] = set()
        self._most = most
        self._most_of_one = max(1, most // NETWORK_SHARE)
        self._network_of = network_of
        self._meter = meter
        self._networks: dict[str, set[Connection]] = {}

    def join(self, connection: Connection) -> None:
        """Let a connection in, and others go where it is one too many."""
        self.members.add(connection)
        self._meter.connections = len(self.members)
        connection.network = self._network_of(connection.peer)
        if connection.network is not None:
            of_network = self._networks.setdefault(connection.network, set())
            of_network.add(connection)
            if len(of_network) > self._most_of_one:
                self._make_room(of_network - {connection}, self._most_of_one, "network")
        if len(self.members) > self._most:
            self._make_room(self.members - {connection}, self._most, "crowded")

    def leave(self, connection: Connection) -> None:
        """Forget a connection that is lost, or as good as lost."""
        self.members.discard(connection)
        self._meter.connections = len(self.members)
        self.release(connection)

    def release(self, connection: Connection) -> None:
        """Count a connection no more to its network."""
        network, connection.network = connection.network, None
        if network is not None:
            of_network = self._networks[network]
            of_network.discard(connection)
            if not of_network:
                del self._networks[network]

    def _make_room(self, some: Iterable[Connection], most: int, reason: str) -> None:
        waited_for = [connection for connection in some if connection.is_waited_for]
        waited_for.sort(key=lambda connection: connection.since)
        for connection in waited_for[: max(1, most // _AT_ONCE)]:
            connection.deadline = 0.0  # Whatever it has not read yet is not waited for.
            connection.cut_for(reason)
            self.leave(connection)  # Now: others may come before the loop tells of the loss.
