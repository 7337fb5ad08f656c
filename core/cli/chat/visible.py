"""Text of a model on a terminal."""

from __future__ import annotations

_CONTROLS = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)))  # all but tab and line feed


def visible(text: str) -> str:
    """Text without control characters: what a model writes must not move the cursor or name the window."""
    return text.translate(_CONTROLS)
