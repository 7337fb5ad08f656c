"""Everything that may be done with the dataset versions of one workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docutune import versions
from docutune.registry import Registry
from docutune.versions import Version
from docutune.workspace import Store

if TYPE_CHECKING:
    from docutune.datasets.adding import Adding
    from docutune.datasets.checking import Checked
    from docutune.datasets.importing import Importing
    from docutune.report.quality import Quality


@dataclass(frozen=True)
class Datasets:
    """The dataset versions of a workspace, and the files of samples beside its pipeline file."""

    project: Path
    store: Store
    registry: Registry

    def list(self) -> list[Version]:
        """Every version, oldest first."""
        return list(versions.versions(self.store))

    def importing(self, pipeline: Path) -> Importing:
        """What brings question-answer files into the samples of a pipeline file."""
        from docutune.datasets.importing import Importing

        return Importing(pipeline, self.store, self.registry)

    def adding(self, pipeline: Path, to: Path | None = None) -> Adding:
        """What adds samples that somebody types to a samples file of a pipeline."""
        from docutune.datasets.adding import Adding

        return Adding(pipeline, self.store, self.registry, to)

    def check(self, pipeline: Path, files: Sequence[Path]) -> Checked:
        """Every problem in the named files of samples, or in all that the pipeline file reads."""
        from docutune.datasets.checking import check

        return check(pipeline, files, self.registry)

    def report(self, version: str, pipeline: Path | None, note: Callable[[str], None]) -> tuple[Quality, Path]:
        """The report on the quality of a version, and its page. See datasets.quality.Reporting."""
        from docutune.datasets.quality import Reporting

        return Reporting(self.project, self.store, self.registry, note).report(version, pipeline)
