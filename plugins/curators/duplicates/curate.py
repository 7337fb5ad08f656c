"""The curator `duplicates`: which samples say again, or otherwise, what an earlier one says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docutune.plugins.curators.duplicates.normal import Compared, compared
from docutune.plugins.curators.duplicates.similar import band_keys, jaccard, shingles
from docutune.records import Made

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


class Duplicates:
    """Keeps the first of equal samples in the order of their ids, whatever the order they come in."""

    def __init__(self, config: Config) -> None:
        self._config = config

    async def reject(self, samples: Sequence[Made], context: Context) -> Iterable[tuple[int, str]]:
        """Empty answers, exact duplicates, other answers to a question already answered, and near duplicates.

        Samples are near duplicates when their character n-grams are as similar as `threshold` and they name the same
        names and numbers, in the question and in the answer: one template about two functions makes two facts.
        Phrasings of one fact may be as similar as they like.
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
            groups[item.text.anchors].append(item)
        done = 0
        for group in groups.values():
            yield from self._near_in(group)
            done += len(group)
            if done % _REPORT_EVERY < len(group):
                context.progress(done, len(items))

    def _near_in(self, group: Sequence[_Item]) -> Iterator[tuple[int, str]]:
        if len({item.fact or item.id for item in group}) < 2:
            return
        size, threshold = self._config.ngram_chars, self._config.threshold
        keys = band_keys([item.text.text for item in group], size, threshold)
        kept: dict[Hashable, list[_Item]] = defaultdict(list)
        for item, bands in zip(group, keys, strict=True):
            candidates = {
                other.index: other for band in bands for other in kept.get(band, ()) if _may_be_same(item, other)
            }
            twin = self._twin(item, candidates.values())
            if twin is not None:
                yield item.index, f"near duplicate of {twin.id}"
                continue
            for band in bands:
                kept[band].append(item)

    def _twin(self, item: _Item, candidates: Iterable[_Item]) -> _Item | None:
        size, threshold = self._config.ngram_chars, self._config.threshold
        own = shingles(item.text.text, size)
        ordered = sorted(candidates, key=lambda other: other.id)
        return next((other for other in ordered if jaccard(own, shingles(other.text.text, size)) >= threshold), None)


def _item(index: int, made: Made) -> _Item:
    return _Item(index, made.sample.id, made.sample.fact, compared(made.sample))


def _may_be_same(item: _Item, other: _Item) -> bool:
    return not item.fact or item.fact != other.fact


def _clear(items: Sequence[_Item]) -> Iterator[tuple[int, str]]:
    """What needs no measure: empty answers, and questions that were asked before."""
    answered: dict[str, _Item] = {}
    for item in items:
        if not item.text.answer:
            yield item.index, "empty answer"
            continue
        first = answered.setdefault(item.text.question, item)
        if first is item:
            continue
        if first.text.answer == item.text.answer:
            yield item.index, f"duplicate of {first.id}"
        else:
            yield item.index, f"same question as {first.id}, another answer"
