"""Which held-out questions does the training ask, too? Exact questions, and near ones by an exact similarity join."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil

from docutune.corpus import Dataset
from docutune.records import Sample
from docutune.report.quality import Duplicates, Leak
from docutune.wording import ALIKE, answered, asked, jaccard, normal, pairs

_SHOWN = 20


def duplicates(dataset: Dataset) -> Duplicates:
    """Repeated questions within the splits, and those of held-out samples that training samples ask, too.

    A phrasing that is held out on purpose is no leak as long as it asks in other words. Linear in the samples but for
    near ones, which are found by prefix filtering (Chaudhuri et al., ICDE 2006): no pair is missed.
    """
    splits = {split: [made.sample for made in dataset.of(split)] for split in ("train", "validation", "test")}
    trained = _by_question(splits["train"])
    held_out = [(split, sample) for split in ("validation", "test") for sample in splits[split]]
    exact = [(split, sample, trained[key]) for split, sample in held_out if (key := normal(asked(sample))) in trained]
    found = {sample.id for _, sample, _ in exact}
    rest = [(split, sample) for split, sample in held_out if sample.id not in found]
    near = list(_near(rest, list(trained.values())))
    leaks = [*(_leak(*item, 1.0) for item in exact), *(_leak(*item) for item in near)]
    repeated, contradicting = _repeated(splits)
    return Duplicates(len(held_out), repeated, contradicting, len(exact), len(near), tuple(leaks[:_SHOWN]))


def _repeated(splits: Mapping[str, Sequence[Sample]]) -> tuple[int, int]:
    """Samples whose question a former one of their split asks, and those of them that are answered otherwise."""
    repeated = contradicting = 0
    for samples in splits.values():
        first: dict[str, Sample] = {}
        for sample in samples:
            known = first.setdefault(normal(asked(sample)), sample)
            if known is not sample:
                repeated += 1
                contradicting += normal(answered(known)) != normal(answered(sample))
    return repeated, contradicting


def _by_question(samples: Iterable[Sample]) -> dict[str, Sample]:
    found: dict[str, Sample] = {}
    for sample in samples:
        found.setdefault(normal(asked(sample)), sample)
    return found


def _near(
    held_out: Sequence[tuple[str, Sample]], trained: Sequence[Sample]
) -> Iterator[tuple[str, Sample, Sample, float]]:
    """Each held-out sample with the training sample that is most like it, where both question and answer are alike."""
    questions = [pairs(asked(sample)) for _, sample in held_out]
    others = [pairs(asked(sample)) for sample in trained]
    for place, candidates in _joined(questions, others).items():
        split, sample = held_out[place]
        answer = pairs(answered(sample))
        alike = {
            other: likeness
            for other, likeness in candidates
            if jaccard(answer, pairs(answered(trained[other]))) >= ALIKE
        }
        if alike:
            best = max(alike, key=lambda other: (alike[other], -other))
            yield split, sample, trained[best], round(alike[best], 3)


def _joined(left: Sequence[frozenset[str]], right: Sequence[frozenset[str]]) -> dict[int, list[tuple[int, float]]]:
    """Index on the left -> the indexes on the right that are alike, with their similarity.

    Sets with a Jaccard similarity of at least t share one of the first |x| - ceil(t |x|) + 1 elements of either, in
    any fixed order; the rarest first, for that leaves few candidates.
    """
    counts = Counter(item for items in (*left, *right) for item in items)
    index: dict[str, list[int]] = defaultdict(list)
    for place, items in enumerate(left):
        for item in _prefix(items, counts):
            index[item].append(place)
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for other, items in enumerate(right):
        for place in {place for item in _prefix(items, counts) for place in index.get(item, ())}:
            likeness = jaccard(left[place], items)
            if likeness >= ALIKE:
                found[place].append((other, likeness))
    return found


def _prefix(items: frozenset[str], counts: Mapping[str, int]) -> list[str]:
    rarest = sorted(items, key=lambda item: (counts[item], item))
    return rarest[: len(items) - ceil(ALIKE * len(items)) + 1]


def _leak(split: str, sample: Sample, trained: Sample, alike: float) -> Leak:
    return Leak(sample.id, split, asked(sample), trained.id, asked(trained), alike)
