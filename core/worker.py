"""A worker process: `python -m docutune.worker SPEC` does one job and tells of it in events.jsonl beside SPEC."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from docutune.contracts import Runtime, Trainer
from docutune.errors import EXIT_FAILURE, EXIT_INTERRUPTED, Cancelled, DocutuneError
from docutune.jobs.processes import EVENTS, LOG, timestamp
from docutune.records import RECORDS_VERSION, ModelRef, from_json, to_json


class Job:
    """What a job sees of the outside: implements contracts.Context over events.jsonl and SIGTERM.

    A job also ends when the process that started it is gone: nobody would take its result.
    """

    def __init__(self, job_folder: Path, folder: Path, seed: int, parent: int) -> None:
        self.seed = seed
        self.folder = folder
        self.figures: dict[str, float] = {}
        self._events = job_folder / EVENTS
        self._parent = parent
        self._cancelled = False
        signal.signal(signal.SIGTERM, self._cancel)

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        """Report progress; the last value of each figure becomes part of the result. Raises Cancelled when stopped."""
        self.figures.update(figures)
        self.tell("progress", done=done, total=total, **figures)
        if self._cancelled or os.getppid() != self._parent:
            raise Cancelled

    def tell(self, event: str, **fields: Any) -> None:
        """Append one event; a single write, so that a reader never sees two halves swapped."""
        line = json.dumps({"event": event, "time": timestamp(), **fields}, ensure_ascii=False)
        with self._events.open("ab", buffering=0) as file:
            file.write(line.encode() + b"\n")

    def _cancel(self, *_: object) -> None:
        self._cancelled = True


def main(spec_path: Path) -> int:
    """Do the job that the spec file describes; returns the process's exit code."""
    request = json.loads(spec_path.read_text("utf-8"))
    spec = request["spec"]
    folder, seed = Path(spec.get("folder", spec_path.parent)), int(spec.get("seed", 0))
    job = Job(spec_path.parent, folder, seed, request["parent"])
    job.tell("hello", docutune=version("docutune"), records=RECORDS_VERSION, pid=os.getpid())
    try:
        job.tell("result", result=_ACTIONS[request["action"]](spec, job))
    except Cancelled:
        job.tell("cancelled")
        return EXIT_INTERRUPTED
    except DocutuneError as error:
        job.tell("failed", message=error.message, hint=error.hint)
        return EXIT_FAILURE
    except Exception as error:
        traceback.print_exc()
        summary = f"{type(error).__name__}: {error}".splitlines()[0]
        full = "free space on the disk and give the same command again; " if _disk_full(error) else ""
        job.tell("failed", message=summary, hint=f"{full}the traceback is in {spec_path.parent / LOG}")
        return EXIT_FAILURE
    return 0


def _disk_full(error: Exception) -> bool:
    """Libraries in other languages put the cause into words."""
    return "No space left on device" in str(error)


def _pretrain(spec: Mapping[str, Any], job: Job) -> dict[str, Any]:
    from docutune.hf.tiny import make

    started = time.monotonic()
    job.folder.mkdir(parents=True, exist_ok=True)
    model = make(Path(spec["texts"]), job)
    return {"folder": str(model.folder), "digest": model.digest, "figures": _figures(job, started)}


def _train(spec: Mapping[str, Any], job: Job) -> dict[str, Any]:
    started = time.monotonic()
    job.folder.mkdir(parents=True, exist_ok=True)
    trainer = cast(Trainer, _plugin("trainer", spec["trainer"], spec["config"]))
    validation = Path(spec["validation"]) if spec.get("validation") else None
    model = trainer.train(Path(spec["train"]), validation, from_json(ModelRef, spec["base"]), job)
    return {"model": to_json(model), "figures": _figures(job, started)}


def _serve(spec: Mapping[str, Any], job: Job) -> dict[str, Any]:
    from docutune.jobs.serving import Connection

    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing to finish
    connection = Connection(spec["socket"])
    runtime = cast(Runtime, _plugin("runtime", spec["runtime"], spec["config"]))
    session = runtime.open(from_json(ModelRef, spec["model"]))
    job.tell("ready")
    connection.serve(session)
    session.close()
    return {}


_ACTIONS: Mapping[str, Callable[[Mapping[str, Any], Job], dict[str, Any]]] = {
    "pretrain": _pretrain,
    "train": _train,
    "serve": _serve,
}


def _plugin(kind: str, name: str, config: Mapping[str, Any]) -> object:
    from docutune.registry import Registry

    registry = Registry.load()
    entry = registry.get(kind, name)
    return registry.create(entry, entry.registration.config.model_validate(config))


def _figures(job: Job, started: float) -> dict[str, float]:
    return {**job.figures, "seconds": round(time.monotonic() - started, 3)}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
