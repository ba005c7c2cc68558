"""How the script of a promise is asked, and how it says what it found: numbers, PASS or FAIL."""

import argparse
import random
import sys
from typing import NoReturn


def arguments(about: str | None, control: str = "", **numbers: float) -> argparse.ArgumentParser:
    """Return what reads the command line of a script.

    Args:
        about: its docstring.
        control: what ``--control`` does, if there is one.
        numbers: options and what they are by default; ``seed=True`` for a random one.
    """
    parser = argparse.ArgumentParser(description=about)
    for name, default in numbers.items():
        chosen = random.randrange(1 << 32) if default is True else default
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(chosen), default=chosen)
    if control:
        parser.add_argument("--control", action="store_true", help=control)
    return parser


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
