"""Folders that a living process holds: the lock file in them is the kernel's to free, so a reused process id says
nothing.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docutune.atomic import writing

LOCK = "lock"
FRESH_SECONDS = 60.0
"""What is younger may be something that a process is just about to lock or to give its name."""


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold `folder` until the block ends or the process dies. The lock file appears locked, never before."""
    new = folder / f".{LOCK}.{uuid.uuid4().hex[:8]}.tmp"
    with writing(new):
        descriptor = os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with writing(new):
            new.replace(folder / LOCK)
        yield
    finally:
        os.close(descriptor)


def held(folder: Path) -> bool:
    """Whether a living process holds `folder`, or may be about to."""
    try:
        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return fresh(folder)
    return False


def fresh(path: Path) -> bool:
    """Whether a file or folder was changed a moment ago, or has just gone: somebody is at work with it."""
    try:
        return time.time() - path.lstat().st_mtime < FRESH_SECONDS
    except FileNotFoundError:
        return True
