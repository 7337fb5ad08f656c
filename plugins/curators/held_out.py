"""Which of two samples is to stay, where one is held out and the other one trained on."""

from __future__ import annotations

from docutune.records import Made

TRAINED = 2
"""The rank of samples that are trained on, as far as their files say."""

_RANKS = {"test": 0, "validation": 1}


def rank(made: Made) -> int:
    """0 for a test, 1 for a validation, 2 for all else: what is held out is told by the files that it comes from."""
    return TRAINED if made.split is None else _RANKS.get(made.split, TRAINED)
