"""Everything that a command or a button may do, as functions of one workspace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune.errors import Cancelled, DocutuneError, UsageError
from docutune.registry import Registry
from docutune.workspace import Store, find_project, read_manifest

if TYPE_CHECKING:
    from docutune.catalog import RunRow
    from docutune.config import PipelineConfig
    from docutune.contracts import Session
    from docutune.notebook import Exchange
    from docutune.pipeline import Planned
    from docutune.records import Variant
    from docutune.runlog import Listener

PIPELINE_FILE = "pipeline.yaml"


@dataclass(frozen=True)
class RunRequest:
    """What to run: a pipeline file, and how it is changed for this time."""

    file: Path
    overrides: tuple[str, ...] = ()
    trainer: str | None = None
    until: str | None = None
    remake: str | None = None
    only_evaluate: bool = False


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

    @cached_property
    def registry(self) -> Registry:
        """The plugins of this environment."""
        return Registry.load()

    @cached_property
    def store(self) -> Store:
        """The `.docutune/` folder."""
        return Store(self.project)

    def load(self, request: RunRequest) -> PipelineConfig:
        """Read and check the pipeline file; ConfigError names every problem at once."""
        from docutune.config import load

        return load(request.file, self.registry, request.overrides, request.trainer)

    def plan(self, request: RunRequest, progress: Callable[..., None]) -> list[Planned]:
        """What `run` would do; documents are parsed, nothing else is made."""
        from docutune.pipeline import Pipeline, Window

        pipeline = Pipeline(self.load(request), self.registry, self.store)
        return pipeline.plan(Window(request.until, request.remake), progress)

    def run(self, request: RunRequest, listener: Listener) -> dict[str, Any]:
        """Run the pipeline; the summary that `docutune run --json` prints. The run's folder holds the rest."""
        from docutune.execute import execute

        config = self.load(request)
        with self.store.locked():
            return execute(config, request, self.registry, self.store, listener)

    def runs(self, limit: int | None = None) -> list[RunRow]:
        """The runs of this workspace, newest first; one that was killed is shown as interrupted."""
        from docutune.catalog import Catalog

        rows = Catalog(self.store).runs(limit)
        if self.store.busy():
            return rows
        return [replace(row, outcome="interrupted") if row.outcome == "running" else row for row in rows]

    def rebuild_catalog(self) -> int:
        """Make the index again from the runs' manifests; the number of runs in it."""
        from docutune.catalog import Catalog

        return Catalog(self.store).rebuild()

    def manifest(self, run: str | None = None) -> dict[str, Any]:
        """The manifest of a run, by default the newest."""
        return read_manifest(self.store.run_folder(run))

    def run_folder(self, run: str | None = None) -> Path:
        """The folder of a run, by default the newest."""
        return self.store.run_folder(run)

    @contextmanager
    def session(self, model: str | None = None, run: str | None = None) -> Iterator[Session]:
        """A tuned model loaded and ready to answer, by default the one trained last; unloaded at the end."""
        from docutune.jobs import open_session

        found = self._model_manifest(model, run)
        name = found["model"]["name"]
        folder = self.store.folder / "sessions" / f"{name}-{os.getpid()}"
        session = open_session(found["runtime"]["uses"], found["runtime"]["options"], self._reference(found), folder)
        try:
            yield session
        except KeyboardInterrupt:
            raise Cancelled from None
        finally:
            session.close()
        shutil.rmtree(folder)  # after a failure the log stays, for the error names it

    @contextmanager
    def conversation(
        self, model: str | None = None, run: str | None = None, variant: Variant = "tuned"
    ) -> Iterator[Callable[..., Iterator[str]]]:
        """A function that streams the answer to one question; question and answer go into the notebook."""
        from docutune.notebook import Exchange, Notebook
        from docutune.records import Message
        from docutune.runlog import now

        notebook = Notebook(self.store)
        name = self._model_manifest(model, run)["model"]["name"]
        with self.session(model, run) as session:

            def ask(question: str, **sampling: float) -> Iterator[str]:
                pieces: list[str] = []
                try:
                    for piece in session.stream([Message("user", question)], variant, **sampling):
                        pieces.append(piece)
                        yield piece
                finally:
                    notebook.add(Exchange(now(), name, variant, question, "".join(pieces)))

            yield ask

    def exchanges(self) -> list[Exchange]:
        """Questions asked so far and their answers, oldest first."""
        from docutune.notebook import Notebook

        return Notebook(self.store).exchanges()

    def _model_manifest(self, model: str | None, run: str | None) -> dict[str, Any]:
        folders: Sequence[Path] = [self.store.run_folder(run)] if run else self.store.runs()[::-1]
        names: set[str] = set()
        for folder in folders:
            try:
                manifest = read_manifest(folder)
            except DocutuneError:
                continue
            for entry in manifest.get("models", ()):
                names.add(entry["name"])
                if model in (None, entry["name"]):
                    return {"model": entry, "runtime": manifest["runtime"]}
        if names:
            raise UsageError(f"there is no model {model!r}", f"models of this workspace: {', '.join(sorted(names))}")
        raise UsageError(f"{self.store.folder}: there is no tuned model yet", "train one with: docutune run")

    def _reference(self, found: dict[str, Any]) -> Any:
        from docutune.records import ModelRef

        entry = found["model"]
        return ModelRef(
            self.store.folder / entry["base_folder"], entry["base_digest"], self.store.folder / entry["adapter"]
        )
