"""The curator `duplicates`: which samples say again, or otherwise, what an earlier one says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docutune.plugins.curators.duplicates.normal import Compared, compared
from docutune.plugins.curators.duplicates.similar import (
    Signature,
    bands,
    is_wide,
    jaccard,
    may_be_similar,
    shingles,
    signatures,
)
from docutune.records import Made, Span

if TYPE_CHECKING:
    from docutune.contracts import Context
    from docutune.plugins.curators.duplicates.plugin import Config

_REPORT_EVERY = 1000


@dataclass(frozen=True, slots=True)
class _Item:
    """A sample with its place in the input and its normalised text."""

    index: int
    id: str
    fact: str
    text: Compared
    places: tuple[Span, ...]


class Duplicates:
    """Keeps the first of equal samples in the order of their ids, whatever the order they come in."""

    def __init__(self, config: Config) -> None:
        self._config = config

    async def reject(self, samples: Sequence[Made], context: Context) -> Iterable[tuple[int, str]]:
        """Empty answers, exact duplicates, other answers to a question already answered, and near duplicates.

        Samples are near duplicates when their character n-grams are as similar as `threshold` and they name the same
        names and numbers, in the question and in the answer: one template about two functions makes two facts.
        Phrasings of one fact may be as similar as they like. Where the places of one fact answer its question in
        several ways, none of the answers stays.
        """
        items = sorted(
            (_item(index, made) for index, made in enumerate(samples)), key=lambda item: (item.id, item.index)
        )
        rejected = dict(_clear(items))
        left = [item for item in items if item.index not in rejected]
        rejected.update(self._near(left, context))
        return sorted(rejected.items())

    def _near(self, items: Sequence[_Item], context: Context) -> Iterator[tuple[int, str]]:
        """Only samples with the same names and numbers are compared, so the groups are small where there are many."""
        groups: dict[Hashable, list[_Item]] = defaultdict(list)
        for item in items:
            groups[(item.text.anchors, is_wide(item.text.text))].append(item)
        done = 0
        for group in groups.values():
            for item, twin in _twins(group, self._config.threshold):
                if twin is not None:
                    yield item.index, f"near duplicate of {twin.id}"
                done += 1
                if done % _REPORT_EVERY == 0:
                    context.progress(done, len(items))


def _twins(group: Sequence[_Item], threshold: float) -> Iterator[tuple[_Item, _Item | None]]:
    """Each item with the first one kept before it that is nearly the same."""
    if len({item.fact or item.id for item in group}) < 2:
        yield from ((item, None) for item in group)
        return
    kept: list[tuple[_Item, Signature]] = []
    buckets: dict[Hashable, list[int]] = defaultdict(list)
    for item, signature in zip(group, signatures([item.text.text for item in group]), strict=True):
        keys = bands(signature, threshold)
        near = sorted({at for key in keys for at in buckets.get(key, ())})
        candidates = (
            other for other, known in map(kept.__getitem__, near) if may_be_similar(signature, known, threshold)
        )
        twin = _first_like(item, candidates, threshold) if near else None
        yield item, twin
        if twin is None:
            for key in keys:
                buckets[key].append(len(kept))
            kept.append((item, signature))


def _first_like(item: _Item, candidates: Iterable[_Item], threshold: float) -> _Item | None:
    own = shingles(item.text.text)
    others = (other for other in candidates if not item.fact or item.fact != other.fact)
    return next((other for other in others if jaccard(own, shingles(other.text.text)) >= threshold), None)


def _item(index: int, made: Made) -> _Item:
    return _Item(index, made.sample.id, made.sample.fact, compared(made.sample), made.origin.spans)


def _clear(items: Sequence[_Item]) -> Iterator[tuple[int, str]]:
    """What needs no measure: empty answers, questions whose places disagree, and questions that were asked before."""
    disputed = _disputed(items)
    answered: dict[str, _Item] = {}
    for item in items:
        if not item.text.answer:
            yield item.index, "empty answer"
            continue
        if _question(item) in disputed:
            yield item.index, f"its sources give several answers: {item.fact}"
            continue
        first = answered.setdefault(item.text.question, item)
        if first is item:
            continue
        if first.text.answer == item.text.answer:
            yield item.index, f"duplicate of {first.id}"
        else:
            yield item.index, f"same question as {first.id}, another answer"


def _disputed(items: Iterable[_Item]) -> set[Hashable]:
    """The questions of one fact that the same places, at least two, answer in several ways."""
    answers: dict[Hashable, set[str]] = defaultdict(set)
    for item in items:
        if item.fact and item.text.answer and len(item.places) > 1:
            answers[_question(item)].add(item.text.answer)
    return {question for question, given in answers.items() if len(given) > 1}


def _question(item: _Item) -> Hashable:
    return item.text.question, item.fact, item.places
