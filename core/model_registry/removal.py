"""Removing a trained model: never one that a run names, unless it is forced."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from docutune.atomic import sync_folder, writing
from docutune.errors import DocutuneError, UsageError
from docutune.model_registry.listing import Listed, matching
from docutune.workspace import Store, read_manifest


@dataclass(frozen=True, slots=True)
class Removable:
    """A model that may go. `newest_of` is the run whose model a conversation would take, where it is this one."""

    model: Listed
    evaluated: bool
    newest_of: str | None = None

    def told(self) -> Iterator[str]:
        """Everything that would miss it, a line each."""
        if runs := self.model.runs:
            yield f"run{'' if len(runs) == 1 else 's'} {', '.join(runs)}"
        if self.newest_of:
            yield f"docutune chat, which asks it when no other model is named (run {self.newest_of})"

    def goes(self) -> Iterator[str]:
        """What would go, and what would stay, a line each."""
        what = "all weights" if self.model.form == "whole" else "the adapter"
        yield f"{what} of {self.model.name} {self.model.key}, its checks and TensorBoard curves: {self.model.folder}"
        if self.evaluated:
            yield "its figures and answers stay in the reports of its runs"
        if self.model.dataset:
            yield f"dataset version {self.model.dataset} and the base stay; the next docutune run trains it again"


def removable(store: Store, name: str, force: bool) -> Removable:
    """The one model of that name; UsageError when there are several, or when a run names it and not `force`."""
    found = matching(store, name)
    if len(found) > 1:
        keys = ", ".join(f"{model.key} ({model.made:%Y-%m-%d %H:%M})" for model in found)
        raise UsageError(f"there are {len(found)} models called {name!r}", f"name one by its key: {keys}")
    model = found[0]
    item = Removable(model, bool(model.figures), _newest(store, model))
    users = list(item.told())
    if users and not force:
        raise UsageError(
            f"model {model.name} {model.key} is named by {'; '.join(users)}",
            "--force removes it all the same: the next docutune run then trains it again",
        )
    return item


def remove(store: Store, name: str, force: bool) -> Removable:
    """Remove a model, while no run is at work. The folder loses its name first."""
    with store.locked("clean"):
        item = removable(store, name, force)
        folder = item.model.folder
        aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
        with writing(folder):
            folder.rename(aside)
            sync_folder(folder.parent)
        shutil.rmtree(aside, ignore_errors=True)
    return item


def _newest(store: Store, model: Listed) -> str | None:
    """The newest run with a model, when this is its first."""
    for run in reversed(store.runs()):
        try:
            models = read_manifest(run).get("models")
        except DocutuneError:
            continue  # a run killed before its first manifest has none
        if models:
            return run.name if str(models[0]["key"]).startswith(model.folder.name) else None
    return None
