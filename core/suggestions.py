"""The way out of a misspelt name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'lora_rank'?` for the known name closest to `name`, or nothing when none is close.

    The name itself is no way out.
    """
    by_lower = {option.lower(): option for option in known if option != name}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def listed(names: Iterable[str], last: str = "or") -> str:
    """The names as a quoted list: 'a', 'b' or 'c'."""
    *head, tail = [repr(name) for name in names]
    return f"{', '.join(head)} {last} {tail}" if head else tail
