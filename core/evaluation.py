"""Base against tuned: means with 95 % bootstrap intervals, paired by probe."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from docutune.records import Measure, Variant

RESAMPLES = 2_000
"""Bootstrap resamples: enough for the second digit of a 95 % interval's ends."""

FEWEST_CHANGES = 6
"""A verdict needs this many probes that differ: five of five in one direction still happen by chance with probability
0.0625 (two-sided sign test), six of six with 0.031. The bootstrap alone is too sure of itself below that."""

Verdict: TypeAlias = Literal["better", "worse", "no difference"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric over the `count` probes that have a finite value for base and tuned; `left_out` probes lack one.

    `difference` is tuned minus base, paired by probe. The verdict is "no difference" unless its interval excludes 0 and
    at least FEWEST_CHANGES probes differ.
    """

    metric: str
    count: int
    base: Interval
    tuned: Interval
    difference: Interval
    verdict: Verdict
    left_out: int = 0


def compare(measures: Iterable[Measure], seed: int = 0, resamples: int = RESAMPLES) -> tuple[Comparison, ...]:
    """A comparison for every metric, in the order in which the metrics first appear.

    Intervals are percentile bootstrap intervals over probes (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, chapter 13). One seed gives one result, whatever the order of the probes. A metric without a single probe that
    has both values compares nothing and is not in the result. When a probe has two values of a metric, the last counts.
    """
    tables: dict[str, dict[Variant, dict[str, float]]] = {}
    for measure in measures:
        table = tables.setdefault(measure.metric, {"base": {}, "tuned": {}})
        table[measure.variant][measure.probe] = measure.value
    found = (_compare(metric, table["base"], table["tuned"], seed, resamples) for metric, table in tables.items())
    return tuple(comparison for comparison in found if comparison is not None)


def _compare(
    metric: str, base: Mapping[str, float], tuned: Mapping[str, float], seed: int, resamples: int
) -> Comparison | None:
    probes = sorted(base.keys() | tuned.keys())
    both = [(base.get(probe, math.nan), tuned.get(probe, math.nan)) for probe in probes]
    pairs = [pair for pair in both if all(map(math.isfinite, pair))]
    if not pairs:
        return None
    means = _resampled_means(pairs, random.Random(seed), resamples)
    difference = _interval([after - before for before, after in pairs], [mean.imag - mean.real for mean in means])
    changes = sum(before != after for before, after in pairs)
    return Comparison(
        metric=metric,
        count=len(pairs),
        base=_interval([before for before, _ in pairs], [mean.real for mean in means]),
        tuned=_interval([after for _, after in pairs], [mean.imag for mean in means]),
        difference=difference,
        verdict=_verdict(difference, changes),
        left_out=len(probes) - len(pairs),
    )


def _resampled_means(
    pairs: Sequence[tuple[float, float]], generator: random.Random, resamples: int
) -> Sequence[complex]:
    """Means of resamples with replacement: base as the real part, tuned as the imaginary part.

    A pair in one complex number is drawn and summed at once, and both variants see the same probes.
    """
    population = [complex(before, after) for before, after in pairs]
    size = len(population)
    return [sum(generator.choices(population, k=size)) / size for _ in range(resamples)]


def _interval(values: Sequence[float], means: Sequence[float]) -> Interval:
    """The 2.5th and 97.5th percentiles of the resampled means, around the mean of the values themselves."""
    cuts = statistics.quantiles(means, n=40, method="inclusive")
    return Interval(math.fsum(values) / len(values), cuts[0], cuts[-1])


def _verdict(difference: Interval, changes: int) -> Verdict:
    if changes < FEWEST_CHANGES or difference.low <= 0 <= difference.high:
        return "no difference"
    return "better" if difference.low > 0 else "worse"
