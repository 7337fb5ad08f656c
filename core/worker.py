"""A worker process: `python -m docutune.worker SPEC` does one job and tells of it in events.jsonl beside SPEC."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from docutune.atomic import BLOCK, append, disk_error, refused
from docutune.contracts import Chat, Context, Exporter, Runtime, Trainer
from docutune.errors import EXIT_FAILURE, EXIT_INTERRUPTED, Cancelled, DiskError, DocutuneError, PluginError
from docutune.guard import a, cause, mistake
from docutune.jobs.orphans import die_with
from docutune.jobs.processes import EVENTS, LOG, timestamp
from docutune.jobs.ranks import Rank, crew, heed_rank_0_alone
from docutune.models import is_whole
from docutune.records import RECORDS_VERSION, ModelRef, from_json, to_json


class Job:
    """What a job sees of the outside: implements contracts.Context over events.jsonl and SIGTERM.

    A job also ends when the process that started it is gone: nobody would take its result. See jobs.orphans.
    """

    def __init__(
        self, job_folder: Path, folder: Path, kept: Path, seed: int, parent: int, words: int | None = None
    ) -> None:
        self.seed = seed
        self.folder = folder
        self.kept = kept
        self.figures: dict[str, float] = {}
        self._events = job_folder / EVENTS
        self.job_folder = job_folder
        self._parent = parent
        self._words = words
        self._cancelled = False
        self._begun = False
        self.plugin: str | None = None
        signal.signal(signal.SIGTERM, self._cancel)

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        """Report progress; the last value of each figure becomes part of the result. Raises Cancelled when stopped."""
        self._begun = True
        again = {"again": True} if figures.pop("again", False) else {}
        self.figures.update(figures)
        self.tell("progress", done=done, total=total, **again, **figures)
        if self._cancelled or os.getppid() != self._parent:
            raise Cancelled

    def note(self, text: str) -> None:
        """Have the parent tell the user."""
        self.tell("note", text=text)

    @property
    def chat(self) -> Chat:
        """No job is lent a chat model."""
        raise PluginError("a plugin asked for a chat model in a worker process", "only generators are lent one")

    def tell(self, event: str, **fields: Any) -> None:
        """Append one event, whole or not at all."""
        append(self._events, _line(event, fields))

    def say_last(self, event: str, **fields: Any) -> None:
        """As `tell`, and into memory where the disk takes no event: the parent must hear why the job ended."""
        try:
            self.tell(event, **fields)
        except DocutuneError:
            if self._words is None:
                raise
            os.write(self._words, _line(event, fields))

    def lost(self, device: int, reason: DocutuneError) -> None:
        """Tell why the job ends, as one of its processes died."""
        disk = isinstance(reason, DiskError)
        self.say_last("failed", message=f"on device {device}: {reason.message}", hint=reason.hint, disk=disk)

    def _cancel(self, *_: object) -> None:
        """Heard between any two of Python's steps. What has shown no progress yet is broken off: nothing is lost.

        What has ends at its next sign of life; "stopping" says that it will.
        """
        first, self._cancelled = not self._cancelled, True
        if first:
            with contextlib.suppress(DocutuneError):  # a full disk: then the owner waits less long
                self.tell("stopping")
            if not self._begun:
                raise Cancelled


def main(spec_path: Path, words: int | None = None) -> int:
    """Do the job that the spec file describes; returns the process's exit code. `words`: where `say_last` turns to."""
    request = json.loads(spec_path.read_text("utf-8"))
    spec = request["spec"]
    folder, seed = Path(spec.get("folder", spec_path.parent)), int(spec.get("seed", 0))
    kept = Path(spec.get("kept", folder))
    job = Job(spec_path.parent, folder, kept, seed, request["parent"], words)
    if request["bound"]:  # else it may outlive the thread that started it; its socket tells of its owner's end
        die_with(request["parent"])
    if Rank.of(spec):
        heed_rank_0_alone()
    try:
        versions = {"docutune": version("docutune"), "records": RECORDS_VERSION, "python": sys.executable}
        job.tell("hello", **versions, pid=os.getpid())
        job.tell("result", result=_ACTIONS[request["action"]](spec, job))
    except Cancelled:
        job.say_last("cancelled")
        return EXIT_INTERRUPTED
    except DocutuneError as error:
        job.say_last("failed", message=error.message, hint=error.hint, disk=isinstance(error, DiskError))
        return EXIT_FAILURE
    except (Exception, SystemExit) as error:
        job.say_last("failed", **_explained(error, job.plugin, folder, spec_path.parent / LOG))
        return EXIT_FAILURE
    return 0


def _explained(error: Exception | SystemExit, plugin: str | None, folder: Path, log: Path) -> dict[str, Any]:
    """Message and hint: what the disk refused to a library, or whose bug it is and where its traceback is."""
    with contextlib.suppress(OSError):  # the log stands on a disk that may be full
        traceback.print_exc()
    if isinstance(error, Exception) and (no_room := disk_error(error)):
        told = refused(Path(no_room.filename or folder), BLOCK, no_room)
        return {"message": told.message, "hint": told.hint, "disk": True}
    return {
        "message": f"{plugin} failed: {cause(error)}" if plugin else cause(error),
        "hint": f"the traceback is in {log}",
    }


def _line(event: str, fields: Mapping[str, Any]) -> bytes:
    return json.dumps({"event": event, "time": timestamp(), **fields}, ensure_ascii=False).encode() + b"\n"


def _pretrain(spec: Mapping[str, Any], job: Job) -> dict[str, Any]:
    with _loading():
        from docutune.hf.tiny import make

    started = time.monotonic()
    job.folder.mkdir(parents=True, exist_ok=True)
    model = make(Path(spec["texts"]), job)
    return {"folder": str(model.folder), "digest": model.digest, "figures": _figures(job, started)}


def _train(spec: Mapping[str, Any], job: Job) -> dict[str, Any]:
    started = time.monotonic()
    job.folder.mkdir(parents=True, exist_ok=True)
    job.kept.mkdir(parents=True, exist_ok=True)
    validation = Path(spec["validation"]) if spec.get("validation") else None
    with _devices(spec, job) as first:
        trainer = cast(Trainer, _plugin("trainer", spec["trainer"], spec["config"], job))
        if first and "transformers" in sys.modules:  # what takes seconds to load is loaded: the rest is quick
            _tell_measure(spec, job)
        model = trainer.train(Path(spec["train"]), validation, from_json(ModelRef, spec["base"]), job)
    if not first:
        return {}
    mistake = _mistake(model, job.folder)
    if mistake:
        advice = f"update the package of the trainer {spec['trainer']!r}, or tell its authors"
        raise DocutuneError(f"the trainer {spec['trainer']!r} {mistake}", advice)
    return {"model": to_json(model), "figures": _figures(job, started)}


def _tell_measure(spec: Mapping[str, Any], job: Job) -> None:
    """Tell what the training will see of its samples. A base that cannot do that is for the trainer to complain of."""
    splits = {split: spec[split] for split in ("train", "validation") if spec.get(split)}
    try:
        measured = _measure({"base": spec["base"]["folder"], "files": splits, "config": spec["config"]}, job)
    except Cancelled:
        raise
    except Exception as error:
        job.note(f"the report on the dataset has no lengths in tokens: {cause(error)}")
    else:
        job.tell("measured", **measured)


def _measure(spec: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """What a base makes of samples; see hf.measure."""
    from docutune.hf.measure import measure

    files = {split: Path(path) for split, path in spec["files"].items()}
    return {"measured": to_json(measure(Path(spec["base"]), files, spec["config"]))}


@contextmanager
def _devices(spec: Mapping[str, Any], job: Job) -> Iterator[bool]:
    """With `devices: 2` or more this process is one of as many; whether it is the first, which alone tells and keeps.

    Raises DocutuneError when there are fewer devices.
    """
    asked = spec["config"].get("devices", 1)
    if asked == 1:
        yield True
        return
    from docutune.hf import devices

    if rank := Rank.of(spec):
        devices.join(rank.number, rank.count, rank.meeting)
        yield False
        return
    count = devices.number(asked)
    if told := devices.without_gpu(asked):
        job.note(told)
    if count == 1:
        yield True
    else:
        with crew("train", spec, count, job.job_folder, job.lost) as rank:
            devices.join(rank.number, rank.count, rank.meeting)
            yield True


def _mistake(model: object, folder: Path) -> str | None:
    """Why what a trainer gave back is nothing that a runtime can open; None when it is an adapter or a whole model."""
    if not isinstance(model, ModelRef) or model.adapter is None:
        return "gave back no ModelRef with an adapter"
    if not model.adapter.is_relative_to(folder):
        return f"put its adapter into {model.adapter}, not below context.folder"
    kind, needed = ("model", _OF_A_MODEL) if is_whole(model.adapter) else ("adapter", _OF_AN_ADAPTER)
    missing = [name for name in needed if not any(model.adapter.glob(name))]
    return f"left no {' and no '.join(missing)} beside its {kind}" if missing else None


def _export(spec: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """A merged model, in the form of an exporter where one is named; see hf.exporting."""
    from docutune.records import Export

    named = spec["exporter"]
    exporter = cast(Exporter, _plugin("exporter", named, spec["config"], job)) if named else None
    name, job.plugin = job.plugin, None
    _refuse_full(spec, exporter)

    def convert(exporter: Exporter, merged: Path, context: Context) -> Export:
        job.plugin = name
        made = exporter.export(merged, context)
        if not isinstance(made, Export):
            raise mistake(str(name), f"gave back {a(made)} from export() where an Export belongs")
        job.plugin = None
        return made

    from docutune.hf.exporting import Exporting

    return Exporting(spec, job, exporter).go(convert)


def _refuse_full(spec: Mapping[str, Any], exporter: Exporter | None) -> None:
    """Before anything is loaded: room for the merged model, and for what the exporter makes of it."""
    weights = int(spec["weights"])
    needed = weights + (exporter.room(weights) if exporter else 0)
    free = shutil.disk_usage(spec["work"]).free
    if needed > free:
        raise DocutuneError(
            f"{spec['output']}: the export takes {needed:,} bytes and the disk has {free:,}",
            "free space (docutune clean shows what may go), or name another disk with --output",
        )


def _serve(spec: Mapping[str, Any], job: Job) -> dict[str, Any]:
    from docutune.jobs.serving import Connection

    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing to finish
    connection = Connection(spec["socket"])
    runtime = cast(Runtime, _plugin("runtime", spec["runtime"], spec["config"], job))
    with _loading():
        session = runtime.open(from_json(ModelRef, spec["model"]))
    job.tell("ready")
    connection.serve(session, job.plugin or spec["runtime"])
    session.close()
    return {}


_OF_AN_ADAPTER = ("adapter_config.json", "template.json")
_OF_A_MODEL = ("*.safetensors", "tokenizer.json", "template.json")

_ACTIONS: Mapping[str, Callable[[Mapping[str, Any], Job], dict[str, Any]]] = {
    "pretrain": _pretrain,
    "measure": _measure,
    "train": _train,
    "export": _export,
    "serve": _serve,
}


def _plugin(kind: str, name: str, config: Mapping[str, Any], job: Job) -> object:
    from docutune.registry import Registry

    registry = Registry.load()
    entry = registry.get(kind, name)
    job.tell("plugin", **entry.facts)
    with _loading():
        made = registry.create(entry, entry.registration.config.model_validate(config))
    job.plugin = entry.full_name  # from here on what is raised is its bug
    return made


@contextmanager
def _loading() -> Iterator[None]:
    """What is loaded stays for good: to search it for garbage again and again takes a fifth of the time that it loads.

    Nothing of it is searched later on either.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _figures(job: Job, started: float) -> dict[str, float]:
    return {**job.figures, "seconds": round(time.monotonic() - started, 3)}


if __name__ == "__main__":
    code = main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
    sys.stdout.flush()
    sys.stderr.flush()
    if "LOCAL_RANK" in os.environ:
        os._exit(code)  # libraries for several devices wait at the end of a process for ones that may be gone
    sys.exit(code)
