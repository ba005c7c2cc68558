"""Who runs when: several processes test side by side, and a test that measures runs alone.

Most of a browser test is waiting, so `make e2e` runs more of them at once than there are cores.
What compares moments with a bound has the marker `alone`, and runs while no other does.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Wait until it is our turn, and keep it.

    Args:
        folder: one that all processes of the run share.
        alone: whether nobody else may have a turn meanwhile.
    """
    # Whoever wants to be alone keeps the gate closed, else others would always be before it.
    how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    with _locked(folder / "gate", fcntl.LOCK_EX) as gate, _locked(folder / "turn", how):
        if not alone:
            fcntl.flock(gate, fcntl.LOCK_UN)
        yield


@contextmanager
def _locked(file: Path, how: int) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, how)
        yield descriptor
    finally:
        os.close(descriptor)
