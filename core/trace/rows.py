"""Rows of samples.jsonl and of a dataset version's files, found by what their line holds: few lines are parsed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune.records import Span


@dataclass(frozen=True, slots=True)
class Row:
    """A sample of a dataset version; without spans, task and producer where no run tells its origin."""

    id: str
    split: str | None
    kind: str
    fact: str
    symbols: tuple[str, ...]
    language: str
    messages: tuple[Mapping[str, str], ...]
    spans: tuple[Span, ...]
    task: str
    producer: str
    model: str | None

    def said(self, role: str) -> str:
        """What that role says last, empty when it says nothing."""
        return next((turn["content"] for turn in reversed(self.messages) if turn["role"] == role), "")


@dataclass(frozen=True, slots=True)
class RowFile:
    """A file of rows. `split` is that of all its rows where they do not say it themselves."""

    path: Path
    split: str | None = None

    def find(self, needle: str, notes: list[str]) -> Iterator[Row]:
        """Every row whose line holds `needle`; a damaged line becomes a note."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            notes.append(f"{self.path}: cannot be read: {error.strerror or error}")
            return
        for start, line in _lines(data, needle.encode("utf-8", "surrogateescape")):
            try:
                yield _row(json.loads(line), self.split)
            except (AttributeError, KeyError, TypeError, ValueError):
                number = data.count(b"\n", 0, start) + 1
                notes.append(f"{self.path}:{number}: damaged, passed over")


def quoted(text: str) -> str:
    """A text as it stands in a line."""
    return json.dumps(text, ensure_ascii=False)


def _lines(data: bytes, needle: bytes) -> Iterator[tuple[int, bytes]]:
    """Where each line with the needle starts, and the line."""
    place = data.find(needle)
    while 0 <= place < len(data):
        start = data.rfind(b"\n", 0, place) + 1
        end = data.find(b"\n", place)
        end = len(data) if end < 0 else end
        yield start, data[start:end]
        place = data.find(needle, end + 1)


def _row(entry: Mapping[str, Any], split: str | None) -> Row:
    origin = entry.get("origin", {})
    spans = (
        Span(str(span["source"]), int(span["first_line"]), int(span["last_line"])) for span in origin.get("spans", ())
    )
    return Row(
        id=str(entry["id"]),
        split=entry.get("split", split),
        kind=str(entry["kind"]),
        fact=str(entry["fact"]),
        symbols=tuple(map(str, entry["symbols"])),
        language=str(entry["language"]),
        messages=tuple({"role": str(turn["role"]), "content": str(turn["content"])} for turn in entry["messages"]),
        spans=tuple(spans),
        task=str(origin.get("task", "")),
        producer=str(origin.get("producer", "")),
        model=origin.get("model"),
    )
