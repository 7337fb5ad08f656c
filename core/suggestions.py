"""The way out of a misspelt name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

_SLIP = 0.8  # one letter of five


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'lora_rank'?` for the known name closest to `name`, or nothing when none is close.

    The name itself is no way out.
    """
    by_lower = {option.lower(): option for option in known if option != name}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def slip_of(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'nf4'?` where `word` can only be that short value mistyped: letters swapped, left out, doubled.

    No guess changes a digit: int8 is not what int4 means.
    """
    return next((f"; did you mean {option!r}?" for option in known if _is_slip(word.lower(), option.lower())), "")


def _is_slip(word: str, option: str) -> bool:
    digits = [[letter for letter in text if letter.isdigit()] for text in (word, option)]
    near = SequenceMatcher(None, word, option).ratio() >= _SLIP or sorted(word) == sorted(option)
    return near and digits[0] == digits[1]


def listed(names: Iterable[str], last: str = "or") -> str:
    """The names as a quoted list: 'a', 'b' or 'c'."""
    *head, tail = [repr(name) for name in names]
    return f"{', '.join(head)} {last} {tail}" if head else tail
