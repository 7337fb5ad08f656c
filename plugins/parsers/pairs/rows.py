"""What the readers of files give: rows, and what could not be read as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

UNSAVED = "\0formula"
"""Stands for the value of a formula that was saved without one; no cell of a workbook can hold it."""

_KINDS = {dict: "an object", list: "a list", str: "text or a number", bool: "true or false", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row by the names of its fields; lines are 1-based and inclusive. Numbers are text, as they were written."""

    fields: Mapping[str, object]
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A row or a part of the file that gives no sample. `reason` is one for many rows, `detail` of this one, `row` its
    number where several stand on its line.
    """

    first_line: int
    last_line: int
    reason: str
    detail: str = ""
    row: int = 0

    def __str__(self) -> str:
        return ": ".join(filter(None, (place(self.first_line, self.last_line, self.row), self.reason, self.detail)))


Found: TypeAlias = Row | Broken


class RowError(ValueError):
    """A row of which no sample can be made: see Broken."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def place(first: int, last: int, row: int) -> str:
    """Where a row stands, in words."""
    lines = f"line {first}" if first == last else f"lines {first}-{last}"
    return f"{lines} (row {row})" if row else lines


def numbers(found: Sequence[Found]) -> list[int]:
    """The number of each row, 1-based, where it shares its first line with the one before or after; else 0."""
    first = [item.first_line for item in found]
    before, after = [0, *first], [*first[1:], 0]
    rows = enumerate(zip(first, before, after, strict=False), 1)
    return [number if line in (above, below) else 0 for number, (line, above, below) in rows]


def folded(name: str) -> str:
    """A field's name as it is compared: "Question " is the same as "question"."""
    return name.strip().casefold()


def kind(value: object) -> str:
    """What a value of a JSON file is, in words."""
    return _KINDS.get(type(value), type(value).__name__)
