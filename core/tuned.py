"""The tuned models that the runs of a workspace name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune.errors import DocutuneError, UsageError
from docutune.records import ModelRef
from docutune.workspace import Store, read_manifest


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that a run made or used again: what the manifest says of it and of the runtime that asked it."""

    run: str
    entry: Mapping[str, Any]
    runtime: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The training's name."""
        return str(self.entry["name"])

    @property
    def key(self) -> str:
        """What decided the training, 64 hexadecimal digits."""
        return str(self.entry["key"])

    @property
    def base(self) -> str:
        """The base's name, as the pipeline file has it."""
        return str(self.entry["base"])


def trained(store: Store, run: str | None = None) -> Iterator[Trained]:
    """Every model of that run or of all runs, the newest first. UsageError when there is no such run."""
    for folder in _runs(store, run):
        try:
            manifest = read_manifest(folder)
        except DocutuneError:
            continue  # a run killed before its first manifest trained nothing
        for entry in manifest.get("models") or ():
            yield Trained(folder.name, entry, manifest["runtime"])


def model_names(store: Store) -> tuple[str, ...]:
    """The names of all of them, each once, sorted."""
    return tuple(sorted({model.name for model in trained(store)}))


def reference(store: Store, model: Trained) -> ModelRef:
    """The folders of a model; DocutuneError when one is gone."""
    base, adapter = (store.folder / model.entry[part] for part in ("base_folder", "adapter"))
    for what, folder in (("base of model", base), ("model", adapter)):
        if not folder.is_dir():
            raise DocutuneError(
                f"{what} {model.name!r} of run {model.run} is gone: no folder {folder}", "docutune run makes it again"
            )
    return ModelRef(base, model.entry["base_digest"], adapter)


def none_of(store: Store, run: str | None) -> UsageError:
    """Why there is no model at all, be it of that run or of the workspace."""
    if run is None:
        return UsageError(f"{store.folder}: there is no tuned model yet", "train one with: docutune run")
    name = store.run_folder(run).name
    for model in trained(store):
        others = ", ".join(other.name for other in trained(store, model.run))
        hint = f"the newest that did is {model.run} ({others}); without --run its model is taken"
        return UsageError(f"run {name} trained no model", hint)
    return UsageError(f"run {name} trained no model", "nor did any other here; train one with: docutune run")


def failed(store: Store, run: str | None, model: str) -> str:
    """Why a training gave no model, as the rest of a sentence; nothing where none of that name was tried."""
    for folder in _runs(store, run):
        try:
            trainings = read_manifest(folder).get("trainings", ())
        except DocutuneError:
            continue  # killed before its first manifest
        for training in trainings:
            if training["name"] == model and training["failed"]:
                return f": {training['failed']} failed in run {folder.name}"
    return ""


def _runs(store: Store, run: str | None) -> Sequence[Path]:
    return [store.run_folder(run)] if run else store.runs()[::-1]
