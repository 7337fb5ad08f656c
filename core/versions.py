"""Dataset versions on the disk: datasets/<version>/ with the splits, every row with its origin, and a description.

A version is the hash of what it holds and is never changed. samples.jsonl holds all rows, also those left out of every
split; the origins in it are those of its first making, for text that moves makes no other version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from docutune import atomic
from docutune.corpus import DESCRIPTION, ROWS, Dataset, described, row_lines, row_of, split_files, version_of
from docutune.errors import DocutuneError
from docutune.records import JsonValue
from docutune.workspace import Store

_VERSION = re.compile(r"[0-9a-f]{16}")
_CHECKSUM = "sha256"


@dataclass(frozen=True, slots=True)
class Version:
    """What a version's dataset.json says; `made` is when its folder was written (UTC)."""

    version: str
    project: str
    samples: dict[str, int]
    left_out: int
    made: datetime


def publish(dataset: Dataset, project: str, store: Store) -> None:
    """Write a version's folder, whole or not at all."""
    with store.staging(store.dataset_folder(dataset.version)) as folder:
        for name, content in split_files(dataset).items():
            atomic.write_text(folder / name, content)
        rows = row_lines(dataset)
        atomic.write_text(folder / ROWS, rows)
        told: dict[str, JsonValue] = {
            **described(dataset, project),
            _CHECKSUM: hashlib.sha256(rows.encode()).hexdigest(),
        }
        atomic.write_text(folder / DESCRIPTION, json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def is_whole(folder: Path) -> bool:
    """Whether samples.jsonl is what its description says."""
    try:
        wanted = json.loads((folder / DESCRIPTION).read_bytes())[_CHECKSUM]
        return bool(hashlib.sha256((folder / ROWS).read_bytes()).hexdigest() == wanted)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def versions(store: Store) -> Iterator[Version]:
    """Every readable version of the workspace, oldest first."""
    folder = store.folder / "datasets"
    found = [path for path in folder.iterdir() if _VERSION.fullmatch(path.name)] if folder.is_dir() else []
    known = (_described(path) for path in found)
    yield from sorted((version for version in known if version), key=lambda version: (version.made, version.version))


def read(store: Store, version: str) -> Dataset:
    """The rows of a version with their origins; DocutuneError when its files are missing or were changed."""
    folder = store.dataset_folder(version)
    path = folder / ROWS
    try:
        lines = path.read_bytes().splitlines()  # of bytes: JSON leaves the line ends of Unicode as they are
        rows = tuple(row_of(json.loads(line)) for line in lines)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, str(error)) from error
    if version_of(rows) != version:
        raise _unreadable(path, "what it holds is another version")
    return Dataset(version, rows)


def _unreadable(path: Path, why: str) -> DocutuneError:
    return DocutuneError(f"{path}: cannot be read: {why}", "docutune run makes the version again from the sources")


def _described(folder: Path) -> Version | None:
    try:
        told: dict[str, Any] = json.loads((folder / DESCRIPTION).read_bytes())
        made = datetime.fromtimestamp((folder / DESCRIPTION).stat().st_mtime, UTC)
        return Version(told["version"], told["project"], dict(told["samples"]), told["left_out"], made)
    except (OSError, ValueError, KeyError, TypeError):
        return None
