"""A load generator for one endpoint: many keep-alive connections, one request at a time on each.

Raw sockets and one selector: a general client costs more than the server it measures.
Sends to 127.0.0.1 only and ends by itself when the messages are used up.
"""

import http.client
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

HOST = "127.0.0.1"
STALL_SECONDS = 30
PACED_CONNECTIONS = 32


@dataclass(slots=True)
class Result:
    """What came of a run."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    """Seconds from sending a request to the end of its answer, in the order of the answers."""

    def quantile(self, share: float) -> float:
        """Return the latency in milliseconds that this share of the requests stays below."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1_000


def request_of(path: str, body: bytes) -> bytes:
    """Return the bytes of one POST."""
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: text/plain\r\nContent-Length: "
    return head.encode() + str(len(body)).encode() + b"\r\n\r\n" + body


def send_all(port: int, requests: Iterator[bytes], connections: int) -> Result:
    """Send every request, `connections` at a time, and wait for every answer."""
    result = Result()
    selector = selectors.DefaultSelector()
    started: dict[socket.socket, float] = {}
    begin = time.perf_counter()
    for _ in range(connections):
        request = next(requests, None)
        if request is None:
            break
        connection = socket.create_connection((HOST, port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)
        started[connection] = time.perf_counter()
        connection.sendall(request)
    while started:
        ready = selector.select(STALL_SECONDS)
        if not ready:
            raise TimeoutError(f"{len(started)} requests without an answer for {STALL_SECONDS} s")
        for key, _events in ready:
            connection = key.fileobj  # type: ignore[assignment]  # only sockets are registered
            answer = connection.recv(65_536)
            if not answer.endswith(b"\r\n\r\n"):  # Answers have no body.
                raise ConnectionError(f"unexpected answer {answer[:200]!r}")
            now = time.perf_counter()
            result.statuses[int(answer[9:12])] += 1
            result.latencies.append(now - started[connection])
            request = next(requests, None)
            if request is None:
                selector.unregister(connection)
                connection.close()
                del started[connection]
            else:
                started[connection] = now
                connection.sendall(request)
    result.seconds = time.perf_counter() - begin
    return result


def send_paced(
    port: int, bodies: Iterator[bytes], per_second: int, goes_on: Callable[[float], bool]
) -> list[float]:
    """Send a steady stream, whatever the server takes for it.

    Args:
        port: of the tracker.
        bodies: what to send.
        per_second: how many of them.
        goes_on: is asked with the seconds since the start; false ends it.

    Returns:
        Milliseconds from when a message was due to the end of its answer, ascending. A message
        that had to wait for the one before on its connection was due all the same.
    """
    begin, number, taking = time.perf_counter(), iter(range(1 << 40)), threading.Lock()
    latencies: list[float] = []

    def send() -> None:
        with closing(http.client.HTTPConnection(HOST, port, timeout=STALL_SECONDS)) as connection:
            while True:
                with taking:
                    due = begin + next(number) / per_second
                    body = next(bodies)
                time.sleep(max(0.0, due - time.perf_counter()))
                if not goes_on(time.perf_counter() - begin):
                    return
                connection.request("POST", "/api/collect", body)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 204:
                    raise SystemExit(f"a view was answered with {answer.status}")
                latencies.append((time.perf_counter() - due) * 1_000)

    senders = [threading.Thread(target=send) for _ in range(PACED_CONNECTIONS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return sorted(latencies)
