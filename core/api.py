"""Everything that a command or a button may do, as functions of one workspace."""

from __future__ import annotations

import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune import model_names
from docutune.atomic import writing
from docutune.errors import Cancelled, DocutuneError, UsageError
from docutune.model_names import Named, Place
from docutune.records import GREEDY
from docutune.registry import Registry
from docutune.workspace import Store, find_project, read_manifest

if TYPE_CHECKING:
    from docutune.catalog import RunRow
    from docutune.chats.api import Chats
    from docutune.chats.conversation import Talker
    from docutune.cleaning import Cleaning
    from docutune.config import PipelineConfig
    from docutune.contracts import Address, Session
    from docutune.datasets.api import Datasets
    from docutune.desk.api import Desk
    from docutune.following import Follower
    from docutune.jobs.sessions import RemoteSession, Watch
    from docutune.jobs.stopping import Stopped
    from docutune.model_registry.api import Models
    from docutune.monitoring import Monitor
    from docutune.owner import Owner
    from docutune.planning import Plan
    from docutune.records import Sampling, Variant
    from docutune.runlog import Listener
    from docutune.scaffold.find import Findings
    from docutune.scaffold.suggest import Training
    from docutune.scaffold.write import Choices
    from docutune.serving.server import Server
    from docutune.serving.settings import Settings
    from docutune.steps.base import Progress
    from docutune.templates import Templates
    from docutune.trace import Trace

PIPELINE_FILE = "pipeline.yaml"
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class RunRequest:
    """What to run: a pipeline file, and how it is changed for this time."""

    file: Path
    overrides: tuple[str, ...] = ()
    trainer: str | None = None
    until: str | None = None
    remake: str | None = None
    only_evaluate: bool = False
    terminal: Path | None = None
    """A file that takes what a detached run prints; it moves into the run's folder."""

    @property
    def arguments(self) -> list[str]:
        """The same as arguments of `docutune run`, or of `docutune eval`."""
        options = [("--trainer", self.trainer), ("--until", self.until), ("--from", self.remake)]
        given = [f"{name}={value}" for name, value in options if value is not None]
        return [*given, *(f"--set={text}" for text in self.overrides), "--", str(self.file)]


@dataclass(frozen=True)
class Workspace:
    """A folder with a pipeline file; `.docutune/` beside the file holds all that is made."""

    project: Path

    @classmethod
    def of(cls, file: Path) -> Workspace:
        """The workspace of a pipeline file."""
        return cls(file.resolve().parent)

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """The workspace of a folder or of the nearest one above it; UsageError when there is none."""
        return cls(find_project((start or Path.cwd()).resolve()))

    @classmethod
    def around(cls, start: Path | None = None) -> Workspace:
        """As `find`; where there is none, the user's own, below XDG_DATA_HOME: for models that need no workspace."""
        try:
            return cls.find(start)
        except UsageError:
            data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
            return cls(Path(data).resolve() / "docutune")

    @cached_property
    def registry(self) -> Registry:
        """The plugins of this environment."""
        return Registry.load()

    @cached_property
    def store(self) -> Store:
        """The `.docutune/` folder."""
        return Store(self.project)

    @cached_property
    def datasets(self) -> Datasets:
        """Dataset versions and question-answer files."""
        from docutune.datasets.api import Datasets

        return Datasets(self.project, self.store, self.registry)

    @cached_property
    def chats(self) -> Chats:
        """Conversations with models, kept turn by turn."""
        from docutune.chats.api import Chats

        return Chats(self.store, self.registry)

    @cached_property
    def models(self) -> Models:
        """The trained models."""
        from docutune.model_registry.api import Models

        return Models(self.project, self.store, self.registry)

    @cached_property
    def templates(self) -> Templates:
        """The prompt templates of the installed plugins, as they are in force here."""
        from docutune.templates import Templates

        return Templates(self.project, self.store, self.registry)

    @cached_property
    def desk(self) -> Desk:
        """What a page shows beside all this, and changes: the pipeline file, forms, previews, the run at work."""
        from docutune.desk.api import Desk

        return Desk(self.project, self.store, self.registry, self.manifest, self.named, self.opened)

    def request(self, overrides: tuple[str, ...] = ()) -> RunRequest:
        """A run of this folder's pipeline.yaml, changed like this."""
        return RunRequest(self.project / PIPELINE_FILE, overrides)

    def serve_page(
        self, frontend: str, address: Address, password_env: str | None, ready: Callable[[str], None]
    ) -> None:
        """Serve this workspace through a frontend until interrupted; `password_env` names the variable to read.

        UsageError without a password for any address but this machine's own.
        """
        from docutune.desk.serving import serve

        serve(self, frontend, address, password_env, ready)

    def survey(self) -> Findings:
        """The documents, code and question-answer files of this folder."""
        from docutune.scaffold.find import find

        return find(self.project, self.registry)

    def model_mistake(self, name: str, folder: Path) -> str | None:
        """What is wrong with a base model's name or folder, as far as this disk tells; None when nothing is."""
        from docutune.hubs import Hubs

        return Hubs(self.registry).mistake(name, folder)

    def training(self) -> Training:
        """What this machine and this installation can train."""
        from docutune.doctor import gpu_memory
        from docutune.scaffold.suggest import training

        return training(self.registry, gpu_memory())

    def write_pipeline(self, choices: Choices, file: Path, force: bool = False) -> Path | None:
        """Write a new pipeline file that is valid; with `force` in place of another, whose kept copy is returned.

        UsageError when the file exists, ConfigError when what was chosen is no valid pipeline; nothing is written then.
        """
        from docutune.scaffold.write import write

        return write(choices, file, self.registry, force)

    def load(self, request: RunRequest) -> PipelineConfig:
        """Read and check the pipeline file; ConfigError names every problem at once."""
        from docutune.config import load

        config = load(request.file, self.registry, request.overrides, request.trainer)
        return _with_machine(config) if any(step.entry.registration.needs_gpu for step in config.train) else config

    def check(self, request: RunRequest) -> PipelineConfig:
        """As `load`, and ask the interpreters that the file names with `python:` whether they can do their steps."""
        config = self.load(request)
        self._check_interpreters(config, request)
        return config

    def plan(self, request: RunRequest, progress: Progress) -> Plan:
        """What `run` would do; documents are parsed, nothing else is made."""
        from docutune.pipeline import Pipeline, Window
        from docutune.planning import plan

        config = self.check(request)
        pipeline = Pipeline(config, self.registry, self.store)
        return plan(pipeline, Window(request.until, request.remake), progress)

    def run(self, request: RunRequest, listener: Listener) -> dict[str, Any]:
        """Run the pipeline; the summary that `docutune run --json` prints. The run's folder holds the rest."""
        from docutune.execute import check_trained, execute

        config = self.load(request)
        if request.only_evaluate:
            self.store.refuse_busy()  # what is not made yet may be in the making
            check_trained(config, request, self.registry, self.store)
        with self.store.locked("eval" if request.only_evaluate else "run"):
            self._check_interpreters(config, request)
            return execute(config, request, self.registry, self.store, listener)

    def start_detached(self, request: RunRequest) -> Path:
        """Start a run in a process of its own, which outlives this one, and return its folder as soon as that stands.

        The pipeline file is checked first. DocutuneError when a run is at work here, or this one fails to begin.
        """
        from docutune.jobs import detached

        config = self.load(request)
        self.store.refuse_busy()
        self._check_interpreters(config, request)
        return detached.start(self.store, "eval" if request.only_evaluate else "run", request.arguments)

    def follow(self, run: str | None, follower: Follower) -> dict[str, Any]:
        """Tell the follower what a run has done and does, until it ends; its manifest then.

        By default the run at work, else the newest.
        """
        from docutune.following import follow

        folder = self.store.run_folder(run or self.store.live_run())
        follow(self.store, folder, follower)
        while (manifest := self.manifest(folder.name))["outcome"] == "running":
            time.sleep(_POLL_SECONDS)  # it has told of its end, and is about to write it down
        return manifest

    def stop(self, grace: float | None, waiting: Callable[[Owner, float], None]) -> Stopped | None:
        """Stop the run at work here, whoever started it; None when there is none. See jobs.stopping.stop."""
        from docutune.jobs.stopping import stop

        return stop(self.store, grace, waiting)

    def _check_interpreters(self, config: PipelineConfig, request: RunRequest) -> None:
        from docutune.interpreters import check_interpreters
        from docutune.pipeline import Pipeline, Window

        if request.until or request.remake:
            Window(request.until, request.remake).check(Pipeline(config, self.registry, self.store).steps())
        check_interpreters(config, request.only_evaluate)

    def runs(self, limit: int | None = None) -> list[RunRow]:
        """The runs of this workspace, newest first; only the one that is at work now is "running"."""
        from docutune.catalog import Catalog

        there = {run.name for run in self.store.runs()}
        rows = [row for row in Catalog(self.store).runs() if row.id in there]
        return [self._true_row(row) for row in rows[:limit]]

    def _true_row(self, row: RunRow) -> RunRow:
        if row.outcome != "running":
            return row
        try:
            manifest = self.manifest(row.id)
        except DocutuneError:
            return replace(row, outcome="interrupted")  # its manifest is gone or damaged
        current = manifest.get("current") if manifest["outcome"] == "running" else None
        return replace(
            row,
            outcome=manifest["outcome"],
            seconds=manifest["seconds"],
            finished=manifest["finished"],
            step=current["name"] if current else None,
        )

    def unnamed(self, keep: int | None = None) -> Cleaning:
        """What `clean` would free: what no run names, and with `keep` all runs but the newest ones.

        DocutuneError when a run is at work here.
        """
        from docutune.cleaning import Cleaning, look

        if not self.store.folder.is_dir():
            return Cleaning(())
        with self.store.locked("clean"):
            return look(self.store, keep)

    def clean(self, shown: Cleaning, keep: int | None = None) -> Cleaning:
        """Free what `unnamed` showed and what is still unnamed now; what went."""
        from docutune.cleaning import Cleaning, free, look

        names = {(item.kind, item.name) for item in shown.items}
        with self.store.locked("clean"):
            found = look(self.store, keep)
            wanted = tuple(item for item in found.items if (item.kind, item.name) in names)
            return free(self.store, Cleaning(wanted, found.notes))

    def rebuild_catalog(self) -> int:
        """Make the index again from the runs' manifests and the chats' files; the number of runs in it."""
        from docutune.catalog import Catalog

        if not self.store.folder.is_dir():
            return 0
        runs = Catalog(self.store).rebuild()
        self.chats.rebuild()
        return runs

    def manifest(self, run: str | None = None) -> dict[str, Any]:
        """The manifest of a run, by default the newest; "current" is the step of one that did not end.

        "continues" is the training with which the next run goes on, and at which of its checkpoints.
        """
        from docutune.activity import continues, true_state

        folder = self.store.run_folder(run)
        manifest = read_manifest(folder)
        if manifest["outcome"] == "running":
            live = folder.name == self.store.live_run()
            manifest = true_state(read_manifest(folder), folder, live)  # read again: it may have ended meanwhile
        newest = folder == self.store.runs()[-1]
        found = continues(self.store, manifest) if newest and manifest["outcome"] != "running" else None
        return {**manifest, "continues": found} if found else manifest

    def run_folder(self, run: str | None = None) -> Path:
        """The folder of a run, by default the newest."""
        return self.store.run_folder(run)

    def reported_run(self) -> tuple[Path, int]:
        """The newest run that has a report, and how many newer ones have none."""
        runs = self.store.runs()
        for newer, folder in enumerate(reversed(runs)):
            if (folder / "report.json").is_file():
                return folder, newer
        newest = self.store.run_folder(None)
        raise UsageError(
            f"{newest}: no run of this workspace has a report", "only a finished run has one: docutune run"
        )

    def monitor(self, run: str | None, every: bool, port: int | None) -> AbstractContextManager[Monitor]:
        """TensorBoard over the newest run, `run` or all runs, on loopback, while the context lasts.

        UsageError when there is nothing to show yet, PluginError when tensorboard is not installed.
        """
        from docutune.monitoring import monitor

        return monitor(self.store, run, every, port)

    def trace(self, what: str, run: str | None = None) -> Trace:
        """Where a sample, document, symbol, model, dataset version or run comes from, and what became of it.

        UsageError when nothing or more than one thing bears that name.
        """
        from docutune.trace import trace

        return trace(self.store, what, run)

    def named(self, model: str | None = None, run: str | None = None) -> Named:
        """The model that a MODEL argument names, by default the one trained last; see model_names.find.

        Paths start from the current folder. A model of a hub that is not on this disk is downloaded.
        """
        return model_names.find(model, run, Place(self.store, self.registry, Path.cwd()))

    @contextmanager
    def talker(
        self, model: str | None, run: str | None, variant: Variant | None = None, sampling: Sampling = GREEDY
    ) -> Iterator[Talker]:
        """Who answers in chats: a model loaded, by default the one trained last; unloaded at the end.

        `variant` None: as the tuned model, unless the name is that of a base.
        """
        from docutune.chats.conversation import Talker

        named = self.named(model, run)
        with self.session(model, run) as session:
            base_only = named.form == "base"
            yield Talker(session, named.name, variant or ("base" if base_only else "tuned"), sampling, base_only)

    @contextmanager
    def serve(
        self,
        settings: Settings,
        listening: Callable[[str, str], None],
        model: str | None = None,
        run: str | None = None,
        base: bool = False,
    ) -> Iterator[Server]:
        """A server that speaks OpenAI's chat completions, while the context lasts: the model and its base, by name.

        `listening` is told the model's name and the address before the model is loaded. With `base` the base alone is
        offered. UsageError for an address that is open to others without a key, PluginError when starlette and uvicorn
        are not installed.
        """
        from docutune.serving.api import serve

        named = self.named(model, run)
        with serve(settings, named, lambda: self.session(model, run), base, listening) as server:
            yield server

    @contextmanager
    def session(self, model: str | None = None, run: str | None = None) -> Iterator[Session]:
        """A model loaded and ready to answer, by default the one trained last; unloaded at the end."""
        with self.opened(self.named(model, run)) as session:
            yield session

    @contextmanager
    def opened(self, named: Named, watch: Watch | None = None) -> Iterator[RemoteSession]:
        """As `session`, for a model that was found; `watch` follows the loading from another thread."""
        from docutune.held import holding
        from docutune.jobs import open_session

        folder = self._session_folder(named.name)
        with holding(folder):
            runtime = named.runtime
            plugin = self.registry.get("runtime", runtime.uses).facts
            try:
                session = open_session(runtime.uses, runtime.options, named.ref, folder, runtime.python, plugin, watch)
                try:
                    yield session
                except KeyboardInterrupt:
                    raise Cancelled from None
                finally:
                    session.close()
            except Cancelled:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            shutil.rmtree(folder)  # after a failure the log stays, for the error names it

    def _session_folder(self, name: str) -> Path:
        """A folder for the worker's events and log; one process may open a model several times."""
        self.store.create()
        plain = re.sub(r"[^-.0-9A-Za-z]+", "-", name)
        folder = self.store.folder / "sessions" / f"{plain}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        with writing(folder):
            folder.mkdir(parents=True)
        return folder


def _with_machine(config: PipelineConfig) -> PipelineConfig:
    """The configuration, with a note on each trainer that this machine cannot run for want of a GPU.

    What torch in another environment can use is not known here.
    """
    from docutune.doctor import without_gpu

    found = without_gpu(dict.fromkeys(step.entry for step in config.train if step.python is None))
    told = tuple(f"{entry} needs a GPU, and this machine shows none: {advice}" for entry, advice in found)
    return config.model_copy(update={"notes": (*config.notes, *told)})
