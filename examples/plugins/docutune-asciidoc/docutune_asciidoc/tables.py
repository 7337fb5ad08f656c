"""Tables in Markdown."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from docutune_asciidoc.inline import markdown

_CELL = re.compile(r"(?:(?:\d{1,3}[+*])?[<^>]?(?:\.[<^>])?[aehlmsdv]?(?<!\\))?(?<!\\)\|")
_DELIMITER = re.compile(r"([|,:!])={3,}")


def delimiter(text: str) -> str | None:
    """The line that ends the table which `text` begins; None where it begins none."""
    return text.rstrip() if _DELIMITER.fullmatch(text.rstrip()) else None


def render(lines: Sequence[str], opening: str, columns: int) -> str:
    """The rows with their first one as the head; "" for a table without cells."""
    rows = _marked_cells(lines, columns) if opening[0] in "|!" else _separated(lines, opening[0])
    if not rows:
        return ""
    width = max(map(len, rows))
    cells = [[*map(_cell, row), *([""] * (width - len(row)))] for row in rows]
    head, *body = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([head, "|" + " --- |" * width, *body])


def _marked_cells(lines: Sequence[str], columns: int) -> list[list[str]]:
    """Cells begin with a bar; a line without one goes on with the cell before it."""
    cells: list[str] = []
    for line in lines:
        before, *found = _split(line)
        if cells and before.strip():
            cells[-1] = f"{cells[-1]} {before.strip()}"
        cells += [text.strip() for text in found]
        columns = columns or len(cells)
    return [cells[at : at + columns] for at in range(0, len(cells), columns)] if columns else []


def _split(line: str) -> list[str]:
    """The text before the first bar, and every cell. A cell's specification, such as `2+` or `a`, follows a space."""
    parts, start = [], 0
    for match in _CELL.finditer(line):
        begins = match.start() == 0 or line[match.start() - 1].isspace()
        parts.append(line[start : match.start() if begins else match.end() - 1])
        start = match.end()
    return [*parts, line[start:]]


def _separated(lines: Sequence[str], mark: str) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=mark) if row]
    except csv.Error:
        return [[line] for line in lines if line.strip()]


def _cell(text: str) -> str:
    return " ".join(markdown(text.replace("\\|", "|")).split()).replace("|", "\\|")
