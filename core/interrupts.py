"""Signals that ask a command to stop: what they become, and the work that a second one must not break off."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from docutune.errors import EXIT_INTERRUPTED

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_heard: list[int] = []
_finishing: list[str] = []
_answers: list[str] = []
_ends: list[Callable[[], str | None]] = []
_live_lines: list[object] = []


def listen() -> None:
    """Let Ctrl-C, a polite kill and a closed terminal raise KeyboardInterrupt, also in a plugin that blocks the loop.

    What this process was told to ignore (by nohup, or as a shell's background job) it goes on ignoring.
    """
    for signum in SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _interrupt)


@contextmanager
def leaving(what: str) -> Iterator[None]:
    """In this block the first signal is answered with these words: nothing is stopped by it."""
    _answers.append(what)
    try:
        yield
    finally:
        _answers.pop()


@contextmanager
def ended_by(end: Callable[[], str | None]) -> Iterator[None]:
    """In this block the first signal calls `end` in place of raising KeyboardInterrupt; a second one raises it.

    `end` sees to it that the work ends soon, and gives what that waits for, which is said to the user; None where there
    is nothing to wait for, and all is as without this block. It is called between any two steps of the main thread.
    """
    _ends.append(end)
    try:
        yield
    finally:
        _ends.pop()


@contextmanager
def finishing(what: str) -> Iterator[None]:
    """Once stopped, this block is not stopped a second time: a worker in it saves, and nothing may be left behind.

    `what` is said to the user: "stopping: {what}". The way out is another process: `docutune stop --now`.
    """
    _finishing.append(what)
    try:
        yield
    finally:
        _finishing.pop()


@contextmanager
def breaking_off() -> Iterator[None]:
    """In this block Ctrl-C raises KeyboardInterrupt, once, and no more: it breaks off a part of the work."""
    before = signal.getsignal(signal.SIGINT)
    heard: list[int] = []

    def once(signum: int, _: object) -> None:
        heard.append(signum)
        if len(heard) == 1:
            raise KeyboardInterrupt

    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def stopped() -> bool:
    """Whether a signal asked this process to stop."""
    return bool(_heard)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Signals of this thread wait until the block, a moment, is over: what somebody just gave is kept first."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def line_begins(line: object) -> None:
    """A line that changes stands last on the terminal: what is said to a signal takes its place."""
    _live_lines.append(line)


def line_ends(line: object) -> None:
    """It is gone."""
    _live_lines.remove(line)


def insisted() -> bool:
    """Whether there was a second signal: whoever gave it waits for nothing."""
    return len(_heard) > 1


def exit_code() -> int:
    """As a shell tells it of a process that the first signal ended: 130, 143 or 129."""
    return 128 + _heard[0] if _heard else EXIT_INTERRUPTED


def _interrupt(signum: int, _: object) -> None:
    first = not _heard
    _heard.append(signum)
    what = _finishing[-1] if _finishing else ""
    if not first and what:
        _say(f"still {what}; docutune stop --now ends it at once")
        return
    awaited = _ends[-1]() if first and _ends else None
    what = awaited or what
    if first:
        _say(_answers[-1] if _answers else f"stopping: {what}..." if what else "stopping...")
    if awaited is None:
        raise KeyboardInterrupt


def _say(text: str) -> None:
    """Tell at once that the signal was heard: the work under way may take seconds to stop.

    Written past Python's streams, which a signal may find in the middle of a write, and below a terminal's "^C".
    """
    before = "" if not os.isatty(2) else "\r\x1b[2K" if _live_lines else "\n"  # \x1b[2K erases the line, "^C" and all
    line = f"{before}{text}\n"
    with contextlib.suppress(OSError):  # nobody reads: stop all the same
        os.write(2, line.encode())
