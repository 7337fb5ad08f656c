"""The curator `duplicates`: which samples say again, or otherwise, what an earlier one says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from docutune.plugins.curators.held_out import rank
from docutune.plugins.curators.normal import Compared, comparing
from docutune.plugins.curators.similar import alike, is_wide
from docutune.records import Made, Span

if TYPE_CHECKING:
    from docutune.contracts import Context
    from docutune.plugins.curators.duplicates.plugin import Config


@dataclass(frozen=True, slots=True)
class _Item:
    """A sample with its place in the input and its normalised text."""

    index: int
    id: str
    fact: str
    text: Compared
    places: tuple[Span, ...]


class Duplicates:
    """Keeps the first of equal samples: those first that files hold out, and then in the order of their ids, whatever
    the order they come in.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    async def reject(self, samples: Sequence[Made], context: Context) -> Iterable[tuple[int, str]]:
        """Empty answers, exact duplicates, other answers to a question already answered, and near duplicates.

        Samples are near duplicates when their character n-grams are as similar as `threshold` and they name the same
        names and numbers, in the question and in the answer: one template about two functions makes two facts.
        Phrasings of one fact may be as similar as they like. Where the places of one fact answer its question in
        several ways, none of the answers stays.
        """
        compared = comparing()
        order = sorted(range(len(samples)), key=lambda at: (rank(samples[at]), samples[at].sample.id, at))
        items = [
            _Item(at, made.sample.id, made.sample.fact, compared(made.sample), made.origin.spans)
            for at, made in ((at, samples[at]) for at in order)
        ]
        rejected = dict(_clear(items))
        left = [item for item in items if item.index not in rejected]
        rejected.update(self._near(left, context))
        return sorted(rejected.items())

    def _near(self, items: Sequence[_Item], context: Context) -> Iterator[tuple[int, str]]:
        """Only samples with the same names and numbers are compared, so the groups are small where there are many."""
        groups: dict[Hashable, list[_Item]] = defaultdict(list)
        for item in items:
            groups[(item.text.anchors, is_wide(item.text.text))].append(item)
        several = [group for group in groups.values() if len({item.fact or item.id for item in group}) > 1]
        done = total = len(items)
        done -= sum(map(len, several))
        for group in several:
            for index, twin in _twins(group, self._config.threshold, partial(_tell, context, done, total)):
                yield group[index].index, f"near duplicate: of {group[twin].id}"
            done += len(group)


def _twins(group: Sequence[_Item], threshold: float, tick: Callable[[int], None]) -> Iterator[tuple[int, int]]:
    """Items that are nearly the same as an earlier one about another fact, which stays."""

    def may_pair(index: int, earlier: int) -> bool:
        fact = group[index].fact
        return not fact or fact != group[earlier].fact

    return alike([item.text.text for item in group], threshold, may_pair, tick)


def _tell(context: Context, before: int, total: int, done: int) -> None:
    context.progress(before + done, total)


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
            yield item.index, f"duplicate: of {first.id}"
        else:
            yield item.index, f"another answer: to the question of {first.id}"


def _disputed(items: Iterable[_Item]) -> set[Hashable]:
    """The questions of one fact that the same places, at least two, answer in several ways."""
    answers: dict[Hashable, set[str]] = defaultdict(set)
    for item in items:
        if item.fact and item.text.answer and len(item.places) > 1:
            answers[_question(item)].add(item.text.answer)
    return {question for question, given in answers.items() if len(given) > 1}


def _question(item: _Item) -> Hashable:
    return item.text.question, item.fact, item.places
