"""A terminal that is drawn on and given back as it was, however that ends."""

import os
import select
import shutil
import signal
import termios
import time
import tty
from types import FrameType, TracebackType
from typing import Any, Self, TextIO

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
"""The other screen, without a cursor, and what is too long for a line is cut off."""
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_CLEAR_LINE = "\x1b[K"
_ENDS = frozenset(b"qQ\x03\x04")
"""Keys that end it: q, Ctrl+C and Ctrl+D."""


class Screen:
    """Use it in a ``with``; keys come at once and are not shown meanwhile."""

    def __init__(self, keys: TextIO, out: TextIO) -> None:
        """`keys` and `out` are of one terminal; `keys` may also be something that is none."""
        self._keys = keys
        self._out = out
        self._before: list[Any] | None = None
        self._terminate: object = None

    def __enter__(self) -> Self:
        if self._keys.isatty():
            self._before = termios.tcgetattr(self._keys)
            tty.setcbreak(self._keys)
            self._take_ctrl_c()
        # A terminal must be given back even by who is told to end.
        self._terminate = signal.signal(signal.SIGTERM, _end)
        self._write(_ENTER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write(_LEAVE)
        if self._before is not None:
            termios.tcsetattr(self._keys, termios.TCSADRAIN, self._before)
        signal.signal(signal.SIGTERM, self._terminate)  # type: ignore[arg-type]  # what it returned

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now."""
        try:
            # The environment may still say what they were when the shell was started.
            size = os.get_terminal_size(self._out.fileno())
        except OSError:
            size = shutil.get_terminal_size()
        return size.columns, size.lines

    def draw(self, text: str) -> None:
        """Show a text in the place of the one before, without a flicker."""
        # A line is cleared before it is written: behind its last column that would take a letter.
        lines = [_CLEAR_LINE + line for line in text.split("\n")]
        self._write(_HOME + "\r\n".join(lines))

    def ends_within(self, seconds: float) -> bool:
        """Wait, and tell whether a key that ends it was pressed, or the keyboard is gone."""
        if self._before is None:
            time.sleep(seconds)
            return False
        ready, _, _ = select.select([self._keys], [], [], seconds)
        # Past the buffer: what it has read ahead, `select` does not know of.
        keys = os.read(self._keys.fileno(), 1_024) if ready else b" "
        return not keys or not _ENDS.isdisjoint(keys)

    def _take_ctrl_c(self) -> None:
        """Have Ctrl+C come as a key. As a signal it is lost where Python ignores exceptions.

        In a finalizer, for instance, of which a read from the database has many.
        """
        keys = self._keys.fileno()
        mode = termios.tcgetattr(keys)
        mode[6][termios.VINTR] = bytes([os.fpathconf(keys, "PC_VDISABLE")])
        termios.tcsetattr(keys, termios.TCSANOW, mode)

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + signal.SIGTERM)
