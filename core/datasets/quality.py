"""The report on the quality of any version of a workspace: what its runs kept, and what only a tokenizer knows."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from docutune import versions
from docutune.atomic import writing
from docutune.config import PipelineConfig, load
from docutune.config.models import StepConfig
from docutune.corpus import Dataset
from docutune.errors import Cancelled, DocutuneError
from docutune.held import holding
from docutune.hubs import Hubs
from docutune.jobs import run_job
from docutune.records import ModelRef, from_json, to_json
from docutune.registry import Registry
from docutune.report.content import shown
from docutune.report.quality import Measured, Quality
from docutune.steps import quality as kept
from docutune.training import TINY, TrainingConfig
from docutune.version_names import of_runs
from docutune.version_names import resolve as version_of
from docutune.workspace import Store, read_manifest

FOLDER = "quality"
_LANGUAGE = "en"


@dataclass(frozen=True)
class Reporting:
    """Makes reports on versions. `note` is told in a line what could not be measured, and why."""

    project: Path
    store: Store
    registry: Registry
    note: Callable[[str], None]

    def report(self, name: str, pipeline: Path | None) -> tuple[Quality, Path]:
        """The report on a version and its page, written anew. UsageError when there is no such version.

        The trainings are those of the pipeline file; without one, those of the newest run that has the version.
        """
        version = version_of(self.store, name).version
        dataset = versions.read(self.store, version)
        run, known = self._of_run(version)
        config = self._config(pipeline)
        quality = Quality(
            version=version,
            project=self._project(version),
            content=kept.content_of(dataset, self.store),
            run=run,
            rejected=self._rejected(version, run),
            coverage=known.coverage if known else None,
            trainings=known.trainings if known and not (config and config.train) else (),
            shown=shown(dataset),
            language=config.language[0] if config else known.language if known else _LANGUAGE,
        )
        if config is not None:
            quality = self._with_trainings(quality, dataset, config)
        folder = self.store.folder / FOLDER / version
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        kept.write(quality, folder)
        return quality, folder / kept.PAGE

    def _of_run(self, version: str) -> tuple[str | None, Quality | None]:
        """The newest run that has the version, and its own report."""
        runs = [run for run, found in of_runs(self.store).items() if found == version]
        return (runs[-1], kept.read(self.store.run_folder(runs[-1]))) if runs else (None, None)

    def _project(self, version: str) -> str:
        described = versions.describe(self.store, version)
        return described.project if described else self.project.name

    def _rejected(self, version: str, run: str | None) -> dict[str, dict[str, int]] | None:
        found = versions.read_rejected(self.store, version)
        return kept.rejections((item["producer"], item["reason"]) for item in found) if found or run else None

    def _config(self, pipeline: Path | None) -> PipelineConfig | None:
        """The pipeline file that was named, or pipeline.yaml where there is a valid one."""
        if pipeline is not None:
            return load(pipeline, self.registry)
        file = self.project / "pipeline.yaml"
        if not file.is_file():
            return None
        try:
            return load(file, self.registry)
        except DocutuneError as error:
            self.note(f"{file.name} is not valid, so its trainings are unknown: {error.message.splitlines()[0]}")
            return None

    def _with_trainings(self, quality: Quality, dataset: Dataset, config: PipelineConfig) -> Quality:
        quality = replace(quality, trainings=kept.trainings(config))
        for step, options in _trained(config):
            measured = self._measured(dataset, step, options)
            quality = kept.with_measure(quality, step.name, measured) if measured else quality
        return quality

    def _measured(self, dataset: Dataset, step: StepConfig, options: TrainingConfig) -> Measured | None:
        """What is kept, or what a worker finds; None, and a note, where the base is not on this disk."""
        base = self._base(options.model)
        if base is None:
            self.note(f"{step.name}: {options.model} is not on this disk, so its tokens are not counted")
            return None
        key = kept.measure_key(dataset.version, base, options)
        found = kept.kept(self.store, key)
        if found is None:
            found = self._measure(dataset, base, step, options)
            if found is not None:
                self.store.keep("results", key, to_json(found))
        return found

    def _measure(self, dataset: Dataset, base: ModelRef, step: StepConfig, options: TrainingConfig) -> Measured | None:
        """Ask a worker, for torch and transformers live only there."""
        files = self.store.dataset_folder(dataset.version)
        splits = [split for split in ("train", "validation") if dataset.of(split)]
        folder = self.store.folder / "sessions" / f"measure-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        with writing(folder):
            folder.mkdir(parents=True)
        with holding(folder):
            try:
                result = run_job(
                    "measure",
                    {
                        "base": str(base.folder),
                        "files": {split: str(files / f"{split}.jsonl") for split in splits},
                        "config": options.model_dump(mode="json"),
                    },
                    folder,
                    lambda event: None,
                    step.python,
                )
            except Cancelled:
                raise
            except DocutuneError as error:
                self.note(f"{step.name}: tokens are not counted: {error.message}")
                return None
            finally:
                shutil.rmtree(folder, ignore_errors=True)
        return from_json(Measured, result["measured"])

    def _base(self, model: str) -> ModelRef | None:
        """The base model where it is on this disk; the embedded one as the newest training here had it."""
        if model == TINY:
            return self._tiny()
        try:
            return Hubs(self.registry).resolve(model, self.project, download=False)
        except DocutuneError:
            return None

    def _tiny(self) -> ModelRef | None:
        for run in reversed(self.store.runs()):
            try:
                models = read_manifest(run).get("models", ())
            except DocutuneError:
                continue  # killed before its first manifest
            for entry in models:
                folder = self.store.folder / entry["base_folder"]
                if entry["base"] == TINY and folder.is_dir():
                    return ModelRef(folder, entry["base_digest"])
        return None


def _trained(config: PipelineConfig) -> Iterator[tuple[StepConfig, TrainingConfig]]:
    for step in config.train:
        if isinstance(step.options, TrainingConfig):
            yield step, step.options
