"""How alike two texts are, and whether two samples ask the same."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

from docutune.records import Sample

ALIKE = 0.8
"""From this Jaccard similarity of their pairs of words on, two texts say about the same."""

_NAME = re.compile(r"[`._(]\w")
_WORDS = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")  # a Chinese character is a word
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def asked(sample: Sample) -> str:
    """All that the user says, without the assistant's turns."""
    return "\n".join(message.content for message in sample.messages if message.role == "user")


def answered(sample: Sample) -> str:
    """All that the assistant says."""
    return "\n".join(message.content for message in sample.messages if message.role == "assistant")


def normal(text: str) -> str:
    """The words of a text in one form of letters: white space, width, punctuation at the edges and case go.

    Names keep their case: `Group` and `group` are two.
    """
    words = unicodedata.normalize("NFKC", text).split()
    named = _NAME.search(text) is not None
    folded = (word if named and _NAME.search(word) else word.casefold() for word in words)
    return " ".join(folded).strip(" .?!:;,。？！：；，、")


def pairs(text: str) -> frozenset[str]:
    """Neighbouring words of a text, together; a single word alone."""
    words = _WORDS.findall(normal(text))
    return frozenset(f"{one} {two}" for one, two in pairwise(words)) or frozenset(words)


def jaccard(one: frozenset[str], two: frozenset[str]) -> float:
    """The share of what two sets have in common; 1 for two empty ones."""
    shared = len(one & two)
    return shared / (len(one) + len(two) - shared) if one or two else 1.0


def blocks(text: str) -> frozenset[str]:
    """The fenced code of a text, block by block."""
    return frozenset(match[1].strip() for match in _BLOCK.finditer(text)) if "```" in text else frozenset()
