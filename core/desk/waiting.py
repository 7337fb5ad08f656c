"""Edits of samples that no dataset version has yet: found in their file, to be corrected or taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from docutune.corpus import ROWS
from docutune.rated import Rating, Verdict
from docutune.version_names import folders
from docutune.workspace import Store

FIELD = "edit"
"""The field of a row that says which sample it was made of; parsers of samples read over it."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An edit: its line as it stands and the number of it, the id of the new sample, and what its messages say.

    `verdict` and `note`: how the old sample was rated before it was edited.
    """

    line: bytes
    number: int
    id: str
    texts: tuple[str, ...]
    verdict: Verdict | None = None
    note: str = ""


def mark(sample: str, made: str, before: Rating | Waiting | None) -> dict[str, Any]:
    """The field for an edit of `sample` that is the sample `made`; `before` tells how the old one was rated."""
    rated = {"verdict": before.verdict, "note": before.note} if before is not None else {}
    return {FIELD: {"of": sample, "id": made, **{name: value for name, value in rated.items() if value}}}


def find(file: Path, store: Store, sample: str) -> Waiting | None:
    """The edit of that sample, the last one; None where there is none, or a version has it: what is done stays."""
    found = [edit for edit in _edits(file, sample) if not _in_a_version(store, edit.id)]
    return found[-1] if found else None


def _edits(file: Path, sample: str) -> Iterator[Waiting]:
    lines = file.read_bytes().splitlines() if file.is_file() else []
    for number, line in enumerate(lines, start=1):
        row = _row(line)
        edit = row.get(FIELD)
        if isinstance(edit, dict) and edit.get("of") == sample:
            yield _waiting(line, number, row, edit)


def _waiting(line: bytes, number: int, row: Mapping[str, Any], edit: Mapping[str, Any]) -> Waiting:
    messages = row.get("messages")
    said = messages if isinstance(messages, list) else []
    texts = tuple(str(message.get("content", "")) for message in said if isinstance(message, dict))
    verdict = next((known for known in get_args(Verdict) if known == edit.get("verdict")), None)
    return Waiting(line, number, str(edit.get("id", "")), texts, verdict, str(edit.get("note", "")))


def _row(line: bytes) -> dict[str, Any]:
    """Nothing for a line that is no object: whoever reads samples tells of it."""
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _in_a_version(store: Store, sample: str) -> bool:
    rows = (store.dataset_folder(version) / ROWS for version in folders(store))
    return bool(sample) and any(sample.encode() in path.read_bytes() for path in rows if path.is_file())
