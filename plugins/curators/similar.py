"""Texts that are nearly the same: candidates by MinHash and banding, and the exact Jaccard similarity that decides.

MinHash: A. Z. Broder, "On the resemblance and containment of documents", 1997. Banding: Leskovec, Rajaraman, Ullman,
"Mining of Massive Datasets", chapter 3. This is the only module that knows the library behind the signatures.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from operator import eq
from typing import TypeAlias

from rensa import RMinHash

_Signature: TypeAlias = bytes
"""The hashes, four bytes each."""

_Bucket: TypeAlias = "list[int]"

_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_SIZES = {False: 5, True: 2}
_HASHES = 256
_SEED = 20
_BYTES = 4
_WANTED_RECALL = 1 - 1e-6
_DEVIATIONS = 5
_CHUNK = 1000
_SLICES = {size: [slice(start, start + size) for start in range(4096)] for size in _SIZES.values()}


def alike(
    texts: Sequence[str], threshold: float, may_pair: Callable[[int, int], bool], tick: Callable[[int], None]
) -> Iterator[tuple[int, int]]:
    """Pairs (index, index of an earlier text at least as similar as `threshold`), at most one for each text.

    A text that is paired is none that later ones are compared with. `may_pair(index, earlier)` says which pairs count;
    `tick` is told how many texts are done. Two texts that similar are missed with a probability below 1e-6.
    """
    marks = list(_signatures(texts, tick))
    for index, buckets in enumerate(_shared_buckets(marks, threshold)):
        near = sorted({other for bucket in buckets for other in bucket if may_pair(index, other)})
        likely = [other for other in near if _may_be_similar(marks[index], marks[other], threshold)]
        own = shingles(texts[index]) if likely else set()
        twin = next((other for other in likely if jaccard(own, shingles(texts[other])) >= threshold), None)
        if twin is not None:
            yield index, twin
            continue
        for bucket in buckets:
            bucket.append(index)


def shingles(text: str) -> set[str]:
    """Character n-grams about as long as a word: five letters, or two Chinese characters; shorter texts whole."""
    size = _SIZES[is_wide(text)]
    count = max(1, len(text) - size + 1)
    slices: Iterable[slice] = _SLICES[size][:count]
    if count > len(_SLICES[size]):
        slices = (slice(start, start + size) for start in range(count))
    return set(map(text.__getitem__, slices))


def is_wide(text: str) -> bool:
    """Whether at least a third of the text is Chinese characters."""
    return not text.isascii() and 3 * len(_WIDE.findall(text)) >= len(text)


def jaccard(first: set[str], second: set[str]) -> float:
    """Size of the intersection over size of the union, 0 to 1."""
    common = len(first & second)
    union = len(first) + len(second) - common
    return common / union if union else 1.0


def _signatures(texts: Sequence[str], tick: Callable[[int], None]) -> Iterator[_Signature]:
    """The MinHash signature of each text."""
    for start in range(0, len(texts), _CHUNK):
        shingled = [list(shingles(text)) for text in texts[start : start + _CHUNK]]
        for digest in RMinHash.digests_from_token_sets(shingled, _HASHES, _SEED):
            yield array("I", digest).tobytes()
        tick(min(start + _CHUNK, len(texts)))


def _shared_buckets(marks: Sequence[_Signature], threshold: float) -> list[list[_Bucket]]:
    """For each text the buckets that it shares with others, empty at first. One band at a time, to save memory."""
    shared: list[list[_Bucket]] = [[] for _ in marks]
    width = _rows(threshold) * _BYTES
    for at in range(0, _HASHES * _BYTES - width + 1, width):
        keys = [mark[at : at + width] for mark in marks]
        often = {key for key, count in Counter(keys).items() if count > 1}
        buckets: dict[bytes, _Bucket] = defaultdict(list)
        for index, key in enumerate(keys):
            if key in often:
                shared[index].append(buckets[key])
    return shared


def _may_be_similar(first: _Signature, second: _Signature, threshold: float) -> bool:
    """Whether the share of equal hashes, an estimate of the similarity, is not far below the threshold.

    Far is more than five standard deviations of that estimate.
    """
    deviation = math.sqrt(threshold * (1 - threshold) / _HASHES)
    equal: int = sum(map(eq, memoryview(first).cast("I"), memoryview(second).cast("I")))
    return equal / _HASHES >= threshold - _DEVIATIONS * deviation


@cache
def _rows(threshold: float) -> int:
    """Hashes per band: as many as the wanted recall allows, for fewer false candidates."""
    fitting = [rows for rows in range(1, 33) if 1 - (1 - threshold**rows) ** (_HASHES // rows) >= _WANTED_RECALL]
    return max(fitting, default=1)
