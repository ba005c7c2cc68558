"""Whether the disk has room for messages besides what pruning needs.

On a disk that is full SQLite cannot even delete: its log would have to grow. So messages
are refused while something is left, and only what makes room goes on.
"""

import os
from pathlib import Path

MIB = 1 << 20


class Room:
    """The disk that a SQLite file lies on."""

    def __init__(self, file: Path | None, reserve_mib: int) -> None:
        """`file` is the database, ``None`` if it is none of SQLite, whose disk is not ours."""
        self._folder = None if file is None or not reserve_mib else file.resolve().parent
        self._reserve = reserve_mib * MIB

    def is_short(self) -> bool:
        """Tell whether less is free than is to be kept; takes 2 µs."""
        if self._folder is None:
            return False
        try:
            disk = os.statvfs(self._folder)
        except OSError:
            return False  # The database will say what is the matter.
        return disk.f_bavail * disk.f_frsize < self._reserve
