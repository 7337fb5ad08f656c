"""The trained models of a workspace, with what they were trained on and how they did."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docutune.atomic import size
from docutune.errors import UsageError
from docutune.models import is_whole
from docutune.named import described, folders_of
from docutune.records import JsonValue
from docutune.suggestions import did_you_mean
from docutune.trace import ModelTrace, trace
from docutune.trace.history import History
from docutune.workspace import Store

KEY_DIGITS = 16
_FEWEST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Listed:
    """A trained model on this disk.

    `facts` is its model.json, empty for a damaged one. `runs` name it, newest first. `figures` are those of the newest
    run that measured it: evaluator -> entries with "metric", "base", "tuned", "low", "high" and "verdict". `here` tells
    whether its files are, `run` which run trained it.
    """

    folder: Path
    facts: Mapping[str, Any]
    made: datetime
    bytes: int
    runs: tuple[str, ...]
    figures: Mapping[str, Sequence[Mapping[str, JsonValue]]]
    project: str = ""

    @property
    def name(self) -> str:
        """The name of its training."""
        return str(self.facts.get("name", "?"))

    @property
    def key(self) -> str:
        """The first digits of its key: no two models share them."""
        return str(self.facts.get("key") or self.folder.name)[:KEY_DIGITS]

    @property
    def adapter(self) -> Path:
        """The folder of what was trained."""
        return self.folder / str(self.facts.get("adapter", "adapter"))

    @property
    def form(self) -> str:
        """One of "adapter" (to a base), "whole" (a model of its own) and "damaged"."""
        if not self.facts:
            return "damaged"
        return "whole" if is_whole(self.adapter) else "adapter"

    @property
    def base(self) -> str:
        """The name of its base."""
        return str((self.facts.get("base") or {}).get("name", ""))

    @property
    def run(self) -> str:
        """The run that trained it."""
        return str(self.facts.get("run", ""))

    @property
    def dataset(self) -> str:
        """The dataset version that it was trained on."""
        return str(self.facts.get("dataset", ""))


def list_models(store: Store) -> list[Listed]:
    """Every trained model, the newest first, damaged ones last; bases that docutune made are none."""
    history = History(store)
    found = [_listed(folder, described(folder), history) for folder in folders_of(store, "models")]
    models = [model for model in found if not _is_base(model.facts)]
    return sorted(models, key=lambda model: (bool(model.facts), model.made), reverse=True)


def choose(store: Store, name: str | None) -> Listed:
    """The newest model of that name, or the one whose key begins so; by default the newest of all."""
    matches = matching(store, name)
    return matches[0]


def matching(store: Store, name: str | None) -> list[Listed]:
    """All of that name or key, the newest first; UsageError when there is none, with those there are."""
    models = list_models(store)
    if not models:
        raise UsageError(f"{store.folder}: there is no trained model yet", "train one with: docutune run")
    whole = [model for model in models if model.facts]
    if name is None and whole:
        return whole[:1]
    found = [model for model in models if name in (model.name, model.key)] or [
        model for model in models if name and _is_beginning(name) and model.folder.name.startswith(name)
    ]
    if not found:
        names = sorted({model.name for model in whole})
        hint = f"models of this workspace: {', '.join(names)}; docutune models list shows their keys"
        raise UsageError(f"there is no model {name!r} here{did_you_mean(name or '', names)}", hint)
    return found


def lineage(store: Store, model: Listed) -> ModelTrace | None:
    """What tracing its key finds."""
    try:
        found = trace(store, f"model:{model.key}")
    except UsageError:
        return None
    return found.answer if isinstance(found.answer, ModelTrace) else None


def _is_base(facts: Mapping[str, Any]) -> bool:
    return bool(facts) and "base" not in facts


def _is_beginning(name: str) -> bool:
    return re.fullmatch(rf"[0-9a-f]{{{_FEWEST_DIGITS},}}", name) is not None


def _listed(folder: Path, facts: Mapping[str, Any], history: History) -> Listed:
    naming = [
        (run, model) for run in history.runs for model in run.models if model.key[: len(folder.name)] == folder.name
    ]
    measured = ((run.facts.get("figures") or {}).get(model.name) for run, model in naming)
    figures: Mapping[str, Any] = next(filter(None, measured), {})
    made = datetime.fromtimestamp((folder / "model.json" if facts else folder).stat().st_mtime, UTC)
    runs = tuple(dict.fromkeys(run.id for run, _ in naming))
    return Listed(folder, facts, made, size(folder), runs, figures, str(facts.get("project", "")))
