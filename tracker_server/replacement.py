"""Puts one database of SQLite in the place of another, which is kept beside it.

Whatever ends the process in between, the name has one of the two, whole. A log of the former
one would spoil the new one, so it goes first, and that it went is on the disk before the new
one comes.
"""

import os
import sqlite3
import stat
from contextlib import suppress
from itertools import chain, count
from pathlib import Path

from tracker_server import sqlite_file

LOGS = ("-wal", "-journal")
"""What SQLite may have left beside a file, and cannot do without."""


def put_in_place(file: Path, new: Path) -> Path | None:
    """Let a complete database take the place of a file that nobody writes.

    Args:
        file: the place; no link.
        new: in the same folder. It gets the owner and the permissions of the former one.

    Returns:
        The former database, ``<file>.before-restore`` with a number behind it when that is taken;
        ``None`` where there was none.

    Raises:
        OSError: what was there is still in its place.
    """
    former = _free_name(file)
    _put_logs_aside(file, former)
    existed = file.exists()
    if existed:
        _take_owner(new, file)
    sqlite_file.flush(new)
    if existed:
        sqlite_file.give_name(file, former)
    new.replace(file)
    sqlite_file.flush(file)
    return former if existed else None


def _free_name(file: Path) -> Path:
    numbers = (f"-{number}" for number in count(2))
    for number in chain([""], numbers):
        name = file.with_name(f"{file.name}.before-restore{number}")
        if not any(os.path.lexists(f"{name}{end}") for end in ("", *LOGS)):
            return name
    raise AssertionError  # There are enough numbers.


def _put_logs_aside(file: Path, former: Path) -> None:
    if any(Path(f"{file}{end}").exists() for end in LOGS) and file.exists():
        with suppress(sqlite3.Error):  # It is damaged, maybe the reason for all this.
            sqlite_file.fold_log(file)
    for end in LOGS:
        with suppress(FileNotFoundError):
            Path(f"{file}{end}").replace(f"{former}{end}")
    Path(f"{file}-shm").unlink(missing_ok=True)  # SQLite makes it anew from the log.


def _take_owner(new: Path, file: Path) -> None:
    state = file.stat()
    os.chown(new, state.st_uid, state.st_gid)
    new.chmod(stat.S_IMODE(state.st_mode))
