"""Paths that are no pages: whoever asks for one may have an address or a secret in it."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
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
    former: AbstractSet[str],
    batch: Sequence[Received],
) -> Sequence[Received]:
    """Return a batch whose missing pages have nothing private in their paths.

    What is done on the page 404 is about its path too; what is clicked is a path that is known.
    A path that has a row stays as it is: it is a page of the manifest or was viewed as one; and
    so does one that the manifest leads on from. A batch without anything private takes no
    statement.

    Args:
        connection: in a transaction that holds the lock.
        statements: those of the database.
        paths: ids of paths.
        former: paths that pages had before.
        batch: the messages.
    """
    asked = {r.message.path for r in batch if isinstance(r.message, NotFound | Event)}
    private = {text for text in asked if blot_path(text) != text}
    if not private:
        return batch
    private -= {r.message.path for r in batch if type(r.message) is View}
    # Servers add the slash of a folder themselves.
    wanted = private | {f"{text}/" for text in private}
    leading = {row[0] for row in statements.redirects.fetch(connection, wanted)}
    known = leading | (wanted & former) | paths.known(connection, wanted).keys()
    blotted = {
        text: blot_path(text) for text in private if not known.intersection((text, f"{text}/"))
    }
    return [_with_path(received, blotted) for received in batch]


def _with_path(received: Received, blotted: Mapping[str, str]) -> Received:
    message = received.message
    if not isinstance(message, NotFound | Event) or message.path not in blotted:
        return received
    return Received(received.at, replace(message, path=blotted[message.path]))
