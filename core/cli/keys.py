"""Single keys from a terminal, or a word a line from anything else."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_REST_SECONDS = 0.05
_ESCAPE = b"\x1b"


class Keys:
    """What the user presses. Use `reading()`; in it nothing that is typed ahead is lost."""

    def __init__(self) -> None:
        self.single = sys.stdin is not None and sys.stdin.isatty()
        self._before: Any = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The terminal gives each key at once and does not show it; as before when the block ends, however it does."""
        if not self.single:
            yield
            return
        self._before = termios.tcgetattr(0)
        try:
            tty.setcbreak(0, termios.TCSADRAIN)
            yield
        finally:
            termios.tcsetattr(0, termios.TCSADRAIN, self._before)

    def next(self) -> tuple[str, str] | None:
        """A key, and the rest of the line where a line was read; None at the end of the input."""
        if self.single:
            return self._key()
        for line in sys.stdin or ():
            if line.strip():
                word, _, rest = line.strip().partition(" ")
                return word, rest.strip()
        return None

    def text(self, prompt: str) -> str:
        """A line that the user types, on a terminal."""
        assert self._before is not None, "only within reading()"
        termios.tcsetattr(0, termios.TCSADRAIN, self._before)
        try:
            return input(prompt).strip()
        except EOFError:
            return ""
        finally:
            tty.setcbreak(0, termios.TCSADRAIN)

    def _key(self) -> tuple[str, str] | None:
        """A byte; arrows and their like come as several, and are nothing that was meant."""
        pressed = os.read(0, 1)
        if pressed in (b"", b"\x04"):
            return None
        if pressed == _ESCAPE:
            while select.select([0], [], [], _REST_SECONDS)[0]:
                os.read(0, 1)
            return "", ""
        return pressed.decode("ascii", "replace"), ""
