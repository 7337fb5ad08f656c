"""Reasons why something was left out, in the form in which they are counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_DETAILS = re.compile(r"[:;]")
_NAMED = re.compile(r"`[^`]*`|\b[0-9a-f]{16,}\b")


def kind_of(reason: str) -> str:
    """The reason without what it names: its first clause, dots for ids and names in backticks."""
    return _NAMED.sub("…", _DETAILS.split(reason, maxsplit=1)[0])


def counted(reasons: Iterable[str]) -> dict[str, int]:
    """How often each kind of reason was given, the most frequent first."""
    return dict(Counter(map(kind_of, reasons)).most_common())
