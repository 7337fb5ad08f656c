"""The curator `balance`: which samples are too many of their symbol or kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from docutune.plugins.curators.held_out import TRAINED, rank
from docutune.records import Made

if TYPE_CHECKING:
    from docutune.contracts import Context
    from docutune.plugins.curators.balance.plugin import Config

_REPLAY = "replay"  # as many as the pipeline file asks for, which is no imbalance


_ROUNDING = 1e-9


class Balance:
    """Takes one sample of every fact before the second of any, each time in the order of their ids.

    What files hold out stays and counts for nothing.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    async def reject(self, samples: Sequence[Made], context: Context) -> Iterable[tuple[int, str]]:
        """What is above the limits: of symbols first, then of kinds among those that are left."""
        order = _facts_first(samples)
        rejected = dict(self._of_symbols(samples, order))
        left = [at for at in order if at not in rejected]
        rejected.update(self._of_kinds(samples, left, context))
        return sorted(rejected.items())

    def _of_symbols(self, samples: Sequence[Made], order: Iterable[int]) -> Iterator[tuple[int, str]]:
        limit = self._config.max_per_symbol
        taken: Counter[str] = Counter()
        for at in order:
            symbols = set(samples[at].sample.symbols)
            full = sorted(symbol for symbol in symbols if limit is not None and taken[symbol] >= limit)
            if full:
                yield at, f"enough samples of a symbol: {limit} of `{full[0]}`"
            else:
                taken.update(symbols)

    def _of_kinds(self, samples: Sequence[Made], order: Sequence[int], context: Context) -> Iterator[tuple[int, str]]:
        counts = Counter(samples[at].sample.kind for at in order)
        limit = self._limit(counts, context)
        taken: Counter[str] = Counter()
        for at in order:
            kind = samples[at].sample.kind
            if taken[kind] >= limit:
                yield at, f"enough samples of a kind: {limit} of {kind}"
            taken[kind] += 1

    def _limit(self, counts: Counter[str], context: Context) -> int:
        """The most samples of one kind that may stay."""
        limit = min(counts.total(), self._config.max_per_kind or counts.total())
        share = self._config.max_share_per_kind
        if share is None or not counts:
            return limit
        if share * len(counts) < 1:
            context.note(f"max_share_per_kind: {share} of {len(counts)} kinds cannot be; all kinds get the same share")
            share = 1 / len(counts)
        return min(limit, _largest(counts, share))


def _largest(counts: Counter[str], share: float) -> int:
    """The largest limit, at least 1, for which no kind has more than `share` of all that stays.

    The share of the largest kind grows with the limit, so that halving finds it.
    """
    low, high = 1, max(counts.values())
    while low < high:
        middle = (low + high + 1) // 2
        if middle <= share * sum(min(size, middle) for size in counts.values()) + _ROUNDING:
            low = middle
        else:
            high = middle - 1
    return low


def _facts_first(samples: Sequence[Made]) -> list[int]:
    """The first sample of each fact, then the second of each, and so on; the ids decide which is first."""
    asked: Counter[str] = Counter()
    ranked: list[tuple[int, str, int]] = []
    for at in sorted(range(len(samples)), key=lambda at: (samples[at].sample.id, at)):
        made = samples[at]
        if rank(made) == TRAINED and made.sample.kind != _REPLAY:
            fact = made.sample.fact or made.sample.id
            ranked.append((asked[fact], made.sample.id, at))
            asked[fact] += 1
    return [at for _, _, at in sorted(ranked)]
