"""Listens on a socket, keeps the open connections in bounds, and stops without losing an answer."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from tracker_server.connection import Connection, Host
from tracker_server.crowd import Crowd
from tracker_server.exchange import Request
from tracker_server.meter import ServerMeter

SWEEP_SECONDS = 1.0
STOP_SECONDS = 5.0
"""How long a server that stops waits for what is in work."""
BACKLOG = 1_024
MAX_CONNECTIONS = 8_192

_log = logging.getLogger("tracker_server")


class Server:
    """One listening socket and its connections, in one loop."""

    def __init__(
        self,
        handle: Callable[[Connection, Request], None],
        body_limit: Callable[[Request], int],
        end_streams: Callable[[], None],
        network_of: Callable[[str], str | None],
        meter: ServerMeter,
    ) -> None:
        """Take what it needs; nothing is listened to yet.

        Args:
            handle: is given each request.
            body_limit: returns how many bytes the body of a request may have.
            end_streams: is called when it stops, before what is in work is waited for.
            network_of: returns whose share of the connections a peer's address counts to.
            meter: hears what happens.
        """
        self._handle = handle
        self._body_limit = body_limit
        self._end_streams = end_streams
        self._meter = meter
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told = asyncio.Event()
        most = min(MAX_CONNECTIONS, _raise_file_limit() * 3 // 4)
        self.crowd = Crowd(most, network_of, meter)
        """The open connections."""

    async def serve(self, listening: socket.socket, ready: Callable[[], None]) -> None:
        """Serve until `stop` or a signal. `ready` is called when it can be connected to.

        Raises:
            OSError: the address cannot be listened on.
        """
        loop = self._loop = asyncio.get_running_loop()
        crowd, handlers = self.crowd, (self._handle, self._body_limit)
        host = Host(*handlers, crowd.join, crowd.leave, crowd.release, loop.time, self._meter)
        server = await loop.create_server(lambda: Connection(host), sock=listening, backlog=BACKLOG)
        _when_told(self._told.set)
        ready()
        while not self._told.is_set():
            self._sweep(loop.time())
            try:
                await asyncio.wait_for(self._told.wait(), SWEEP_SECONDS)
            except TimeoutError:
                continue
        server.close()
        self._end_streams()
        await self._finish(loop.time() + STOP_SECONDS)

    def stop(self) -> None:
        """Tell it to stop, as a signal does; safe to use from any thread."""
        if self._loop is None:
            self._told.set()  # It does not serve yet, and nobody waits.
        else:
            with suppress(RuntimeError):  # The loop is closed: it has stopped.
                self._loop.call_soon_threadsafe(self._told.set)

    def _sweep(self, now: float) -> None:
        """Cut those whose time is over."""
        for connection in list(self.crowd.members):
            if connection.deadline < now:
                connection.cut_for("idle" if connection.is_idle else "slow")

    async def _finish(self, end: float) -> None:
        loop = asyncio.get_running_loop()
        for connection in list(self.crowd.members):
            connection.finish()
        while self.crowd.members and loop.time() < end:  # noqa: ASYNC110  # a set has no event
            await asyncio.sleep(0.01)
        for connection in list(self.crowd.members):
            connection.deadline = 0.0
            connection.cut()
        await asyncio.sleep(0)  # They are closed when the loop comes to it.


def bind(host: str, port: int) -> socket.socket:
    """Return a socket for an address; nobody can connect to it yet.

    Raises:
        OSError: it is taken, or none of this machine.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_REUSEADDR") and hasattr(signal, "SIGHUP"):  # Not on Windows.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound


def _when_told(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows has no such thing in a loop.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


def _raise_file_limit() -> int:
    """Have as many files open as the system lets this process have; return how many."""
    try:
        import resource  # noqa: PLC0415  # there is none on Windows
    except ImportError:
        return MAX_CONNECTIONS * 2
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS * 2
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (OSError, ValueError) as error:
        _log.warning(
            "no more than %d files can be open: %s", soft, error, extra={"event": "file_limit"}
        )
        return soft
    return most
