"""Step "replay": which samples of general data may be trained on beside the others, so that less is forgotten.

They are samples of the kind "replay". So many as their share of all other samples go through the curators; in the
dataset at most that share of the other training samples stays (corpus.with_replay).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from docutune.records import Made, Span, fingerprint
from docutune.steps.base import Count, Products, Rejection, Replayed, Tools
from docutune.steps.sources import SourceFile
from docutune.workspace import Store

KIND = "replay"
_ID = re.compile(r"\b[0-9a-f]{16}\b")


@dataclass(frozen=True, slots=True)
class Replay:
    """Chooses by seed; whether a sample comes before another depends on nothing but the two."""

    seed: int
    name: str = "replay"
    plugin: str = "core"

    def key(self, products: Products) -> str | None:
        """All samples that may be chosen, and how many others there are."""
        if products.samples is None:
            return None
        known = [[item.place, item.share, sorted(made.sample.id for made in item.samples)] for item in products.replay]
        return fingerprint(["replay", self.seed, known, len(products.samples)])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """Choosing is quick and sure: it is done anew each time."""
        others = products.samples or ()
        chosen = tuple(self._chosen(item, len(others)) for item in products.replay)
        samples = tuple(made for item in chosen for made in item.samples)
        given = {**products.given, **{made.sample.id: made.split for made in samples}}
        return replace(products, samples=(*others, *samples), given=given, replay=chosen)

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """The same as what is recalled, also where everything is to be made anew."""
        made = self.recall(key, products, tools.store)
        assert made is not None
        return made

    def count(self, products: Products, store: Store) -> Count | None:
        """Not made of items."""
        return None

    def _chosen(self, item: Replayed, others: int) -> Replayed:
        in_order = sorted(item.samples, key=lambda made: self._place(made.sample.id))
        return replace(item, samples=tuple(in_order[: math.ceil(item.share * others)]))

    def _place(self, name: str) -> str:
        return hashlib.sha256(f"replay\0{self.seed}\0{name}".encode()).hexdigest()


def as_replay(made: Made) -> Made:
    """The sample of a file as one that is replayed: always trained, and about no symbol of the library."""
    return replace(made, sample=replace(made.sample, kind=KIND, symbols=()), split="train")


def spared(reasons: Mapping[str, str], samples: Sequence[Made]) -> dict[str, str]:
    """What a curator decided, but of two like samples the one that is replayed goes, whichever the curator chose."""
    replayed = {made.sample.id for made in samples if made.sample.kind == KIND}
    decided: dict[str, str] = {}
    for name, reason in reasons.items():
        twin = next((twin for twin in _ID.findall(reason) if twin in replayed), None)
        if name in replayed or twin is None:
            decided[name] = reason
        else:
            decided[twin] = reason.replace(twin, name)
    return decided


def offered(files: Iterator[tuple[SourceFile, Made]]) -> tuple[tuple[Replayed, ...], tuple[Rejection, ...]]:
    """The samples of each entry of `sources:` that is replayed, each once, and their copies."""
    groups: dict[tuple[str, float], list[Made]] = {}
    first: dict[str, Span] = {}
    doubles: list[Rejection] = []
    for file, given in files:
        if file.replay is None:
            continue
        made = as_replay(given)
        name, place = made.sample.id, made.origin.spans[0]
        if name in first:
            reason = f"copy of another row: {place} of {first[name]}"
            doubles.append(Rejection(name, made.origin.producer.partition("@")[0], reason, (place,), made.sample))
            continue
        first[name] = place
        groups.setdefault(file.replay, []).append(made)
    return tuple(Replayed(*key, tuple(samples)) for key, samples in groups.items()), tuple(doubles)
