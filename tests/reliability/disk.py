"""A disk that loses its power: what of the calls that a program made may be left on it.

What was flushed is there. Of what was not, each sector of 512 bytes may have been written or
not, whatever came before or after it; a cut of a file may have happened or not; and names of files
came and went up to some moment, as file systems with a journal have it. After a flush that failed
Linux takes for written what was not, and no later flush writes it. See ``power`` and ``fsync``.
"""

import os
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

WRITE, TRUNCATE, SYNC_BEGINS, SYNC_ENDS, UNLINK, ANSWER, SYNC_FAILS = range(7)
"""What happened. An answer is one that a client has got."""
SECTOR = 512
_HEAD = struct.Struct("<BHQI")


class Note(NamedTuple):
    """One thing that happened."""

    kind: int
    path: str
    offset: int
    data: bytes


class Notes:
    """A file of notes that several processes write, each behind those of the others."""

    def __init__(self, file: Path) -> None:
        self._handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, kind: int, path: str = "", offset: int = 0, data: bytes = b"") -> None:
        """Note something, in one call of the system, which keeps the order."""
        name = path.encode()
        os.write(self._handle, _HEAD.pack(kind, len(name), offset, len(data)) + name + data)


def read_notes(file: Path) -> Iterator[Note]:
    """Yield what was noted; a last note that was cut short, by a kill, is none."""
    text, at = file.read_bytes(), 0
    while at + _HEAD.size <= len(text):
        kind, name, offset, size = _HEAD.unpack_from(text, at)
        middle = at + _HEAD.size + name
        at = middle + size
        if at <= len(text):
            yield Note(kind, text[middle - name : middle].decode(), offset, text[middle:at])


class _Change(NamedTuple):
    """A write, or, without data, the size that a file was cut to."""

    offset: int
    data: bytes | None


@dataclass(slots=True, eq=False)
class _File:
    safe: bytearray = field(default_factory=bytearray)
    """What was flushed."""
    unsafe: list[_Change] = field(default_factory=list)
    flushing: int = 0
    """How many of these a flush that has begun will have made safe."""

    def lose(self, dice: random.Random) -> None:
        """Fail a flush: some of it is on the disk, and the rest never will be."""
        self.safe = bytearray(self.survive(dice, dice.choice((0.0, 0.5, 1.0))))
        self.unsafe.clear()

    def survive(self, dice: random.Random, share: float) -> bytes:
        """Return what is left when each sector that is not safe is written with this chance."""
        if not self.unsafe:
            return bytes(self.safe)
        content = bytearray(self.safe)
        for change in self.unsafe:
            if share == 1:
                _apply(content, change)
            elif share:
                for part in _sectors(change):
                    if dice.random() < share:
                        _apply(content, part)
        return bytes(content)


@dataclass(slots=True)
class Disk:
    """A folder on a disk, as of some note."""

    folder: str
    dice: random.Random = field(default_factory=random.Random)
    """For what a flush that fails has written."""
    files: dict[str, _File] = field(default_factory=dict)
    """By name, as a program that runs sees them."""
    safe: dict[str, _File] = field(default_factory=dict)
    """By name, as the folder was when it was flushed."""
    unsafe: list[tuple[str, _File | None]] = field(default_factory=list)
    """Names that came, or, without a file, went since."""
    flushing: int = 0

    def hear(self, note: Note) -> None:
        """Follow what happened."""
        if note.kind == ANSWER:
            return
        if note.path == self.folder:
            self._flush_names(note.kind)
            return
        folder, _, name = note.path.rpartition("/")
        if folder != self.folder or name.endswith(("-shm", "(deleted)")):
            return  # SQLite makes ``-shm`` anew, whatever it is.
        if note.kind == UNLINK:
            if self.files.pop(name, None) is not None:
                self.unsafe.append((name, None))
            return
        if name not in self.files:
            self.files[name] = _File()
            self.unsafe.append((name, self.files[name]))
        if note.kind == SYNC_FAILS:
            self.files[name].lose(self.dice)
        _hear(self.files[name], note)

    def cut(self, dice: random.Random) -> dict[str, bytes]:
        """Return the files that may be left when the power goes now, by name."""
        share = dice.choices((0.0, dice.random(), 1.0), (4, 5, 1))[0]
        names = dict(self.safe)
        for name, file in self.unsafe[: dice.randint(0, len(self.unsafe))]:
            if file is None:
                names.pop(name, None)
            else:
                names[name] = file
        return {name: file.survive(dice, share) for name, file in names.items()}

    def _flush_names(self, kind: int) -> None:
        if kind == SYNC_BEGINS:
            self.flushing = len(self.unsafe)
        elif kind == SYNC_ENDS:  # One that failed leaves names for the next: they are in a journal.
            for name, file in self.unsafe[: self.flushing]:
                if file is None:
                    self.safe.pop(name, None)
                else:
                    self.safe[name] = file
            del self.unsafe[: self.flushing]


def _hear(file: _File, note: Note) -> None:
    if note.kind == WRITE:
        file.unsafe.append(_Change(note.offset, note.data))
    elif note.kind == TRUNCATE:
        file.unsafe.append(_Change(note.offset, None))
    elif note.kind == SYNC_BEGINS:
        file.flushing = len(file.unsafe)
    elif note.kind == SYNC_ENDS:
        for change in file.unsafe[: file.flushing]:
            _apply(file.safe, change)
        del file.unsafe[: file.flushing]


def _apply(content: bytearray, change: _Change) -> None:
    end = change.offset if change.data is None else change.offset + len(change.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if change.data is None:
        del content[end:]
    else:
        content[change.offset : end] = change.data


def _sectors(change: _Change) -> Iterator[_Change]:
    if change.data is None:
        yield change
        return
    offset, data = change
    while data:
        size = SECTOR - offset % SECTOR
        yield _Change(offset, data[:size])
        offset, data = offset + size, data[size:]
