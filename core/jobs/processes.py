"""Starting and stopping worker processes, and saying why one ended without a word."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from docutune import atomic
from docutune.errors import JobError
from docutune.records import JsonValue

EVENTS = "events.jsonl"
LOG = "log.txt"
SPEC = "spec.json"

STOP_GRACE = 20.0
"""Seconds that a worker has between SIGTERM and SIGKILL: one training step of a large model fits."""

_SETTINGS = {
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "WANDB_MODE": "disabled",
}


@dataclass(frozen=True, slots=True)
class Worker:
    """A child process and its job folder, where its spec, events and log stand.

    `words` is memory, for a last word that the disk does not take.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    words: BinaryIO


def start(action: str, spec: Mapping[str, JsonValue], folder: Path) -> Worker:
    """Start `python -m docutune.worker` in a session of its own, so that Ctrl-C reaches it through us alone.

    What an earlier job left in `folder` under the same names is replaced. Nothing is piped: output goes to the log.
    """
    request = {"action": action, "spec": dict(spec), "parent": os.getpid()}
    atomic.write_text(folder / SPEC, json.dumps(request, ensure_ascii=False))
    atomic.write_bytes(folder / EVENTS, b"")
    with atomic.writing(folder / LOG):
        log = (folder / LOG).open("wb")
    words = os.fdopen(os.memfd_create("docutune-last-word"), "rb")
    with log:
        process = subprocess.Popen(
            [sys.executable, "-m", "docutune.worker", str(folder / SPEC), str(words.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
            pass_fds=(words.fileno(),),
        )
    return Worker(process, folder, words)


def stop(worker: Worker, grace: float = STOP_GRACE) -> None:
    """Ask the worker to stop; after `grace` seconds kill it with every process it started."""
    if worker.process.poll() is not None:
        return
    worker.process.terminate()
    try:
        worker.process.wait(grace)
    except subprocess.TimeoutExpired:
        kill(worker)


def kill(worker: Worker) -> None:
    """End the worker and its children at once."""
    if worker.process.poll() is None:
        os.killpg(worker.process.pid, signal.SIGKILL)
    worker.process.wait()


class EventReader:
    """Reads a growing events.jsonl: each call yields the events that became complete since the last one."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS
        self._position = 0

    def __call__(self) -> Iterator[dict[str, JsonValue]]:
        """The new events, in their order; a line still being written waits for the next call."""
        with self._path.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._position += len(line)
                yield json.loads(line)


def failure(worker: Worker, wait: float = 5.0) -> JobError:
    """Why the worker ended: its own last word, or else its exit code or signal and the last lines of its log."""
    for event in (*EventReader(worker.folder)(), *_unwritten(worker)):
        if event["event"] == "failed":
            return reported(event)
    try:
        code: int | None = worker.process.wait(wait)
    except subprocess.TimeoutExpired:
        code = None
    return _silent_death(code, worker.folder / LOG)


def reported(event: Mapping[str, JsonValue]) -> JobError:
    """The error that a worker's "failed" event tells of."""
    hint = event.get("hint")
    return JobError(str(event["message"]), str(hint) if hint else None)


def timestamp() -> float:
    """Now, in seconds since 1970 to the millisecond: the "time" of every event."""
    return round(time.time(), 3)


def _unwritten(worker: Worker) -> Iterator[dict[str, JsonValue]]:
    if not worker.words.closed:
        worker.words.seek(0)
        yield from map(json.loads, worker.words)


def _silent_death(code: int | None, log: Path) -> JobError:
    if code is None:
        ending = "stopped answering"
    elif code >= 0:
        ending = f"ended with exit code {code} and no result"
    else:
        ending = f"was killed by {signal.Signals(-code).name}"
    cause = "often the system was short of memory: lower the batch size or max_length. " if code == -9 else ""
    lines = log.read_text("utf-8", "replace").splitlines()[-5:] if log.exists() else []
    last = "\n    ".join(["Last lines:", *lines]) if lines else "The log is empty."
    return JobError(f"the worker process {ending}", f"{cause}Log: {log}. {last}")


def _environment() -> dict[str, str]:
    """Quiet libraries, no telemetry; one GPU, for with several visible the libraries would split a batch over all.

    Threads that wait sleep instead of spinning: beside another busy process spinning made a step many times as slow.
    """
    return {"CUDA_VISIBLE_DEVICES": "0", "OMP_WAIT_POLICY": "PASSIVE"} | dict(os.environ) | _SETTINGS
