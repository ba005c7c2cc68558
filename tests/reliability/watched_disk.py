"""A tracker whose SQLite notes what it does to the disk, or whose disk fails.

It is the real tracker and the real SQLite: between the library and the system stand functions
(`interpose`) that write each call into a file, and that can refuse to flush. Variables say what:

- ``DISK_LOG``: where the calls are noted, behind what is there (`disk`).
- ``DISK_SYNC_MS``: how long a flush takes. None is made: a process that is killed loses
  nothing that the system has, and what a power cut would cost is worked out from the notes.
- ``DISK_FAILS``: which flushes fail with an input/output error, by their numbers, ``7,32``.
- ``DISK_LIES``: nobody is told that they failed.
- ``DISK_CHECKPOINT_PAGES``: after how many pages the log is moved into the database.
"""

import ctypes
import errno
import os
import time
from pathlib import Path
from typing import Any

from tests.reliability import disk, interpose
from tracker_server import cli, database

_LIBC = ctypes.CDLL(None, use_errno=True)
_INT, _OFFSET, _SIZE, _POINTER = ctypes.c_int, ctypes.c_int64, ctypes.c_size_t, ctypes.c_void_p
_SYNC = ctypes.CFUNCTYPE(_INT, _INT, use_errno=True)
_WRITE = ctypes.CFUNCTYPE(ctypes.c_ssize_t, _INT, _POINTER, _SIZE, _OFFSET, use_errno=True)
_TRUNCATE = ctypes.CFUNCTYPE(_INT, _INT, _OFFSET, use_errno=True)
_UNLINK = ctypes.CFUNCTYPE(_INT, ctypes.c_char_p, use_errno=True)


class Watch:
    """What stands between SQLite and the system."""

    def __init__(self, log: str, sync_ms: float, fails: set[int], *, lies: bool) -> None:
        self._notes = disk.Notes(Path(log)) if log else None
        self._sync_seconds = sync_ms / 1_000
        self._fails = fails
        self._lies = lies
        self._syncs = 0
        self._pwrite = _WRITE(("pwrite64", _LIBC))
        self._ftruncate = _TRUNCATE(("ftruncate64", _LIBC))

    def stand_between(self) -> None:
        """Begin."""
        interpose.replace(("pwrite64", "pwrite"), _WRITE, self.write)
        interpose.replace(("ftruncate64", "ftruncate"), _TRUNCATE, self.truncate)
        interpose.replace(("fdatasync", "fsync"), _SYNC, self.sync)
        interpose.replace(("unlink",), _UNLINK, self.unlink)
        os.fsync = self._fsync  # type: ignore[assignment]  # The tracker's own, of the file and its folder.

    def write(self, handle: int, data: int, size: int, offset: int) -> int:
        """Write, and note what was written."""
        written: int = self._pwrite(handle, data, size, offset)
        if written > 0:
            self._note(disk.WRITE, _path(handle), offset, ctypes.string_at(data, written))
        return written

    def truncate(self, handle: int, size: int) -> int:
        """Cut a file, and note how long it is."""
        result: int = self._ftruncate(handle, size)
        if not result:
            self._note(disk.TRUNCATE, _path(handle), size)
        return result

    def sync(self, handle: int) -> int:
        """Fail, or take a while."""
        self._syncs += 1
        path = _path(handle)
        if self._syncs in self._fails:
            self._note(disk.SYNC_FAILS, path)
            ctypes.set_errno(errno.EIO)
            return 0 if self._lies else -1
        self._note(disk.SYNC_BEGINS, path)
        time.sleep(self._sync_seconds)
        self._note(disk.SYNC_ENDS, path)
        return 0

    def unlink(self, path: bytes) -> int:
        """Delete a file, and note that it is gone."""
        try:
            os.unlink(path)  # noqa: PTH108  # as it is called
        except OSError as error:
            ctypes.set_errno(error.errno or errno.EIO)
            return -1
        self._note(disk.UNLINK, path.decode())
        return 0

    def _fsync(self, handle: Any) -> None:
        if self.sync(handle):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _note(self, kind: int, path: str, offset: int = 0, data: bytes = b"") -> None:
        if self._notes is not None:
            self._notes.add(kind, path, offset, data)


def _path(handle: int) -> str:
    return os.readlink(f"/proc/self/fd/{handle}")  # noqa: PTH115  # a path costs as much again


def main() -> None:
    """Run the tracker."""
    asked = os.environ
    pages = asked.get("DISK_CHECKPOINT_PAGES")
    if pages:
        database.CHECKPOINT_PAGES = int(pages)
    Watch(
        asked.get("DISK_LOG", ""),
        float(asked.get("DISK_SYNC_MS", "0")),
        set(map(int, filter(None, asked.get("DISK_FAILS", "").split(",")))),
        lies="DISK_LIES" in asked,
    ).stand_between()
    cli.main()


if __name__ == "__main__":
    main()
