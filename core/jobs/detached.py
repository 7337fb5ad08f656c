"""A run in a process of its own session: it outlives the terminal, and the process, that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from docutune import atomic
from docutune.errors import EXIT_FAILURE, Cancelled, JobError
from docutune.workspace import Store

TERMINAL = "terminal.txt"
"""What a detached run prints, in its folder."""

_POLL_SECONDS = 0.05
_STOP_SECONDS = 10.0
_OF_A_TERMINAL = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")  # rich would draw bars into the file


def start(store: Store, command: str, arguments: Sequence[str]) -> Path:
    """Start `docutune run` or `docutune eval` with these arguments, and return its run's folder as soon as that stands.

    JobError with its own last words, and its exit code, when it ended before.
    """
    store.create()
    output = store.folder / "runs" / f".detached.{uuid.uuid4().hex[:8]}.tmp"
    with atomic.writing(output):
        atomic.make_folder(output.parent)
        file = output.open("w+b")
    with file:
        process = subprocess.Popen(
            [sys.executable, "-u", "-P", "-m", "docutune.cli", command, f"--terminal={output}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if name not in _OF_A_TERMINAL},
            start_new_session=True,
        )
        threading.Thread(target=process.wait, name="docutune-detached", daemon=True).start()  # no zombie of a server
        try:
            return _awaited(store, process, file)
        except JobError:
            output.unlink(missing_ok=True)
            raise
        except KeyboardInterrupt:
            _end(process)
            raise Cancelled("the run had not begun, and will not") from None


def _awaited(store: Store, process: subprocess.Popen[bytes], file: BinaryIO) -> Path:
    while True:
        code = process.poll()
        if run := _run_with(store, file):
            return run
        if code is not None:
            raise _failure(code, file)
        time.sleep(_POLL_SECONDS)


def _run_with(store: Store, file: BinaryIO) -> Path | None:
    """The run into whose folder the file has moved."""
    for run in reversed(store.runs()):
        with suppress(FileNotFoundError):
            if os.path.samestat((run / TERMINAL).stat(), os.fstat(file.fileno())):
                return run
    return None


def _failure(code: int, file: BinaryIO) -> JobError:
    """Its own error line as ours, with its exit code; wherever the file is by now."""
    file.seek(0)
    said = file.read().decode("utf-8", "replace").strip()
    if code < 0:
        said = f"{said}\n" if said else ""
        return JobError(f"{said}the run was killed by {signal.Signals(-code).name} before it began")
    message, _, hint = said.removeprefix("error: ").partition("\n  ")
    error = JobError(message or f"the run ended with exit code {code} before it began", hint or None)
    error.exit_code = code or EXIT_FAILURE
    return error


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
