"""Names of fields that can only be a known one mistyped."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz.distance import OSA

from docutune.plugins.parsers.pairs.rows import Found, Row, folded, numbers, place
from docutune.plugins.parsers.pairs.shapes import PAIRS, TURNS

_KNOWN = tuple(
    dict.fromkeys(
        name
        for name in (
            *TURNS,
            *(name for pair in PAIRS for name in pair),
            "context",
            "history",
            "system_prompt",
            "system",
        )
        if name.isascii()
    )
)
_SHORTEST = 5
_LONG = 8


def typos(found: Sequence[Found]) -> list[tuple[str, str, str]]:
    """Each such field of a row: the row's place, the name, and what was meant. What a row has is not meant twice."""
    meant: dict[str, str | None] = {}
    listed = []
    for item, number in zip(found, numbers(found), strict=True):
        names = {folded(name): name for name in item.fields} if isinstance(item, Row) else {}
        for name, written in names.items():
            if name not in meant:
                meant[name] = _meant(name)
            close = meant[name]
            if close is not None and close not in names:
                listed.append((place(item.first_line, item.first_line, number), written, close))
    return listed


def _meant(name: str) -> str | None:
    """The known name that is one slip away, or two where the name is long. A plural is a word of its own."""
    if name in _KNOWN or len(name) < _SHORTEST or name.removesuffix("s") in _KNOWN:
        return None
    slips = 2 if len(name) >= _LONG else 1
    near = ((OSA.distance(name, known, score_cutoff=slips), known) for known in _KNOWN if len(known) >= _SHORTEST)
    best = min(near)
    return best[1] if best[0] <= slips and best[1].removesuffix("s") != name else None
