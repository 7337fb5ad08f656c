"""What the readers of files give: rows, and what could not be read as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

_KINDS = {dict: "an object", list: "a list", str: "text or a number", bool: "true or false", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row by the names of its fields; lines are 1-based and inclusive. Numbers are text, as they were written."""

    fields: Mapping[str, object]
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A row or a part of the file that gives no sample. `reason` is one for many rows, `detail` is of this one."""

    first_line: int
    last_line: int
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        alone = self.first_line == self.last_line
        place = f"line {self.first_line}" if alone else f"lines {self.first_line}-{self.last_line}"
        return ": ".join(filter(None, (place, self.reason, self.detail)))


Found: TypeAlias = Row | Broken


class RowError(ValueError):
    """A row of which no sample can be made: see Broken."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


def folded(name: str) -> str:
    """A field's name as it is compared: "Question " is the same as "question"."""
    return name.strip().casefold()


def kind(value: object) -> str:
    """What a value of a JSON file is, in words."""
    return _KINDS.get(type(value), type(value).__name__)
