"""What a MODEL argument may name, for every command: a training, a key, a folder, a model of a hub, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from docutune import models
from docutune.hubs import Hubs
from docutune.records import ModelRef
from docutune.registry import Registry
from docutune.tuned import find_model, reference
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class RuntimeChoice:
    """Which runtime opens a model: the plugin's name, its options, the interpreter of another environment."""

    uses: str = "local"
    options: Mapping[str, Any] = field(default_factory=dict)
    python: Path | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A model that was named, on this disk.

    `name` is what people and programs call it; `origin` one line on what it is and where it was found. `form` says what
    `ref` holds: a base alone, an adapter to it, or a whole model that was tuned in full. `base` is the name of the
    base; `run` and `key` stand where a training of this workspace made it.
    """

    ref: ModelRef
    name: str
    origin: str
    form: Literal["base", "adapter", "whole"]
    base: str
    runtime: RuntimeChoice = RuntimeChoice()
    run: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where names are looked up: the workspace, whose folder may be missing, and the folder that paths start from."""

    store: Store
    registry: Registry
    folder: Path
    download: bool = True


def find(name: str | None, run: str | None, place: Place) -> Named:
    """The model called `name`, by default the newest of the workspace; `run` names the run whose training is meant.

    UsageError when there is none, with those there are; DocutuneError when what is there cannot be used.
    """
    hubs = Hubs(place.registry)
    if name is not None and run is None and (name.startswith(("/", "./", "../", "~")) or "/" in name):
        ref = hubs.resolve(name, place.folder, place.download)
        return Named(ref, name, str(ref.folder), "base", name)
    found = find_model(place.store, name, run)
    entry, runtime = found["model"], found["runtime"]
    ref = reference(place.store, found)
    python = Path(runtime["python"]) if runtime.get("python") else None
    return Named(
        ref,
        entry["name"],
        f"trained in run {found['run']} on {entry['base']}",
        "whole" if ref.adapter is not None and models.is_whole(ref.adapter) else "adapter",
        entry["base"],
        RuntimeChoice(runtime["uses"], runtime["options"], python),
        found["run"],
        entry["key"],
    )
