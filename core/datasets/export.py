"""A dataset version goes out: one file or folder, whole or not at all, and what it cannot carry is told."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docutune import atomic, versions
from docutune.corpus import Row, version_of
from docutune.datasets import formats
from docutune.datasets.arrow import needed, save_folder
from docutune.errors import UsageError
from docutune.records import Split
from docutune.version_names import resolve
from docutune.workspace import Store

_OF_A_FOLDER = "dataset_dict.json"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What to export, and where to; no `splits` means every sample, also those of no split."""

    version: str
    form: str
    output: Path
    splits: Sequence[Split] = ()
    force: bool = False
    raw_cells: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written. `comes_back_as`: the version that import makes of it, None for forms that lose something.

    `drops` has a line for each thing that is not in there, or that not every reader of the form understands.
    """

    version: str
    output: Path
    samples: int
    bytes: int
    comes_back_as: str | None
    drops: tuple[str, ...]


def export(store: Store, request: ExportRequest) -> Exported:
    """Write the export. UsageError when something is there already, a library is missing, or there is no such sample;
    DocutuneError when the version is gone or was changed.
    """
    _check(request)
    version = resolve(store, request.version).version
    dataset = versions.read(store, version)
    described = versions.describe(store, version)
    rows = [row for row in dataset.rows if not request.splits or row.split in request.splits]
    if not rows:
        raise UsageError(f"version {version} has no sample in {' or '.join(request.splits)}", "choose other splits")
    own = version_of(rows)
    if request.form == "hf":
        drops = _write_folder(request.output, rows, own)
    else:
        project = described.project if described else ""
        written = formats.write(request.form, rows, own, project, request.raw_cells)
        atomic.write_bytes(request.output, written.content)
        drops = written.drops
    back = own if request.form in formats.RESTORED else None
    left = len(versions.read_rejected(store, version))
    more = [f"{left:,} that were left out when it was made (docutune dataset show --rejected)"] if left else []
    if back is None:
        way = "does not read it" if request.form == "hf" else "takes it for question-answer pairs"
        more.append(f"the way back: docutune dataset import {way} (messages and parquet come back as the same version)")
    size = atomic.size(request.output) if request.output.is_dir() else request.output.stat().st_size
    return Exported(version, request.output, len(rows), size, back, (*drops, *more))


def _check(request: ExportRequest) -> None:
    """Before anything is read: may the target be written, and is there the library for it?"""
    output = request.output
    if request.form in ("parquet", "hf"):
        needed("pyarrow", f"--format {request.form}")
    if request.form == "hf":
        needed("datasets", "--format hf")
    if not (output.exists() or output.is_symlink()):
        return
    if not request.force:
        raise UsageError(f"{output} is there already", "choose another --output, or replace it with --force")
    if request.form == "hf":
        if not (output / _OF_A_FOLDER).is_file():
            raise UsageError(f"{output} is no folder of a dataset, so it is not replaced", "choose another --output")
    elif not output.is_file():
        raise UsageError(f"{output} is no file, so it is not replaced", "choose another --output")


def _write_folder(output: Path, rows: Sequence[Row], version: str) -> tuple[str, ...]:
    splits, drops = formats.splits_of(rows, version)
    with _beside(output) as folder:
        save_folder(splits, folder)
        told = {"version": version, "splits": {name: len(found) for name, found in splits.items()}}
        atomic.write_text(folder / "docutune.json", json.dumps(told, indent=2) + "\n")
    return drops


@contextmanager
def _beside(output: Path) -> Iterator[Path]:
    """A folder to build in, moved to its place when the block ends well and removed when it does not."""
    made = output.with_name(f".{output.name}.{uuid.uuid4().hex[:8]}.tmp")
    with atomic.writing(made):
        atomic.make_folder(output.absolute().parent)
        made.mkdir()
    try:
        with atomic.writing(made):
            yield made
        atomic.publish_folder(made, output)
    finally:
        shutil.rmtree(made, ignore_errors=True)
