"""The .docutune/ folder beside a pipeline file: cached items, step results, models, datasets and runs.

    cache/        one file per item (a parsed document, a generated task, an answer), keyed by what decides it
    results/      one file per step result, keyed the same way
    datasets/     <version>/train.jsonl, validation.jsonl, test.jsonl
    models/       <key>/ with an adapter or an embedded base
    training/     <key>/ with the checkpoints and TensorBoard files of a training that has not ended
    owner.json    which process holds run.lock, and for what
    runs/         <id>/ with the manifest, events, log and report of one run; `latest` names the newest

Cached items and results start with the SHA-256 of what follows: a damaged file is as good as none and is made again.
"""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from docutune import atomic, owner
from docutune.atomic import writing
from docutune.errors import Busy, DocutuneError, UsageError
from docutune.owner import Owner, Process
from docutune.queued import Queued
from docutune.records import RECORDS_VERSION, JsonValue, canonical, finite

FOLDER = ".docutune"
_LOCK_SECONDS = 0.5  # longer than the look of a docutune status, which holds the lock for a moment


class Store:
    """Everything below one `.docutune/` folder; made when something is first put there, never by a look."""

    def __init__(self, project: Path) -> None:
        self.folder = project / FOLDER
        self._used: set[str] = set()
        self._held_as: Owner | None = None

    def create(self) -> None:
        """Make the folder where it is missing."""
        if self.folder.is_dir():
            return
        with writing(self.folder):
            atomic.make_folder(self.folder)
        atomic.write_text(self.folder / ".gitignore", "*\n")

    def refuse_unwritable(self) -> None:
        """DocutuneError when nothing could be put there; what would take long is then not begun."""
        place = self.folder if self.folder.is_dir() else self.folder.parent
        if place.is_dir() and not os.access(place, os.W_OK):
            raise DocutuneError(f"{place}: cannot be written to", "work in a folder of your own")

    # ---- items and results

    def recall(self, area: str, key: str) -> Any | None:
        """The JSON value kept under `key` in "cache" or "results"; None when absent or damaged."""
        try:
            content = self._place(area, key).read_bytes()
        except OSError:
            return None
        digest, _, body = content.partition(b"\n")
        if hashlib.sha256(body).hexdigest().encode() != digest:
            return None
        self._used.add(f"{area}/{key}")
        return json.loads(body)

    def keep(self, area: str, key: str, value: JsonValue) -> None:
        """Keep a JSON value under `key`."""
        self.keep_all(area, [(key, value)])

    def keep_all(self, area: str, values: Sequence[tuple[str, JsonValue]]) -> None:
        """Keep each JSON value under its key; when this returns, the disk has them."""
        self.create()
        atomic.write_files({self._place(area, key): _with_digest(value) for key, value in values})
        self._used.update(f"{area}/{key}" for key, _ in values)

    @contextmanager
    def keeping(self, area: str) -> Iterator[Callable[[str, JsonValue], None]]:
        """A `keep` that does not wait for the disk; the block ends when all is kept, or raises as `keep` does."""
        waiting: Queued[tuple[str, JsonValue]] = Queued(lambda values: self.keep_all(area, values))
        with waiting:

            def keep(key: str, value: JsonValue) -> None:
                waiting.put((key, value))

            yield keep

    def take_used(self) -> list[str]:
        """Every value that was kept or recalled since the last call, as "area/key", sorted."""
        used = sorted(self._used)
        self._used.clear()
        return used

    def _place(self, area: str, key: str) -> Path:
        return self.folder / area / key[:2] / key[2:]

    # ---- folders

    def model_folder(self, key: str) -> Path:
        """Where a model with this key stands, or will."""
        return self.folder / "models" / key[:24]

    def training_folder(self, key: str) -> Path:
        """Where the training of the model with this key keeps what outlasts an interruption."""
        return self.folder / "training" / key[:24]

    def dataset_folder(self, version: str) -> Path:
        """Where a dataset version stands, or will."""
        return self.folder / "datasets" / version

    @contextmanager
    def staging(self, final: Path) -> Iterator[Path]:
        """A private folder to build in, published as `final` when the block ends well and removed when it does not."""
        self.create()
        made = final.parent / f".{final.name}.{uuid.uuid4().hex[:8]}.tmp"
        with writing(made):
            atomic.make_folder(made.parent)
            made.mkdir()
        try:
            yield made
            atomic.publish_folder(made, final)
        finally:
            shutil.rmtree(made, ignore_errors=True)

    @contextmanager
    def locked(self, command: str = "run") -> Iterator[None]:
        """Only one run, eval or clean at a time in a workspace; the kernel frees the lock of a process that dies.

        Who holds it says so in owner.json; a clean does without where the disk is full, for it is to free space.
        """
        self.create()
        lock = FileLock(self.folder / "run.lock")
        try:
            with writing(self.folder / "run.lock", let_through=(Timeout,)):
                lock.acquire(timeout=_LOCK_SECONDS)
        except Timeout as error:
            raise self._taken() from error
        try:
            with suppress(*((DocutuneError,) if command == "clean" else ())):
                self._own(command)
            yield
        finally:
            self._held_as = None
            owner.forget(self.folder)
            lock.release()

    def _own(self, command: str, run: str | None = None) -> None:
        process = Process.of(os.getpid())
        if process is not None:  # a system without /proc tells nothing of processes
            self._held_as = Owner(process, command, run)
            owner.write(self.folder, self._held_as)

    def refuse_busy(self) -> None:
        """DocutuneError when a run is at work here now."""
        if self.busy():
            raise self._taken()

    def _taken(self) -> DocutuneError:
        message, at_work = f"{self.folder}: another docutune run is at work here", self.owner()
        if at_work is None or at_work.command == "clean":
            return DocutuneError(message, "wait for it to end (docutune status shows it)")
        who = f"run {at_work.run}" if at_work.run else "a run that has just begun"
        return Busy(
            f"{message}: {who}, process {at_work.process.pid}",
            "follow it: docutune status --follow; stop it: docutune stop",
        )

    def owner(self) -> Owner | None:
        """Who is at work here now; None when nobody is, or one that has not said so yet."""
        return owner.read(self.folder) if self.busy() else None

    def busy(self) -> bool:
        """Whether a run is at work here now; a workspace that may only be read can be asked, too."""
        try:
            with (self.folder / "run.lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (FileNotFoundError, IsADirectoryError):
            return False
        except BlockingIOError:
            return True
        return False

    def live_run(self) -> str | None:
        """The id of the run that is at work now, once its folder stands."""
        at_work = self.owner()
        run = at_work.run if at_work else None
        return run if run and (self.folder / "runs" / run).is_dir() else None

    # ---- runs

    def next_run(self) -> Path:
        """Where the next run's folder will stand, named by the time (UTC) so that names sort. Call under the lock."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        names = (stamp if number == 1 else f"{stamp}-{number}" for number in itertools.count(1))
        runs = self.folder / "runs"
        return next(runs / name for name in names if not (runs / name).exists())

    @contextmanager
    def beginning(self, run: Path) -> Iterator[Path]:
        """A private folder for a run's first files; it appears as `run`, and `runs/latest` points there."""
        with self.staging(run) as folder:
            yield folder
            if self._held_as is not None:
                self._own(self._held_as.command, run.name)
        link = run.parent / f".latest.{uuid.uuid4().hex[:8]}.tmp"
        with writing(link):
            link.symlink_to(run.name)
            link.replace(run.parent / "latest")
            atomic.sync_folder(run.parent)

    def runs(self) -> list[Path]:
        """All run folders, oldest first."""
        runs = self.folder / "runs"
        if not runs.is_dir():
            return []
        return sorted((p for p in runs.iterdir() if re.match(r"\d{8}-\d{6}", p.name)), key=_run_order)

    def run_folder(self, run: str | None) -> Path:
        """The folder of the run with this id, or of the newest one."""
        runs = self.runs()
        if not runs:
            raise UsageError(f"{self.folder}: there is no run yet", "start one with: docutune run")
        if run is None or run == "latest":
            return runs[-1]
        for folder in runs:
            if folder.name == run:
                return folder
        raise UsageError(f"there is no run {run!r}", f"the newest is {runs[-1].name}; docutune status lists them")


def _with_digest(value: JsonValue) -> bytes:
    """As a value lies on the disk: the SHA-256 of what follows, a line end, and the value."""
    body = canonical(value)
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _run_order(folder: Path) -> tuple[str, int]:
    stamp, number = folder.name[:15], folder.name[16:]
    return stamp, int(number) if number.isdigit() else 1


def write_manifest(run: Path, manifest: dict[str, JsonValue]) -> None:
    """Write runs/<id>/manifest.json whole."""
    whole = finite({"records_version": RECORDS_VERSION, **manifest})  # a figure may be NaN: JSON knows none
    text = json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False)
    atomic.write_text(run / "manifest.json", text + "\n")


def read_manifest(run: Path) -> dict[str, Any]:
    """Read runs/<id>/manifest.json; DocutuneError when it is missing or not what this version writes."""
    path = run / "manifest.json"
    try:
        manifest = json.loads(path.read_text("utf-8"))
        if not isinstance(manifest, dict):
            raise ValueError("it holds no JSON object")
    except (OSError, ValueError) as error:
        raise DocutuneError(f"{path}: cannot be read: {error}", "that run left no manifest; run again") from error
    if manifest.get("records_version") != RECORDS_VERSION:
        raise DocutuneError(
            f"{path}: written by another version of docutune (records {manifest.get('records_version')}, "
            f"here {RECORDS_VERSION})",
            "run the pipeline again with this version",
        )
    return dict(manifest)


def find_project(start: Path) -> Path:
    """The folder that holds the pipeline file or the workspace: `start` or the nearest one above it."""
    for folder in (start, *start.parents):
        if (folder / FOLDER).is_dir() or (folder / "pipeline.yaml").is_file():
            return folder
    raise UsageError(
        f"{start}: no pipeline.yaml and no workspace here or in a folder above",
        "go to the folder of your pipeline file",
    )
