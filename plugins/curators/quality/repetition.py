"""Answers that repeat themselves without end, as models do that are caught in a loop.

Duplicate lines: Rae et al., "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", 2021, table
A1. Compression: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022, section 4.5, who
take 2.4 for speech; technical answers with tables and code come to 2.7.
"""

from __future__ import annotations

import zlib
from collections import Counter

_LEAST_BYTES = 200
_LEAST_LINES = 5
_DUPLICATE_LINES = 0.3
_DUPLICATE_CHARACTERS = 0.2
_TAIL = 600
_LEAST_TIMES = 4
_LEAST_TAIL = 48
_LEAST_PART, _LEAST_PARTS = 12, 3  # what any such end has: its last characters so often, none of them twice


def compression(text: str) -> float:
    """Bytes of the text for each byte of it compressed; 1 for texts too short to say."""
    content = text.encode("utf-8", "replace")
    return len(content) / len(zlib.compress(content)) if len(content) >= _LEAST_BYTES else 1.0


def repeats_lines(prose: str) -> bool:
    """Whether lines with words in them come again, as often as Gopher's filter allows at most: by number and by length.

    Code and tables are no prose: their lines are alike by nature.
    """
    stripped = (line.strip() for line in prose.splitlines())
    lines = [line for line in stripped if any(map(str.isalnum, line)) and not line.startswith("|")]
    if len(lines) < _LEAST_LINES:
        return False
    again = [line for line, count in Counter(lines).items() for _ in range(count - 1)]
    characters = sum(map(len, lines))
    return len(again) > _DUPLICATE_LINES * len(lines) and sum(map(len, again)) > _DUPLICATE_CHARACTERS * characters


def ends_in_a_loop(prose: str) -> bool:
    """Whether the end says one thing, with a letter in it, four times or more without a break; rows of a table may."""
    lines = (line for line in prose[-_TAIL:].split("\n") if not line.lstrip().startswith("|"))
    tail = "\n".join(lines).rstrip()[::-1]
    if tail.count(tail[:_LEAST_PART]) < _LEAST_PARTS:
        return False  # quick to see of nearly every answer
    borders = _borders(tail)
    for length in range(_LEAST_TAIL, len(tail) + 1):
        period = length - borders[length - 1]
        if period * _LEAST_TIMES <= length and any(map(str.isalpha, tail[:period])):
            return True
    return False


def _borders(text: str) -> list[int]:
    """For each prefix the length of its longest border (Knuth, Morris, Pratt): length - border is its period."""
    borders = [0] * len(text)
    width = 0
    for at in range(1, len(text)):
        while width and text[at] != text[width]:
            width = borders[width - 1]
        width += text[at] == text[width]
        borders[at] = width
    return borders
