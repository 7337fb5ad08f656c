"""Which tuned model is meant by a name, a run, or neither."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from docutune.errors import DocutuneError, UsageError
from docutune.records import ModelRef
from docutune.workspace import Store, read_manifest


def find_model(store: Store, model: str | None, run: str | None) -> dict[str, Any]:
    """The newest model of that name, of that run; its "run", what the manifest says of the "model" and the "runtime".

    UsageError when there is none, with those there are.
    """
    folders: Sequence[Path] = [store.run_folder(run)] if run else store.runs()[::-1]
    names: set[str] = set()
    for folder, manifest in _with_models(folders):
        names |= {entry["name"] for entry in manifest["models"]}
        for entry in manifest["models"]:
            if model in (None, entry["name"]):
                return {"run": folder.name, "model": entry, "runtime": manifest["runtime"]}
    if names:
        failed = _failed(folders, model or "")
        raise UsageError(
            f"there is no model {model!r}{failed}", f"models of this workspace: {', '.join(sorted(names))}"
        )
    if run:
        raise _without_model(store, folders[0])
    raise UsageError(f"{store.folder}: there is no tuned model yet", "train one with: docutune run")


def model_names(store: Store) -> tuple[str, ...]:
    """The names of all models that were trained here, the newest first."""
    entries = (entry for _, manifest in _with_models(store.runs()[::-1]) for entry in manifest["models"])
    return tuple(dict.fromkeys(str(entry["name"]) for entry in entries))


def _without_model(store: Store, run: Path) -> UsageError:
    for folder, manifest in _with_models(store.runs()[::-1]):
        names = ", ".join(entry["name"] for entry in manifest["models"])
        hint = f"the newest that did is {folder.name} ({names}); without --run its model is taken"
        return UsageError(f"run {run.name} trained no model", hint)
    return UsageError(f"run {run.name} trained no model", "nor did any other here; train one with: docutune run")


def _with_models(folders: Sequence[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The runs that made or reused a model, in the given order."""
    for folder in folders:
        try:
            manifest = read_manifest(folder)
        except DocutuneError:
            continue  # a run killed before its first manifest trained nothing
        if manifest.get("models"):
            yield folder, manifest


def reference(store: Store, found: dict[str, Any]) -> ModelRef:
    """The folders of a model that was found; DocutuneError when one is gone."""
    entry = found["model"]
    base, adapter = (store.folder / entry[part] for part in ("base_folder", "adapter"))
    for what, folder in (("base of model", base), ("model", adapter)):
        if not folder.is_dir():
            raise DocutuneError(
                f"{what} {entry['name']!r} of run {found['run']} is gone: no folder {folder}",
                "docutune run makes it again",
            )
    return ModelRef(base, entry["base_digest"], adapter)


def _failed(folders: Sequence[Path], model: str) -> str:
    """Why a training gave no model, as the rest of a sentence; nothing where none of that name was tried."""
    for folder in folders:
        try:
            trainings = read_manifest(folder).get("trainings", ())
        except DocutuneError:
            continue  # killed before its first manifest
        for training in trainings:
            if training["name"] == model and training["failed"]:
                return f": {training['failed']} failed in run {folder.name}"
    return ""
