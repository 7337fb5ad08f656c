"""The curator `leakage`: which samples ask what a split that files hold out asks already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from docutune.plugins.curators.held_out import TRAINED, rank
from docutune.plugins.curators.normal import asked
from docutune.plugins.curators.similar import alike, is_wide
from docutune.records import Made

if TYPE_CHECKING:
    from docutune.contracts import Context
    from docutune.plugins.curators.leakage.plugin import Config

_SPLITS = ("test", "validation")


@dataclass(frozen=True, slots=True)
class _Item:
    """A sample with its place in the input, how far it is held out, and its normalised question."""

    index: int
    id: str
    rank: int
    question: str
    names: frozenset[str]


class Leakage:
    """Of two samples that ask the same in different splits, the one that is held out further stays."""

    def __init__(self, config: Config) -> None:
        self._threshold = config.threshold

    async def reject(self, samples: Sequence[Made], context: Context) -> Iterable[tuple[int, str]]:
        """Samples with the question of a held-out one, word for word or nearly.

        Only splits that files give are known here: what core holds out by itself it holds out by fact. Questions that
        name other names or numbers are never the same.
        """
        ranks = [rank(made) for made in samples]
        if min(ranks, default=TRAINED) == TRAINED:
            return []
        order = sorted(range(len(samples)), key=lambda at: (ranks[at], samples[at].sample.id, at))
        items = [_Item(at, samples[at].sample.id, ranks[at], *asked(samples[at].sample)) for at in order]
        rejected = dict(_same(items))
        if self._threshold is not None:
            left = [item for item in items if item.index not in rejected]
            rejected.update(_nearly_same(left, self._threshold, context))
        return sorted(rejected.items())


def _same(items: Iterable[_Item]) -> Iterator[tuple[int, str]]:
    held_out: dict[str, _Item] = {}
    for item in items:
        first = held_out.get(item.question)
        if first is not None and first.rank < item.rank:
            yield item.index, f"question of the {_SPLITS[first.rank]} split: as in {first.id}"
        elif item.rank < TRAINED:
            held_out.setdefault(item.question, item)


def _nearly_same(items: Sequence[_Item], threshold: float, context: Context) -> Iterator[tuple[int, str]]:
    """Questions are compared within groups that name the same, and that hold something out at all."""
    groups: dict[Hashable, list[_Item]] = defaultdict(list)
    for item in items:
        groups[(item.names, is_wide(item.question))].append(item)
    mixed = [group for group in groups.values() if group[0].rank < group[-1].rank]
    done = total = len(items)
    done -= sum(map(len, mixed))
    for group in mixed:
        tick = partial(_tell, context, done, total)
        for index, other in alike([item.question for item in group], threshold, partial(_may_pair, group), tick):
            item, first = group[index], group[other]
            yield item.index, f"nearly a question of the {_SPLITS[first.rank]} split: as in {first.id}"
        done += len(group)


def _may_pair(group: Sequence[_Item], index: int, earlier: int) -> bool:
    return group[earlier].rank < group[index].rank


def _tell(context: Context, before: int, total: int, done: int) -> None:
    context.progress(before + done, total)
