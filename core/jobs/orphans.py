"""No worker outlives whom it works for, however that ends."""

from __future__ import annotations

import ctypes
import os
import signal

from docutune.errors import EXIT_FAILURE

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def die_with(parent: int) -> None:
    """Have the kernel kill this process as soon as the one with id `parent`, which started it, is gone.

    It does so while a model is loaded or a long step computed, too, where Python hears no signal. What the kernel looks
    at is the *thread* that started this process: only one that waits for it to the end may start it.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it was gone before the kernel knew
        os._exit(EXIT_FAILURE)
