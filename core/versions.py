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
from docutune.records import JsonValue, fingerprint
from docutune.workspace import Store

REJECTED = "rejected.jsonl"
_VERSION = re.compile(r"[0-9a-f]{16}")
_ANEW = "docutune run makes it again from the sources, docutune dataset import from an export"
_CHECKSUM, _REJECTED, _OWN = "sha256", "rejected_sha256", "description_sha256"


@dataclass(frozen=True, slots=True)
class Version:
    """What a version's dataset.json says; `made` is when its folder was written (UTC)."""

    version: str
    project: str
    samples: dict[str, int]
    left_out: int
    made: datetime


def publish(dataset: Dataset, project: str, store: Store, rejected: str = "") -> None:
    """Write a version's folder, whole or not at all. `rejected`: the lines on what was left out when it was made."""
    with store.staging(store.dataset_folder(dataset.version)) as folder:
        for name, content in split_files(dataset).items():
            atomic.write_text(folder / name, content)
        rows = row_lines(dataset)
        atomic.write_text(folder / ROWS, rows)
        told: dict[str, JsonValue] = {**described(dataset, project), _CHECKSUM: _digest(rows.encode())}
        if rejected:
            atomic.write_text(folder / REJECTED, rejected)
            told[_REJECTED] = _digest(rejected.encode())
        told[_OWN] = fingerprint(told)
        atomic.write_text(folder / DESCRIPTION, json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def is_whole(folder: Path) -> bool:
    """Whether dataset.json, samples.jsonl and rejected.jsonl are what they were when the folder was written."""
    try:
        return _harm(folder, _told(folder)) is None
    except (OSError, ValueError, KeyError, TypeError):
        return False


def versions(store: Store) -> Iterator[Version]:
    """Every readable version of the workspace, oldest first."""
    folder = store.folder / "datasets"
    found = [path for path in folder.iterdir() if _VERSION.fullmatch(path.name)] if folder.is_dir() else []
    known = (_described(path) for path in found)
    yield from sorted((version for version in known if version), key=lambda version: (version.made, version.version))


def describe(store: Store, version: str) -> Version | None:
    """What the description of a version says, if its files are whole; see `is_whole`."""
    folder = store.dataset_folder(version)
    return _described(folder) if is_whole(folder) else None


def read(store: Store, version: str) -> Dataset:
    """The rows of a version with their origins. DocutuneError when a file is missing or differs in a single byte."""
    folder = store.dataset_folder(version)
    if not folder.is_dir():
        raise DocutuneError(f"dataset version {version} is not here any more", _ANEW)
    try:
        harm = _harm(folder, _told(folder))
        lines = (folder / ROWS).read_bytes().splitlines()  # of bytes: JSON leaves the line ends of Unicode as they are
        rows = tuple(row_of(json.loads(line)) for line in lines)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(folder, str(error)) from error
    dataset = Dataset(version, rows)
    if harm is None and version_of(rows) != version:
        harm = f"{ROWS} holds another version"
    if harm := harm or _harmed_split(folder, dataset):
        raise _unreadable(folder, harm)
    return dataset


def read_rejected(store: Store, version: str) -> list[dict[str, Any]]:
    """What was left out when a version was first made, as rejected.jsonl has it; DocutuneError when it was changed."""
    folder = store.dataset_folder(version)
    if not is_whole(folder):
        raise _unreadable(folder, "a file is missing or was changed")
    path = folder / REJECTED
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.is_file() else []


def _told(folder: Path) -> dict[str, Any]:
    """What dataset.json says; ValueError where it was changed."""
    told: dict[str, Any] = json.loads((folder / DESCRIPTION).read_bytes())
    rest = {name: value for name, value in told.items() if name != _OWN}
    if told[_OWN] != fingerprint(rest):
        raise ValueError(f"{DESCRIPTION} was changed")
    return told


def _harm(folder: Path, told: dict[str, Any]) -> str | None:
    """Which file is not as its description says."""
    if told["version"] != folder.name:
        return f"{DESCRIPTION} is that of version {told['version']}"
    if _digest((folder / ROWS).read_bytes()) != told[_CHECKSUM]:
        return f"{ROWS} was changed"
    wanted = told.get(_REJECTED)
    there = (folder / REJECTED).is_file()
    if there != (wanted is not None) or (there and _digest((folder / REJECTED).read_bytes()) != wanted):
        return f"{REJECTED} was changed"
    return None


def _harmed_split(folder: Path, dataset: Dataset) -> str | None:
    for name, content in split_files(dataset).items():
        try:
            if (folder / name).read_bytes() != content.encode():
                return f"{name} was changed"
        except OSError as error:
            return f"{name}: {error.strerror or error}"
    return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _unreadable(folder: Path, why: str) -> DocutuneError:
    return DocutuneError(f"{folder}: not the version that was made: {why}", _ANEW)


def _described(folder: Path) -> Version | None:
    try:
        told = _told(folder)
        made = datetime.fromtimestamp((folder / DESCRIPTION).stat().st_mtime, UTC)
        return Version(told["version"], told["project"], dict(told["samples"]), told["left_out"], made)
    except (OSError, ValueError, KeyError, TypeError):
        return None
