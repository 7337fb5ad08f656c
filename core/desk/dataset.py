"""What a page shows of datasets, and does with them, beyond what `Workspace.datasets` has."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from docutune import tags
from docutune.atomic import write_text
from docutune.corpus import SPLITS
from docutune.errors import UsageError
from docutune.records import Split
from docutune.suggestions import listed
from docutune.version_names import folders
from docutune.workspace import Store

if TYPE_CHECKING:
    from docutune.datasets.adding import Typed
    from docutune.datasets.export import Exported
    from docutune.datasets.importing import ImportRequest
    from docutune.desk.edits import Edits
    from docutune.desk.file import PipelineFile
    from docutune.desk.samples import Samples
    from docutune.report.findings import Finding
    from docutune.report.quality import Quality

_MEASURING = threading.Lock()
_BELOW = "datasets"  # beside the exports of models
_SUFFIXES = {"messages": ".jsonl", "alpaca": ".json", "sharegpt": ".json", "csv": ".csv", "parquet": ".parquet"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The quality of a version in one language; `notes` say what could not be measured, `page` is the whole report."""

    headline: str
    findings: tuple[Finding, ...]
    quality: Quality
    notes: tuple[str, ...]
    page: Path


@dataclass(frozen=True)
class DatasetDesk:
    """The datasets of one workspace."""

    file: PipelineFile
    store: Store

    @cached_property
    def samples(self) -> Samples:
        """The samples of versions, page by page, and their ratings."""
        from docutune.desk.samples import Samples

        return Samples(self.store)

    @cached_property
    def edits(self) -> Edits:
        """Edits of samples."""
        from docutune.desk.edits import Edits

        return Edits(self.file, self.samples)

    def sign(self) -> tuple[object, ...]:
        """What tells whether the versions and what names them are still the same, at little cost; versions first."""
        runs = self.store.runs()
        places = [self.store.folder / name for name in (tags.FILE, "models")]
        places += [run / "manifest.json" for run in runs[-1:]]  # a version is there before its run names it
        changed = (place.stat().st_mtime_ns if place.exists() else 0 for place in places)
        return (*folders(self.store), *changed, len(runs))

    def quality(self, version: str, language: str) -> Judgement:
        """The report on the quality of a version; it is put into `exports/`, too.

        Tokens are counted in a process of its own, one version after the other, and kept. Errors as Reporting.report.
        """
        from docutune.datasets.quality import Reporting
        from docutune.desk.exports import FOLDER
        from docutune.report.findings import findings, headline
        from docutune.report.quality_page import to_html

        notes: list[str] = []
        with _MEASURING:
            reporting = Reporting(self.file.project, self.store, self.file.registry, notes.append)
            quality, _ = reporting.report(version, None)
        told = replace(quality, language=language)
        page = self.file.project / FOLDER / _BELOW / f"{quality.version}-quality-{language}.html"
        write_text(page, to_html(told))
        return Judgement(headline(told), tuple(findings(told)), told, tuple(notes), page)

    def request(
        self,
        files: Sequence[str],
        columns: Sequence[str],
        system: str = "",
        encoding: str = "",
        validation: float = 0.1,
        test: float = 0.05,
    ) -> ImportRequest:
        """What to import, as boxes hold it ("": unset); `columns`: of the question, the answer, the system prompt."""
        from docutune.datasets.importing import ImportRequest

        question, answer, system_column = ((name or "").strip() or None for name in columns)
        return ImportRequest(
            tuple(Path(name) for name in files),
            question=question,
            answer=answer,
            system_column=system_column,
            system=system.strip() or None,
            encoding=encoding.strip() or None,
            validation=validation,
            test=test,
        )

    def typed(self, question: str, answer: str, split: Split | None) -> Typed:
        """A question and its answer as they were typed."""
        from docutune.datasets.adding import Typed

        return Typed(question, answer, None, split)

    def export(self, version: str, form: str, splits: Sequence[Split]) -> Exported:
        """Write a version into `exports/` under a name that says what it is; the same export again replaces it.

        Errors as datasets.export.export.
        """
        from docutune.datasets.export import ExportRequest, export
        from docutune.datasets.formats import FORMATS
        from docutune.desk.exports import FOLDER
        from docutune.version_names import resolve

        found = resolve(self.store, version).version
        if form not in FORMATS or not set(splits) <= set(SPLITS):
            raise UsageError(f"{form}: there is no such format, or split", f"formats are {listed(FORMATS)}")
        name = f"{'-'.join((found, *splits, form))}{_SUFFIXES.get(form, '')}"
        output = self.file.project / FOLDER / _BELOW / name
        return export(self.store, ExportRequest(found, form, output, tuple(splits), force=output.exists()))
