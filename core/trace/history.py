"""What the runs of a workspace left behind, read for tracing: newest run first, and damage becomes a note."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from docutune.corpus import SPLITS
from docutune.errors import DocutuneError
from docutune.trace.rows import Row, RowFile
from docutune.workspace import Store, read_manifest


@dataclass(frozen=True, slots=True)
class Seen:
    """A document as a run saw it; `sha256` is empty where it could not be read."""

    source: str
    sha256: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A model as a run's manifest names it. `status` is that run's own part: "made" or "reused"."""

    name: str
    key: str
    trainer: str
    base: str
    base_digest: str
    adapter: str
    status: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a run's manifest says, as far as tracing needs it: `documents` by source as they stand there, for they may
    be many; `facts` is all of it.
    """

    folder: Path
    project: str
    dataset: str | None
    documents: Mapping[str, Mapping[str, Any]]
    models: tuple[Model, ...]
    facts: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The run's name."""
        return self.folder.name

    @property
    def takes(self) -> str | None:
        """The version that the pipeline named, so that the run made none."""
        return (self.facts.get("takes") or {}).get("version")

    def seen(self, source: str) -> Seen | None:
        """The document as this run saw it."""
        entry = self.documents.get(source)
        return (
            None
            if entry is None
            else Seen(source, str(entry.get("sha256", "")), tuple(map(str, entry.get("problems", ()))))
        )


class History:
    """The runs, dataset versions and rows of a workspace. `notes` grows with what could not be read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.notes: list[str] = []
        self._used: dict[str, tuple[Run | None, tuple[RowFile, ...]]] = {}

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Every run that left a manifest, newest first."""
        return tuple(self._read())

    @cached_property
    def versions(self) -> Mapping[str, tuple[Run, ...]]:
        """Dataset version -> its runs, newest first; versions in the order of their newest run, those without last."""
        found: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            if run.dataset:
                found[run.dataset].append(run)
        folders = self.store.folder / "datasets"
        left = sorted(folder.name for folder in folders.iterdir()) if folders.is_dir() else []
        return {name: tuple(found.get(name, ())) for name in (*found, *left) if not name.startswith(".")}

    def source(self, version: str) -> tuple[Run | None, tuple[RowFile, ...]]:
        """Where the rows of a version are read, and the run whose origins they bear: its newest one that has them.

        A version that no run tells of any more is read from its own folder, without origins.
        """
        if version not in self._used:
            self._used[version] = self._source(version)
        return self._used[version]

    def rows(self, version: str, needle: str = "") -> Iterator[Row]:
        """The rows of a version whose line holds `needle`."""
        for file in self.source(version)[1]:
            yield from file.find(needle, self.notes)

    def own_rows(self, run: Run, needle: str = "") -> Iterator[Row]:
        """The rows with the origins of this run."""
        if (file := RowFile(run.folder / "samples.jsonl")).path.is_file():
            yield from file.find(needle, self.notes)

    def _source(self, version: str) -> tuple[Run | None, tuple[RowFile, ...]]:
        for run in sorted(self.versions[version], key=lambda run: bool(run.takes)):  # who made it knows its documents
            if (path := run.folder / "samples.jsonl").is_file():
                return run, (RowFile(path),)
            self.notes.append(f"{path} is missing")
        folder = self.store.dataset_folder(version)
        files = ((folder / f"{split}.jsonl", split) for split in SPLITS)
        return None, tuple(RowFile(path, split) for path, split in files if path.is_file())

    def _read(self) -> Iterator[Run]:
        for folder in reversed(self.store.runs()):
            try:
                yield _run(folder, read_manifest(folder))
            except DocutuneError as error:
                self.notes.append(error.message)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                self.notes.append(f"{folder / 'manifest.json'}: damaged: {type(error).__name__}: {error}")


def _run(folder: Path, facts: Mapping[str, Any]) -> Run:
    documents = {str(entry["source"]): entry for entry in facts.get("documents", ())}
    status = {step["name"]: step["status"] for step in facts["steps"]}
    models = tuple(_model(entry, status) for entry in facts.get("models", ()))
    return Run(folder, str(facts["project"]), facts.get("dataset"), documents, models, facts)


def _model(entry: Mapping[str, Any], status: Mapping[str, str]) -> Model:
    return Model(
        name=str(entry["name"]),
        key=str(entry["key"]),
        trainer=str(entry["trainer"]),
        base=str(entry["base"]),
        base_digest=str(entry["base_digest"]),
        adapter=str(entry["adapter"]),
        status=status.get(f"train:{entry['name']}", "reused"),
    )
