"""Candidates for near duplicates by MinHash and banding, and the exact Jaccard similarity that decides.

MinHash: A. Z. Broder, "On the resemblance and containment of documents", 1997. Banding: Leskovec, Rajaraman, Ullman,
"Mining of Massive Datasets", chapter 3. This is the only module that knows the library behind the signatures.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Iterator, Sequence
from functools import cache
from operator import eq
from typing import TypeAlias

from rensa import RMinHash

Signature: TypeAlias = Sequence[int]

_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_SIZES = {False: 5, True: 2}
_HASHES = 128
_SEED = 20
_WANTED_RECALL = 0.999
_CHUNK = 2000


def shingles(text: str) -> set[str]:
    """Character n-grams about as long as a word: five letters, or two Chinese characters; shorter texts whole."""
    size = _SIZES[is_wide(text)]
    return {text[start : start + size] for start in range(max(1, len(text) - size + 1))}


def is_wide(text: str) -> bool:
    """Whether at least a third of the text is Chinese characters."""
    return 3 * len(_WIDE.findall(text)) >= len(text)


def jaccard(first: set[str], second: set[str]) -> float:
    """Size of the intersection over size of the union, 0 to 1."""
    union = len(first | second)
    return len(first & second) / union if union else 1.0


def signatures(texts: Sequence[str]) -> Iterator[Signature]:
    """The MinHash signature of each text."""
    for start in range(0, len(texts), _CHUNK):
        shingled = [list(shingles(text)) for text in texts[start : start + _CHUNK]]
        yield from RMinHash.digests_from_token_sets(shingled, _HASHES, _SEED)


def bands(signature: Signature, threshold: float) -> list[Hashable]:
    """Keys of which two texts at least as similar as `threshold` share one with a probability of 0.999."""
    rows = _rows(threshold)
    return [(at, *signature[at : at + rows]) for at in range(0, _HASHES - rows + 1, rows)]


def may_be_similar(first: Signature, second: Signature, threshold: float) -> bool:
    """Whether the share of equal hashes, an estimate of the similarity, is not far below the threshold.

    Far is more than four standard deviations of that estimate.
    """
    deviation = math.sqrt(threshold * (1 - threshold) / _HASHES)
    equal: int = sum(map(eq, first, second))
    return equal / _HASHES >= threshold - 4 * deviation


@cache
def _rows(threshold: float) -> int:
    """Hashes per band: as many as the wanted recall allows, for fewer false candidates."""
    fitting = [rows for rows in range(1, 33) if 1 - (1 - threshold**rows) ** (_HASHES // rows) >= _WANTED_RECALL]
    return max(fitting, default=1)
