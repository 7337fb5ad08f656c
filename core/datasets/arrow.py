"""Rows as Arrow tables: Parquet files and what the datasets library saves. Both libraries are imported when needed."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from docutune.errors import UsageError

_MAGIC = b"PAR1"
_NAME = b"docutune"


def needed(module: str, purpose: str) -> Any:
    """A library that does not come with docutune itself; UsageError says what to install."""
    try:
        return import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed: {error}",
            "install it: pip install 'docutune[trl]'",
        ) from error


def schema() -> Any:
    """The columns of a version, each row with everything that samples.jsonl says of it, and `version`."""
    arrow = needed("pyarrow", "Parquet")
    text, number = arrow.string(), arrow.int64()
    span = arrow.struct([("source", text), ("first_line", number), ("last_line", number)])
    origin = arrow.struct([("spans", arrow.list_(span)), ("task", text), ("producer", text), ("model", text)])
    message = arrow.struct([("role", text), ("content", text)])
    columns = [
        ("id", text),
        ("split", text),
        ("held_out", text),
        ("messages", arrow.list_(message)),
        ("kind", text),
        ("fact", text),
        ("symbols", arrow.list_(text)),
        ("language", text),
        ("origin", origin),
        ("version", text),
    ]
    return arrow.schema(columns)


def to_parquet(rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> bytes:
    """A Parquet file of these rows; `facts` go into its metadata, under "docutune"."""
    arrow, parquet = needed("pyarrow", "Parquet"), needed("pyarrow.parquet", "Parquet")
    told = schema().with_metadata({_NAME: json.dumps(facts, ensure_ascii=False).encode()})
    buffer = io.BytesIO()
    parquet.write_table(arrow.Table.from_pylist(list(rows), schema=told), buffer, compression="zstd")
    return buffer.getvalue()


def is_parquet(path: Path) -> bool:
    """Whether a file begins as Parquet files do."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def parquet_columns(path: Path) -> frozenset[str]:
    """The names of a Parquet file's columns; none where the file is damaged."""
    arrow, parquet = needed("pyarrow", "Parquet"), needed("pyarrow.parquet", "Parquet")
    try:
        return frozenset(parquet.read_schema(path).names)
    except (OSError, arrow.ArrowException):
        return frozenset()


def parquet_rows(path: Path) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """ "row", its number from 1, and the row; UsageError where the file is damaged."""
    arrow, parquet = needed("pyarrow", "Parquet"), needed("pyarrow.parquet", "Parquet")
    try:
        rows = parquet.read_table(path).to_pylist()
    except (OSError, arrow.ArrowException) as error:
        raise UsageError(f"{path}: cannot be read as Parquet: {error}", "copy the export again") from error
    yield from (("row", number, row) for number, row in enumerate(rows, 1))


def save_folder(splits: Mapping[str, Sequence[Mapping[str, Any]]], folder: Path) -> None:
    """Save the splits as a DatasetDict, to be read with datasets.load_from_disk."""
    datasets, arrow = needed("datasets", "--format hf"), needed("pyarrow", "--format hf")
    datasets.disable_progress_bars()
    tables = {name: arrow.Table.from_pylist(list(rows), schema=schema()) for name, rows in splits.items()}
    whole = datasets.DatasetDict({name: datasets.Dataset(table) for name, table in tables.items()})
    whole.save_to_disk(str(folder))
