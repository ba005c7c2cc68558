"""What a server hears and says: requests with their bodies, answers, and the heads of these."""

from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

Headers = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """What is said to one request."""

    status: int
    headers: Headers = ()
    """Without those that belong to the connection, and without ``Content-Length``."""
    body: bytes = b""
    length: int | None = None
    """Of the body, where it is not that of `body`: in an answer to ``HEAD``."""


class Request:
    """One request with all of its body."""

    __slots__ = ("body", "complete", "headers", "keep_alive", "method", "peer", "target")

    def __init__(self, peer: str) -> None:
        self.peer = peer
        """Address of who is connected."""
        self.method = ""
        self.target = b""
        """As sent, with the query."""
        self.headers: dict[bytes, bytes] = {}
        """By lower-case name; several of one name are joined by commas."""
        self.body = b""
        self.complete = True
        """False where the body was longer than it may be: then there is none of it."""
        self.keep_alive = True

    def header(self, name: str) -> str:
        """Return a header by its lower-case name, empty where there is none."""
        value = self.headers.get(name.encode())
        return value.decode("latin-1") if value else ""


def head_for(answer: Answer, *, last: bool) -> bytes:
    """Return the head of an answer.

    Args:
        answer: what is said.
        last: whether the connection ends after it.

    Raises:
        ValueError: a header has a line break, or a letter that no header has.
    """
    length = len(answer.body) if answer.length is None else answer.length
    return head_of(answer.status, answer.headers, length, last=last)


@lru_cache(256)
def head_of(status: int, headers: Headers, length: int | None, *, last: bool) -> bytes:
    """Return a head; without a length the end of the connection ends the body."""
    lines = [f"HTTP/1.1 {int(status)} {_phrase(status)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if length is not None and status not in _WITHOUT_BODY:
        lines.append(f"Content-Length: {length}")
    if last:
        lines.append("Connection: close")
    if any(character in line for line in lines for character in "\r\n\0"):
        raise ValueError("a header with a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
