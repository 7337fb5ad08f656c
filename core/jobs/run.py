"""Long work in child processes: a spec as a JSON file in, events out; cancelling ends the process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from docutune.errors import Cancelled
from docutune.interrupts import finishing
from docutune.jobs.interpreter import refuse_another
from docutune.jobs.processes import (
    LOG,
    POLL_SECONDS,
    EventReader,
    Worker,
    ended,
    failure,
    kill,
    reported,
    start,
    stop,
)
from docutune.records import JsonValue

_EXIT_GRACE = 30.0  # seconds to unload libraries after the last word


_FINISHING = {"train": "saving what is trained"}


def run_job(
    action: str,
    spec: Mapping[str, JsonValue],
    folder: Path,
    on_event: Callable[[Mapping[str, JsonValue]], None],
    python: Path | None = None,
    plugin: Mapping[str, JsonValue] | None = None,
    abandoned: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Run one action ("pretrain" or "train") in a worker and return its result.

    Writes spec.json, events.jsonl and log.txt in `folder`. `on_event` hears every event: "hello", then "progress" with
    "time", "done", "total" and figures, then "result". Raises JobError with the worker's message and hint when it
    failed, and Cancelled when it was stopped. An interrupt, or an error in `on_event`, stops the worker first; a second
    interrupt breaks nothing off. `python` is the interpreter of another environment, and `plugin` what must be there.
    `abandoned` is how another thread has it stopped.
    """
    with finishing(_FINISHING.get(action, "ending the worker")):
        worker = start(action, spec, folder, python=python)
        try:
            for event in _follow(worker, abandoned):
                refuse_another(event, python, plugin)
                on_event(event)
                if event["event"] == "result":
                    return _result(event)
                if event["event"] == "failed":
                    raise reported(event, worker.folder / LOG)
                if event["event"] == "cancelled":
                    raise Cancelled
            raise failure(worker)
        except KeyboardInterrupt:
            raise Cancelled from None
        finally:
            _settle(worker)
            worker.words.close()


def _follow(worker: Worker, abandoned: Callable[[], bool]) -> Iterator[dict[str, JsonValue]]:
    """The worker's events as they come, until it ended and the last one was read; Cancelled when it is given up."""
    read = EventReader(worker.folder)
    while True:
        if abandoned():
            raise Cancelled
        last = ended(worker)
        yield from read()
        if last:
            return
        time.sleep(POLL_SECONDS)


def _result(event: Mapping[str, JsonValue]) -> dict[str, Any]:
    result = event["result"]
    if not isinstance(result, dict):
        raise TypeError(f"a worker's result is an object, not {type(result).__name__}")
    return result


def _settle(worker: Worker) -> None:
    """Leave no process behind: one that said its last word may end by itself, any other is stopped."""
    said = {event["event"] for event in EventReader(worker.folder)()}
    if said.isdisjoint({"result", "failed", "cancelled"}):
        stop(worker)
    else:
        ended(worker, _EXIT_GRACE)
        kill(worker)
