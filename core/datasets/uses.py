"""What stands on a dataset version: runs, models, trainings, tags, pipeline files, notes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from docutune import tags
from docutune.datasets.mentions import mentions
from docutune.named import described, folders_of
from docutune.tags import Imported
from docutune.trace.history import History
from docutune.workspace import Store

_NOTEBOOK = "notebook.json"


@dataclass(frozen=True, slots=True)
class Uses:
    """Who names one version. `runs` are newest first, `notes` counts the notebook's entries that name it."""

    tags: tuple[str, ...] = ()
    imported: Imported | None = None
    runs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    trainings: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    notes: int = 0

    def told(self) -> Iterator[str]:
        """Everything that would miss the version, a line each."""
        for noun, names in (
            ("tag", self.tags),
            ("pipeline file", self.pipelines),
            ("model", self.models),
            ("interrupted training", self.trainings),
            ("run", self.runs),
        ):
            if names:
                yield f"{noun}{'' if len(names) == 1 else 's'} {', '.join(names)}"
        if self.notes:
            yield f"{self.notes:,} {'entry' if self.notes == 1 else 'entries'} of the notebook"


@dataclass(frozen=True)
class Users:
    """Looks through a workspace once, for all its versions."""

    store: Store

    def of(self, version: str) -> Uses:
        """Who names that version."""
        pins = self._pins
        return Uses(
            tags=pins.of(version),
            imported=pins.imported.get(version),
            runs=tuple(run.id for run in self.history.runs if version in (run.dataset, run.takes)),
            models=self._folders["models"].get(version, ()),
            trainings=self._folders["training"].get(version, ()),
            pipelines=tuple(name for name, versions in self._mentions.items() if version in versions),
            notes=sum(version in note for note in self._notes),
        )

    @cached_property
    def history(self) -> History:
        """The runs."""
        return History(self.store)

    @cached_property
    def _pins(self) -> tags.Pins:
        return tags.read(self.store)

    @cached_property
    def _mentions(self) -> Mapping[str, frozenset[str]]:
        return mentions(self.store).files

    @cached_property
    def _folders(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """Area -> version -> names of what was trained on it."""
        return {
            "models": _by_version(described(folder) for folder in folders_of(self.store, "models")),
            "training": _by_version(_told(folder / "training.json") for folder in folders_of(self.store, "training")),
        }

    @cached_property
    def _notes(self) -> list[str]:
        """The notebook's entries as text, whatever their tables."""
        tables = _told(self.store.folder / _NOTEBOOK)
        entries = (table.values() for table in tables.values() if isinstance(table, dict))
        return [json.dumps(entry) for table in entries for entry in table]


def _by_version(facts: Iterator[dict[str, Any]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for item in facts:
        if isinstance(item.get("dataset"), str):
            name = f"{item.get('name', '')} {str(item.get('key', ''))[:16]}".strip()
            found[item["dataset"]] = (*found.get(item["dataset"], ()), name)
    return found


def _told(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is none that can be read."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
