"""Candidates for near duplicates by MinHash and banding, and the exact Jaccard similarity that decides.

MinHash: A. Z. Broder, "On the resemblance and containment of documents", 1997. Banding: Leskovec, Rajaraman, Ullman,
"Mining of Massive Datasets", chapter 3. This is the only module that knows the library behind the signatures.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

from rensa import RMinHash

_HASHES = 128
_SEED = 20
_WANTED_RECALL = 0.999
_CHUNK = 2000


def shingles(text: str, size: int) -> set[str]:
    """Character n-grams, right for any script; a text shorter than one is its own."""
    return {text[start : start + size] for start in range(max(1, len(text) - size + 1))}


def jaccard(first: set[str], second: set[str]) -> float:
    """Size of the intersection over size of the union, 0 to 1."""
    union = len(first | second)
    return len(first & second) / union if union else 1.0


def band_keys(texts: Sequence[str], size: int, threshold: float) -> Iterator[tuple[Hashable, ...]]:
    """For each text its keys: two texts at least as similar as `threshold` share one with a probability of 0.999."""
    rows = _rows(threshold)
    for start in range(0, len(texts), _CHUNK):
        for signature in _signatures([list(shingles(text, size)) for text in texts[start : start + _CHUNK]]):
            yield tuple((at, *signature[at : at + rows]) for at in range(0, _HASHES - rows + 1, rows))


def _signatures(shingled: Sequence[Sequence[str]]) -> Iterable[Sequence[int]]:
    signatures: Sequence[Sequence[int]] = RMinHash.digests_from_token_sets(shingled, _HASHES, _SEED)
    return signatures


def _rows(threshold: float) -> int:
    """Hashes per band: as many as the wanted recall allows, for fewer false candidates."""
    fitting = [rows for rows in range(1, 33) if 1 - (1 - threshold**rows) ** (_HASHES // rows) >= _WANTED_RECALL]
    return max(fitting, default=1)
