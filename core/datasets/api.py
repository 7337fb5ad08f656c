"""Everything that may be done with the dataset versions of one workspace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from docutune import versions
from docutune.registry import Registry
from docutune.versions import Version
from docutune.workspace import Store


@dataclass(frozen=True)
class Datasets:
    """The dataset versions of a workspace, and the files of samples beside its pipeline file."""

    project: Path
    store: Store
    registry: Registry

    def list(self) -> list[Version]:
        """Every version, oldest first."""
        return list(versions.versions(self.store))
