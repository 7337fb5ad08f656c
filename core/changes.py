"""What differs from the last run: documents by their digests, and tasks whose samples go."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune.errors import DocutuneError
from docutune.steps.base import Document
from docutune.workspace import Store, read_manifest


@dataclass(frozen=True, slots=True)
class Changes:
    """Documents against those of run `since`: paths that are new, differ or are gone, and how many are as they were.

    `since` is None where no run has parsed anything yet.
    """

    since: str | None
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    reused: int


@dataclass(frozen=True)
class LastRun:
    """The newest run that parsed its sources, or nothing at all."""

    folder: Path | None
    documents: Mapping[str, str]

    @classmethod
    def of(cls, store: Store) -> LastRun:
        """The last run of a workspace."""
        for folder in reversed(store.runs()):
            manifest = _manifest(folder)
            if "documents" in manifest:
                return cls(folder, {document["source"]: document["sha256"] for document in manifest["documents"]})
        return cls(None, {})

    def changes(self, documents: Sequence[Document]) -> Changes:
        """How these documents differ from those of the last run."""
        now = {document.source: document.digest for document in documents}
        both = now.keys() & self.documents.keys()
        changed = tuple(sorted(source for source in both if now[source] != self.documents[source]))
        return Changes(
            since=self.folder.name if self.folder else None,
            added=tuple(sorted(now.keys() - both)),
            changed=changed,
            removed=tuple(sorted(self.documents.keys() - both)),
            reused=len(both) - len(changed),
        )

    def tasks(self) -> Mapping[str, set[str]]:
        """Plugin -> the tasks that gave samples then; nothing where that run was stopped before its dataset."""
        tasks: dict[str, set[str]] = defaultdict(set)
        for origin in self._origins():
            tasks[origin["producer"].rpartition("@")[0]].add(origin["task"])
        return tasks

    def _origins(self) -> list[dict[str, str]]:
        if self.folder is None:
            return []
        try:
            with (self.folder / "samples.jsonl").open(encoding="utf-8") as file:
                return [json.loads(line)["origin"] for line in file]
        except (OSError, ValueError, KeyError, TypeError):
            return []  # absent or damaged: nothing to compare with


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return read_manifest(folder)
    except DocutuneError:
        return {}  # damaged, or of another version: nothing to compare with
