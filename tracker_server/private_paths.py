"""Paths that are no pages: whoever asks for one may have an address or a secret in it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from tracker_server.enrich import blot_path
from tracker_server.model import Event, NotFound, Received, View
from tracker_server.statements import Statements
from tracker_server.vocabulary import Vocabulary


def blot(
    connection: Connection,
    statements: Statements,
    paths: Vocabulary,
    batch: Sequence[Received],
) -> Sequence[Received]:
    """Return a batch whose missing pages and targets have nothing private in their paths.

    What is done on the page 404 is about its path too. A path that has a row stays as it is: it is
    a page of the manifest or was viewed as one; and so does one that the manifest leads on from.
    A batch without anything private takes no statement.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        paths: ids of paths.
        batch: the messages.
    """
    private = {text for r in batch for text in _asked_for(r) if blot_path(text) != text}
    if not private:
        return batch
    private -= {r.message.path for r in batch if type(r.message) is View}
    # Servers add the slash of a folder themselves.
    known = _known(connection, statements, paths, private | {f"{text}/" for text in private})
    blotted = {
        text: blot_path(text) for text in private if not known.intersection((text, f"{text}/"))
    }
    return [_with_paths(received, blotted) for received in batch]


def _asked_for(received: Received) -> Iterator[str]:
    message = received.message
    if isinstance(message, NotFound | Event):
        yield message.path
    if isinstance(message, Event) and message.target:
        yield message.target


def _known(
    connection: Connection,
    statements: Statements,
    paths: Vocabulary,
    texts: Collection[str],
) -> set[str]:
    leading = (statements.redirects, statements.moved)
    rows = [row for table in leading for row in table.fetch(connection, texts)]
    return {*paths.known(connection, texts), *(row[0] for row in rows)}


def _with_paths(received: Received, blotted: dict[str, str]) -> Received:
    message = received.message
    if not isinstance(message, NotFound | Event) or blotted.keys().isdisjoint(_asked_for(received)):
        return received
    path = blotted.get(message.path, message.path)
    if isinstance(message, NotFound):
        return Received(received.at, replace(message, path=path))
    target = blotted.get(message.target, message.target)
    return Received(received.at, replace(message, path=path, target=target))
