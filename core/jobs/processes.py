"""Starting and stopping worker processes, and saying why one ended without a word."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from docutune import atomic
from docutune.errors import DiskError, DocutuneError, JobError
from docutune.records import JsonValue

EVENTS = "events.jsonl"
LOG = "log.txt"
SPEC = "spec.json"

UNHEARD_GRACE = 20.0
"""Seconds until a worker that was asked to stop is killed when it gives no sign of having heard it."""

HEARD_GRACE = 300.0
"""Seconds from each sign of life of one that has heard it: a long step and the checkpoint of a large model fit."""

POLL_SECONDS = 0.05

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


def start(
    action: str,
    spec: Mapping[str, JsonValue],
    folder: Path,
    own_session: bool = True,
    python: Path | None = None,
    hands: tuple[int, ...] = (),
) -> Worker:
    """Start `python -m docutune.worker` in a session of its own, so that Ctrl-C reaches it through us alone.

    Without `own_session` it stays in ours and ends with our group; `python`: the interpreter of another environment;
    `hands`: file descriptors that it keeps under their numbers.
    What an earlier job left in `folder` under the same names is replaced. Nothing is piped: output goes to the log.
    """
    request = {"action": action, "spec": dict(spec), "parent": os.getpid(), "bound": _bound(action)}
    atomic.write_text(folder / SPEC, json.dumps(request, ensure_ascii=False))
    atomic.write_bytes(folder / EVENTS, b"")
    with atomic.writing(folder / LOG):
        log = (folder / LOG).open("wb")
    words = os.fdopen(os.memfd_create("docutune-last-word"), "rb")
    with log:
        process = subprocess.Popen(
            # -P: no module of the folder that the command was given in takes the place of a library
            [python or sys.executable, "-P", "-m", "docutune.worker", str(folder / SPEC), str(words.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(spec),
            start_new_session=own_session,
            pass_fds=(words.fileno(), *hands),
        )
    return Worker(process, folder, words)


def _bound(action: str) -> bool:
    """Whether the thread that starts it waits for its end, so that the kernel may end it with that thread."""
    return action != "serve" or threading.current_thread() is threading.main_thread()


def stop(worker: Worker) -> None:
    """Ask the worker to stop, and let it finish while it shows life; then kill what is left of it and its processes."""
    news = EventReader(worker.folder)
    list(news())  # only what it says from now on is a sign that it has heard
    if not ended(worker):
        os.kill(worker.process.pid, signal.SIGTERM)
    until = time.monotonic() + UNHEARD_GRACE
    while not ended(worker) and time.monotonic() < until:
        if list(news()):
            until = time.monotonic() + HEARD_GRACE
        time.sleep(POLL_SECONDS)
    kill(worker)


def kill(worker: Worker) -> None:
    """End the worker, if it has not ended, and all processes that it has left in its group."""
    if worker.process.returncode is None:  # not waited for, so nobody else can have its id
        for end in (os.killpg, os.kill):
            with suppress(ProcessLookupError):
                end(worker.process.pid, signal.SIGKILL)
    worker.process.wait()


def ended(worker: Worker, wait: float = 0.0) -> bool:
    """Whether the worker has ended, within `wait` seconds. Its id stays its own, so that `kill` knows its group."""
    until = time.monotonic() + wait
    while not _has_ended(worker):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _has_ended(worker: Worker) -> bool:
    try:
        found = os.waitid(os.P_PID, worker.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:  # it was waited for
        return True
    return found is not None


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


def failure(worker: Worker, wait: float = 5.0) -> DocutuneError:
    """Why the worker ended: its own last word, or else its exit code or signal and the last lines of its log."""
    for event in (*EventReader(worker.folder)(), *_unwritten(worker)):
        if event["event"] == "failed":
            return reported(event, worker.folder / LOG)
    code = None
    if ended(worker, wait):
        kill(worker)
        code = worker.process.returncode
    return _silent_death(code, worker.folder / LOG)


def reported(event: Mapping[str, JsonValue], log: Path) -> DocutuneError:
    """The error that a worker's "failed" event tells of: a JobError, or a DiskError as the disk refused something."""
    message, hint = str(event["message"]), str(event["hint"]) if event.get("hint") else None
    return DiskError(message, hint) if event.get("disk") else JobError(message, hint, log)


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
    return JobError(f"the worker process {ending}", f"{cause}Log: {log}. {last}", log)


def _environment(spec: Mapping[str, JsonValue]) -> dict[str, str]:
    """Quiet libraries, no telemetry; one GPU unless `devices` says more, for libraries split a batch over all they see.

    Threads that wait sleep instead of spinning: beside another busy process spinning made a step many times as slow.
    """
    config = spec.get("config")
    several = isinstance(config, dict) and config.get("devices", 1) != 1
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").partition(",")[0]
    gpus = {} if several else {"CUDA_VISIBLE_DEVICES": visible}
    return {"OMP_WAIT_POLICY": "PASSIVE"} | dict(os.environ) | _SETTINGS | gpus
