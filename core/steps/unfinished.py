"""Trainings that were interrupted: what each was, and what differs from the one that begins in its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune import atomic
from docutune.checkpoints import differences, last_step
from docutune.records import JsonValue
from docutune.workspace import Store

FILE = "training.json"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A training with at least one checkpoint, the newest of `step`. `facts` are what its training.json says.

    `left`: when its files changed last, in seconds since the epoch.
    """

    name: str
    key: str
    step: int
    facts: Mapping[str, Any]
    left: float


def describe(
    folder: Path,
    name: str,
    key: str,
    trainer: Mapping[str, JsonValue],
    dataset: str,
    base: Mapping[str, JsonValue],
) -> dict[str, Any]:
    """Write training.json into a training's folder. `trainer` has plugin, revision, options; `base` name and digest."""
    facts = {"name": name, "key": key, **trainer, "dataset": dataset, "base": dict(base)}
    atomic.write_text(folder / FILE, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    return facts


def step_reached(store: Store, key: str) -> int | None:
    """The step of the newest checkpoint of the training with this key, by its name; None when there is none."""
    return last_step(store.training_folder(key) / CHECKPOINTS)


def starts_anew(store: Store, facts: Mapping[str, Any]) -> str | None:
    """What to say when a training begins from nothing while the last one of its name was interrupted; else None.

    One of that name that was finished since then ends the matter.
    """
    if step_reached(store, facts["key"]) is not None:
        return None
    others = [other for other in unfinished(store) if other.name == facts["name"] and other.key != facts["key"]]
    if not others:
        return None
    other = max(others, key=lambda each: each.left)
    if any(finished > other.left for finished in _finished(store, facts["name"])):
        return None
    changed = "; ".join(differences(_flat(other.facts), _flat(facts)))
    advice = ": set back, it goes on" if _same_material(other.facts, facts) else ""
    return f"it starts anew, for in the training that was stopped at step {other.step} {changed}{advice}"


def unfinished(store: Store) -> Iterator[Unfinished]:
    """Every training that was interrupted after its first checkpoint."""
    for path in sorted((store.folder / "training").glob(f"*/{FILE}")):
        step = last_step(path.parent / CHECKPOINTS)
        facts = _facts(path)
        if step is not None and facts is not None:
            left = max(path.stat().st_mtime, (path.parent / CHECKPOINTS).stat().st_mtime)
            yield Unfinished(facts["name"], facts["key"], step, facts, left)


def _finished(store: Store, name: str) -> Iterator[float]:
    """When each kept model of this name was finished, in seconds since the epoch."""
    for path in (store.folder / "models").glob("[!.]*/model.json"):
        try:
            named = json.loads(path.read_text("utf-8")).get("name") == name
        except (OSError, ValueError, AttributeError):
            continue  # a damaged model is trained again: it was not finished
        if named:
            yield path.stat().st_mtime


def _same_material(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether only options differ: data, a base or a trainer's code are not set back with one line."""
    return all(old.get(name) == new.get(name) for name in ("dataset", "base", "revision"))


def _facts(path: Path) -> dict[str, Any] | None:
    try:
        facts = json.loads(path.read_text("utf-8"))
        return facts if {"name", "key", "options"} <= facts.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _flat(facts: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Field -> value: the options by their own names, those of one backend after its name and a dot."""
    options: dict[str, JsonValue] = {}
    for name, value in facts["options"].items():
        nested = value if isinstance(value, dict) else {}
        options |= {f"{name}.{inner}": each for inner, each in nested.items()} if nested else {name: value}
    base = facts.get("base") or {}
    return {
        "trainer": facts.get("plugin"),
        "the trainer's revision": facts.get("revision"),
        "model": base.get("name"),
        "the model's digest": base.get("digest"),
        "the dataset": facts.get("dataset"),
        **options,
    }
