"""How the script of a promise says what it found: what was reached, then PASS or FAIL."""

import sys
from typing import NoReturn


def conclude(promise: str, reached: object, *, passed: bool, seed: int | None = None) -> NoReturn:
    """Print what was reached and end the process: 0 if the promise was kept, else 1.

    `python -m tests.reliability` reads these two lines.

    Args:
        promise: its number, ``P1``.
        reached: the numbers of the run, in one line.
        passed: whether it was kept.
        seed: of all that was random; ``None`` where nothing is.
    """
    source = "" if seed is None else f" seed {seed}"
    print(f"{promise}{source}: {reached}")
    print("PASS" if passed else "FAIL")
    sys.exit(not passed)
