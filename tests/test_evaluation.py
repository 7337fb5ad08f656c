"""Intervals and verdicts, held against simulations whose true answer is known."""

import math
import random
import time

import pytest

from docutune.evaluation import FEWEST_CHANGES, Comparison, compare
from docutune.records import Measure, Variant, from_json, to_json


def measures(base: list[float], tuned: list[float], metric: str = "rougeL") -> list[Measure]:
    columns: list[tuple[Variant, list[float]]] = [("base", base), ("tuned", tuned)]
    return [
        Measure(metric, f"probe-{index:04}", variant, value)
        for variant, values in columns
        for index, value in enumerate(values)
    ]


def only(found: tuple[Comparison, ...]) -> Comparison:
    assert len(found) == 1
    return found[0]


def test_means_are_those_of_the_values() -> None:
    comparison = only(compare(measures([0.0, 0.5, 0.25, 0.25], [1.0, 0.5, 0.75, 0.75])))
    assert (comparison.base.mean, comparison.tuned.mean, comparison.difference.mean) == (0.25, 0.75, 0.5)
    assert (comparison.count, comparison.left_out) == (4, 0)


def test_the_interval_of_a_proportion_agrees_with_the_binomial() -> None:
    """30 of 100 right: the resampled count is binomial(100, 0.3), whose 2.5 % and 97.5 % points are 21 and 39."""
    comparison = only(compare(measures([0.0] * 100, [1.0] * 30 + [0.0] * 70)))
    assert comparison.tuned.low == pytest.approx(0.21, abs=0.011)
    assert comparison.tuned.high == pytest.approx(0.39, abs=0.011)
    assert (comparison.base.low, comparison.base.high) == (0.0, 0.0)


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """95 % intervals of 60 skewed values hold the true mean in 92 to 95 % of trials; 90 % intervals in about 88 %.

    With 400 trials the standard error is 1.3 points, so an interval that is too narrow by a tenth or too wide by a
    third falls out of these bounds.
    """
    source, trials, hits, hits_difference = random.Random(20), 400, 0, 0
    for trial in range(trials):
        base = [source.betavariate(1, 3) for _ in range(60)]
        tuned = [value + source.gauss(0.1, 0.2) for value in base]
        comparison = only(compare(measures(base, tuned), seed=trial, resamples=400))
        hits += comparison.base.low <= 0.25 <= comparison.base.high
        hits_difference += comparison.difference.low <= 0.1 <= comparison.difference.high
    assert 0.905 <= hits / trials <= 0.975
    assert 0.905 <= hits_difference / trials <= 0.975


def test_the_difference_is_paired_by_probe() -> None:
    """Answers that differ by 0.05 on every probe: only pairing sees it behind a spread of 0.3 between probes."""
    source = random.Random(1)
    base = [source.random() for _ in range(50)]
    shuffled = measures(base, [value + 0.05 + source.gauss(0, 0.01) for value in base])
    source.shuffle(shuffled)
    comparison = only(compare(shuffled))
    assert comparison.verdict == "better"
    assert comparison.difference.high - comparison.difference.low < 0.01
    assert comparison.tuned.high - comparison.tuned.low > 0.1


def test_a_worse_model_is_called_worse() -> None:
    assert only(compare(measures([0.8, 0.9] * 20, [0.1, 0.3] * 20))).verdict == "worse"


def test_no_change_is_rarely_called_a_change() -> None:
    """Base and tuned drawn alike: 5 % of verdicts may be false, and 17 of 200 would be in 1 % of such tests only."""
    source, wrong = random.Random(3), 0
    for trial in range(200):
        base, tuned = ([float(source.random() < 0.3) for _ in range(40)] for _ in range(2))
        wrong += only(compare(measures(base, tuned), seed=trial, resamples=400)).verdict != "no difference"
    assert wrong <= 16


def test_too_few_changes_prove_nothing() -> None:
    def verdict(changes: int, count: int) -> str:
        return only(compare(measures([0.0] * count, [1.0] * changes + [0.0] * (count - changes)))).verdict

    assert verdict(1, 1) == verdict(3, 3) == verdict(FEWEST_CHANGES - 1, 1000) == "no difference"
    assert verdict(FEWEST_CHANGES, FEWEST_CHANGES) == verdict(FEWEST_CHANGES, 1000) == "better"


def test_nothing_measured_compares_nothing() -> None:
    assert compare([]) == ()


def test_one_probe_has_an_interval_without_width() -> None:
    comparison = only(compare(measures([0.25], [0.75])))
    assert (comparison.count, comparison.verdict) == (1, "no difference")
    assert comparison.difference.low == comparison.difference.high == comparison.difference.mean == 0.5


def test_a_missing_variant_and_values_that_are_no_numbers_are_left_out_and_counted() -> None:
    found = compare(measures([0.0, math.nan, 0.5, 1.0], [1.0, 1.0, math.inf]))
    assert (only(found).count, only(found).left_out) == (1, 3)
    assert only(found).base.mean == 0.0
    assert compare(measures([0.5], [])) == ()


def test_the_seed_decides_and_the_order_of_probes_does_not() -> None:
    source = random.Random(5)
    given = measures([source.random() for _ in range(30)], [source.random() for _ in range(30)])
    turned = list(reversed(given))
    assert compare(given, seed=1) == compare(turned, seed=1)
    assert compare(given, seed=1) != compare(given, seed=2)


def test_metrics_keep_the_order_of_their_first_measure() -> None:
    given = [*measures([0.1], [0.2], "match"), *measures([0.1], [0.2], "bleu"), *measures([0.1], [0.2], "chrf")]
    assert [comparison.metric for comparison in compare(given)] == ["match", "bleu", "chrf"]


def test_a_thousand_probes_take_seconds() -> None:
    source = random.Random(6)
    given = measures([source.random() for _ in range(1000)], [source.random() for _ in range(1000)])
    started = time.process_time()
    compare(given)
    assert time.process_time() - started < 5


def test_comparisons_survive_json() -> None:
    comparison = only(compare(measures([0.0, 1.0], [1.0, 1.0])))
    assert from_json(Comparison, to_json(comparison)) == comparison
