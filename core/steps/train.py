"""Steps "base:<model>" and "train:<name>": the base model on this disk, then an adapter trained on it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

from docutune import atomic
from docutune.config import StepConfig
from docutune.errors import DocutuneError, PluginError
from docutune.hubs import Hubs
from docutune.jobs import run_job
from docutune.records import RECORDS_VERSION, JsonValue, ModelRef, fingerprint, from_json, to_json
from docutune.steps import provenance, unfinished
from docutune.steps.base import Base, Count, Products, Tools, TrainedModel, plugin_identity
from docutune.training import TINY, TINY_REVISION, TrainingConfig
from docutune.workspace import Store

Listener: TypeAlias = "Callable[[Mapping[str, JsonValue]], None]"

_NOT_FIGURES = {"event", "time", "done", "total", "again"}


@dataclass(frozen=True)
class PrepareBase:
    """Gets a base model onto this disk: pre-trains builtin/tiny, downloads from the hub, or checks a folder.

    `python`: the interpreter of another environment, where its training has torch. `asked`: it is the chat model of
    generators or curators, so that without it there is nothing to train on.
    """

    model: str
    project: Path
    hubs: Hubs
    python: Path | None = None
    plugin: str = "core"
    asked: bool = False

    @property
    def name(self) -> str:
        """The step's name."""
        return f"base:{self.model}"

    def key(self, products: Products) -> str | None:
        """For builtin/tiny the texts it reads; otherwise the name."""
        if self.model != TINY:
            return fingerprint(["base", self.model])
        return fingerprint([TINY, TINY_REVISION, sorted(products.texts)]) if products.texts else None

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """A base that is here already."""
        if self.model == TINY:
            folder = store.model_folder(key)
            described = _described(folder)
            if described is None:
                return None
            return self._add(products, ModelRef(folder, described["digest"]), described["figures"])
        try:
            return self._add(products, self.hubs.resolve(self.model, self.project, download=False), {})
        except DocutuneError:
            return None

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Pre-train in a worker, or fetch."""
        if self.model != TINY:
            return self._add(products, self.hubs.resolve(self.model, self.project), {})
        final = tools.store.model_folder(key)
        job = tools.run / "jobs" / "base"
        texts = job / "texts.jsonl"
        atomic.write_text(texts, "".join(json.dumps({"text": text}) + "\n" for text in sorted(products.texts)))
        with tools.store.staging(final) as folder:
            spec: dict[str, JsonValue] = {"texts": str(texts), "seed": 0, "folder": str(folder)}
            result = run_job("pretrain", spec, job, _listen(tools), self.python)
            texts.unlink()
            figures = result["figures"]
            _describe(folder, {"digest": result["digest"], "figures": figures})
        return self._add(products, ModelRef(final, result["digest"]), figures)

    def count(self, products: Products, store: Store) -> Count | None:
        """Not made of items."""
        return None

    def _add(self, products: Products, model: ModelRef, figures: Mapping[str, JsonValue]) -> Products:
        return replace(products, bases={**products.bases, self.model: Base(self.model, model, figures)})


@dataclass(frozen=True)
class Train:
    """Trains one adapter in a worker process."""

    config: StepConfig
    project: str

    @property
    def name(self) -> str:
        """The step's name."""
        return f"train:{self.config.name}"

    @property
    def plugin(self) -> str:
        """The trainer's name."""
        return self.config.uses

    @property
    def options(self) -> TrainingConfig:
        """The trainer's options."""
        if not isinstance(self.config.options, TrainingConfig):
            raise PluginError(
                f"the options of the trainer {self.plugin!r} are no docutune.TrainingConfig",
                "update its package, or tell its authors",
            )
        return self.config.options

    def key(self, products: Products) -> str | None:
        """The trainer, its options, the dataset version and the base's digest; the base's name counts for nothing."""
        base = products.bases.get(self.options.model)
        if products.dataset is None or base is None:
            return None
        return fingerprint(["train", RECORDS_VERSION, self._identity(), products.dataset.version, base.model.digest])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """A model trained before, if its files are unharmed."""
        folder = store.model_folder(key)
        described = _described(folder)
        if described is None or not provenance.unharmed(folder / described["adapter"], described):
            return None
        base = products.bases[self.options.model].model
        model = ModelRef(base.folder, base.digest, folder / described["adapter"])
        return self._add(products, key, model, described)

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Train and publish the model's folder. TensorBoard can follow runs/<id>/tensorboard while it lasts.

        What an interrupted training left in its own folder is there for the next one with the same key.
        """
        assert products.dataset is not None
        final, kept = tools.store.model_folder(key), tools.store.training_folder(key)
        base = products.bases[self.options.model]
        curve: list[Mapping[str, JsonValue]] = []
        with tools.store.staging(final) as folder:
            self._begin(key, products, tools)
            show_tensorboard(tools.run, self.config.name, kept)
            job = tools.run / "jobs" / self.config.name
            spec = self._spec(products, folder, kept, tools)
            hear = self._hearing(products, tools, _listen(tools, curve))
            result = run_job("train", spec, job, hear, self.config.python, self.config.entry.facts)
            _keep_tensorboard(kept, folder)
            made = from_json(ModelRef, result["model"])
            assert made.adapter is not None
            facts: dict[str, Any] = {
                "name": self.config.name,
                "project": self.project,
                "docutune": version("docutune"),
                "run": tools.run.name,
                "key": key,
                "trainer": self.plugin,
                "base": {"name": base.name, "digest": base.model.digest},
                "dataset": products.dataset.version,
            }
            described: dict[str, Any] = {
                **facts,
                "options": self.options.model_dump(mode="json"),
                "adapter": made.adapter.relative_to(folder).as_posix(),
                "figures": result["figures"],
                "curve": curve,
            }
            provenance.leave(made.adapter, facts)
            _describe(folder, described)
        shutil.rmtree(kept, ignore_errors=True)
        model = ModelRef(base.model.folder, base.model.digest, final / described["adapter"])
        return self._add(products, key, model, described)

    def count(self, products: Products, store: Store) -> Count | None:
        """Not made of items."""
        return None

    def _hearing(self, products: Products, tools: Tools, listen: Listener) -> Listener:
        """A listener that puts what the worker tells of the samples into the report on the dataset."""
        from docutune.report.quality import Measured
        from docutune.steps import quality

        assert products.dataset is not None
        base = products.bases[self.options.model].model
        key = quality.measure_key(products.dataset.version, base, self.options)

        def hear(event: Mapping[str, JsonValue]) -> None:
            if event["event"] == "measured":
                tools.store.keep("results", key, event["measured"])
                quality.add(tools.run, self.config.name, from_json(Measured, event["measured"]))
            else:
                listen(event)

        return hear

    def _identity(self) -> dict[str, JsonValue]:
        return plugin_identity(self.config.entry.registration, self.options, left_out={"model"})

    def _begin(self, key: str, products: Products, tools: Tools) -> None:
        """Say in the training's folder what it is, and to the user whether an interrupted one is left behind."""
        base = products.bases[self.options.model]
        assert products.dataset is not None
        named: dict[str, JsonValue] = {"name": base.name, "digest": base.model.digest}
        kept, version = tools.store.training_folder(key), products.dataset.version
        facts = unfinished.describe(kept, self.config.name, key, self._identity(), version, named)
        anew = unfinished.starts_anew(tools.store, facts)
        if anew:
            tools.note(f"{self.name}: {anew}")

    def _spec(self, products: Products, folder: Path, kept: Path, tools: Tools) -> dict[str, JsonValue]:
        assert products.dataset is not None
        dataset = tools.store.dataset_folder(products.dataset.version)
        validation = str(dataset / "validation.jsonl") if products.dataset.of("validation") else None
        return {
            "trainer": self.plugin,
            "config": self.options.model_dump(mode="json"),
            "train": str(dataset / "train.jsonl"),
            "validation": validation,
            "base": to_json(products.bases[self.options.model].model),
            "seed": self.options.seed,
            "folder": str(folder),
            "kept": str(kept),
            "dataset_version": products.dataset.version,
        }

    def _add(self, products: Products, key: str, model: ModelRef, described: Mapping[str, Any]) -> Products:
        trained = TrainedModel(
            self.config.name,
            key,
            self.plugin,
            self.options.model,
            model,
            described["figures"],
            tuple(described["curve"]),
        )
        return replace(products, models={**products.models, self.config.name: trained})


def show_tensorboard(run: Path, name: str, folder: Path) -> None:
    """Let runs/<id>/tensorboard/<name> name the TensorBoard files of a model, or of its training."""
    link = run / "tensorboard" / name
    with atomic.writing(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(os.path.relpath(folder / "tensorboard", link.parent))


def _keep_tensorboard(kept: Path, folder: Path) -> None:
    """The training's TensorBoard files go with the model."""
    if (kept / "tensorboard").is_dir():
        with atomic.writing(folder):
            shutil.copytree(kept / "tensorboard", folder / "tensorboard", dirs_exist_ok=True)


def _listen(tools: Tools, curve: list[Mapping[str, JsonValue]] | None = None) -> Listener:
    """Passes a worker's progress on, always with the last known figures; `curve` takes each new set of them once.

    What was told before an interruption goes into the curve alone: the user sees the training go on, not begin again.
    """
    latest: dict[str, float] = {}

    def listen(event: Mapping[str, JsonValue]) -> None:
        if event["event"] == "note":
            tools.note(str(event["text"]))
        if event["event"] != "progress":
            return
        figures = {name: value for name, value in event.items() if name not in _NOT_FIGURES}
        done, total = event["done"], event["total"]
        assert isinstance(done, int)
        assert total is None or isinstance(total, int)
        if not event.get("again"):
            latest.update({name: value for name, value in figures.items() if isinstance(value, (int, float))})
            tools.progress(done, total, **latest)
        if curve is not None and figures:
            curve.append({"step": done, **figures})

    return listen


def _describe(folder: Path, description: Mapping[str, Any]) -> None:
    """Write model.json, with its own digest and that of every other file that decides answers."""
    whole = {**description, "files": _digests(folder)}
    text = json.dumps({**whole, "sha256": fingerprint(whole)}, indent=2, ensure_ascii=False)
    atomic.write_text(folder / "model.json", text + "\n")


def _described(folder: Path) -> dict[str, Any] | None:
    """What model.json says; None when the folder is missing, unfinished or damaged."""
    try:
        described: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
        unharmed = described.pop("sha256") == fingerprint(described) and described["files"] == _digests(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return described if unharmed else None


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name not in ("model.json", provenance.FILE) and "tensorboard" not in path.relative_to(folder).parts
    }
