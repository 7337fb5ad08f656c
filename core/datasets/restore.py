"""An exported dataset version comes back: messages JSON Lines and Parquet hold every field of every row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docutune import tags
from docutune.corpus import Dataset, Row, row_of, version_of
from docutune.datasets.arrow import is_parquet, parquet_columns, parquet_rows
from docutune.errors import DocutuneError, UsageError
from docutune.versions import Version, describe, publish
from docutune.workspace import Store

FIELDS = frozenset({"id", "split", "held_out", "messages", "kind", "fact", "symbols", "language", "origin"})
"""What every row of an export holds; `version` stands beside them."""

_EDITED = "a row that was edited is no longer of that version: list the file under sources: as `- samples: {name}`"
_LACKING = "rows are missing or were moved to other splits; copy the export again"


def recognised(path: Path) -> bool:
    """Whether a file looks like an exported version: by the fields of its first row. Parquet files need pyarrow."""
    if is_parquet(path):
        return parquet_columns(path) >= FIELDS
    first = _first_line(path)
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and set(value) >= FIELDS


def restore(path: Path, store: Store, project: str) -> Version:
    """Put the version that was exported to this file back into the workspace; it stays until it is removed.

    UsageError names the line of a row whose content does not fit its id, or says that rows are missing.
    """
    numbered = parquet_rows(path) if is_parquet(path) else _json_rows(path)
    rows: list[Row] = []
    declared: dict[str, int] = {}
    lines: dict[str, int] = {}
    for place, number, value in numbered:
        row = _row(path, place, number, value)
        name = row.made.sample.id
        if name in lines:
            raise _damaged(f"{path}: {place} {number}: the same sample as {place} {lines[name]}", _LACKING)
        lines[name] = number
        if isinstance(value.get("version"), str):
            declared.setdefault(value["version"], number)
        rows.append(row)
    return _kept(path, rows, declared, store, project)


def _kept(path: Path, rows: list[Row], declared: Mapping[str, int], store: Store, project: str) -> Version:
    rows.sort(key=lambda row: row.made.sample.id)
    dataset = Dataset(version_of(rows), tuple(rows))
    if not rows:
        raise _damaged(f"{path}: holds no row", "export it again: docutune dataset export")
    if len(declared) > 1:
        raise _damaged(f"{path}: holds rows of several versions: {', '.join(declared)}", "import them file by file")
    for version in declared:
        if version != dataset.version:
            raise _damaged(f"{path}: its rows say version {version}, but they are {dataset.version}", _LACKING)
    tags.add_import(store, dataset.version, path.name)  # first: so no clean takes what comes now
    known = describe(store, dataset.version)
    if known is None:
        publish(dataset, project, store)
        known = describe(store, dataset.version)
    assert known is not None
    return known


def _row(path: Path, place: str, number: int, value: Mapping[str, Any]) -> Row:
    lacking = sorted(FIELDS - value.keys())
    if lacking:
        raise _damaged(f"{path}: {place} {number}: no field {lacking[0]!r}", "export it again: docutune dataset export")
    try:
        return row_of({name: value[name] for name in FIELDS})
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(f"{path}: {place} {number}: {error}", _EDITED.format(name=path)) from error


def _json_rows(path: Path) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Lines end with a line feed and nothing else: JSON leaves the line ends of Unicode as they are."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}", "see that you may read it") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _damaged(f"{path}: line {number}: not JSON: {error}", _LACKING) from error
        if not isinstance(value, dict):
            raise _damaged(f"{path}: line {number}: no JSON object", _LACKING)
        yield "line", number, value


def _first_line(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return next((line for line in file if line.strip()), b"")
    except OSError:
        return b""


def _damaged(message: str, hint: str) -> DocutuneError:
    return UsageError(message, hint)
