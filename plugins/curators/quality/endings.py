"""Answers that surely break off."""

from __future__ import annotations

import re

from docutune.plugins.curators.quality.text import FENCE, has_open_block

_OPEN = re.compile(
    r"(?:[,，、(（\[{:：]|(?<=\s)(?:the|an?|and|or|of|because|which|whose|than)|[但而及和与]|因为|以及|并且|或者|例如)\Z"
)


def broken_off(answer: str) -> str | None:
    """What is missing at the end, None where nothing is for sure.

    A comma, an opening bracket, a colon or a word after which something must follow; a block of code that is open.
    """
    if has_open_block(answer):
        return "a block of code is not closed"
    last = answer.rstrip().rpartition("\n")[2]
    if FENCE.match(last) or last.lstrip().startswith(("|", ">>>", "$")) or last.startswith("    "):
        return None
    match = _OPEN.search(last.rstrip())
    return f"nothing follows '{match[0]}'" if match else None
