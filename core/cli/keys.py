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

import click

_REST_SECONDS = 0.05
_HEARD_SECONDS = 0.2
_LINE = 4096  # what a terminal gives as one line at most
_ESCAPE = b"\x1b"
_END = b"\x04"  # Ctrl-D


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
            click.echo(prompt, nl=False)
            return _read(_LINE).decode("utf-8", "replace").strip()
        finally:
            tty.setcbreak(0, termios.TCSADRAIN)

    def _key(self) -> tuple[str, str] | None:
        pressed = _read(1)
        if pressed in (b"", _END):
            return None
        if pressed == _ESCAPE:
            _pass_over()
            return "", ""
        return pressed.decode("ascii", "replace"), ""


def _pass_over() -> None:
    """Arrows and their like come as several bytes (ECMA-48, 5.4): nothing that was meant, and no letter of ours."""
    if _ready() and os.read(0, 1) in (b"[", b"O"):
        while _ready() and not b"@" <= os.read(0, 1) <= b"~":
            pass


def _read(most: int) -> bytes:
    """What is typed. Ctrl-C is heard at once, also where it comes just before the system is asked to wait."""
    while not _ready(_HEARD_SECONDS):
        pass
    return os.read(0, most)


def _ready(seconds: float = _REST_SECONDS) -> bool:
    return bool(select.select([0], [], [], seconds)[0])
