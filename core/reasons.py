"""Reasons why something was left out, in the form in which they are counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_DETAILS = re.compile(r"[:;]")
_NAMED = re.compile(r"`[^`]*`|\b[0-9a-f]{16,}\b")

_PLACES = 5


def kind_of(reason: str) -> str:
    """The reason without what it names: its first clause, dots for ids and names in backticks."""
    return _NAMED.sub("…", _DETAILS.split(reason, maxsplit=1)[0])


def counted(reasons: Iterable[str]) -> dict[str, int]:
    """How often each kind of reason was given, the most frequent first."""
    return dict(Counter(map(kind_of, reasons)).most_common())


def not_sent(places: Sequence[str]) -> str:
    """The line for tasks with a secret in them: how many, and where the first come from as far as that is known."""
    count = len(places)
    known = [place for place in dict.fromkeys(places) if place]
    told = "1 task holds a secret and was" if count == 1 else f"{count:,} tasks hold a secret and were"
    if not known:
        return f"{told} not sent"
    rest = f" and {len(known) - _PLACES:,} more places" if len(known) > _PLACES else ""
    return f"{told} not sent: {', '.join(known[:_PLACES])}{rest} (rejected.jsonl has the kind of each)"
