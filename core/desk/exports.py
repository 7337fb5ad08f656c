"""Where a page puts what it lets people download: the folder `exports/` of the workspace, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from docutune.datasets.export import Exported, ExportRequest, export
from docutune.records import Split
from docutune.version_names import resolve
from docutune.workspace import Store

FOLDER = "exports"
_SUFFIXES = {"messages": ".jsonl", "alpaca": ".json", "sharegpt": ".json", "csv": ".csv", "parquet": ".parquet"}


def export_version(store: Store, project: Path, version: str, form: str, splits: Sequence[Split]) -> Exported:
    """Write a version there under a name that says what it is; the same export again replaces it.

    Errors as datasets.export.export.
    """
    found = resolve(store, version).version
    parts = "-".join((found, *splits, form))
    output = project / FOLDER / f"{parts}{_SUFFIXES.get(form, '')}"
    return export(store, ExportRequest(found, form, output, tuple(splits), force=output.exists()))
