"""Which answers the report shows side by side: those that changed most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from docutune.records import Answer, Made, Measure, Role, Variant
from docutune.report.facts import Change, Changes, Score, SideBySide

SHOWN = 5
"""Answers shown of those that improved, and as many of those that worsened."""

FEWEST_SHOWN = 3
"""With fewer changed answers than this, some that stayed the same are shown too."""

Shift = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    made: Made
    base: str
    tuned: str
    scores: tuple[Score, ...]

    @property
    def shift(self) -> Shift | None:
        """Tuned minus base for each metric, the deciding one first; None when nothing was measured."""
        known = [_difference(score) for score in self.scores]
        return None if all(math.isnan(shift) for shift in known) else tuple(0.0 if math.isnan(x) else x for x in known)

    @property
    def change(self) -> Change:
        """Whether the first metric that moved rose or fell."""
        if self.shift is None:
            return "unmeasured"
        first = next((amount for amount in self.shift if amount), 0.0)
        return "improved" if first > 0 else "worsened" if first < 0 else "same"

    @property
    def order(self) -> tuple[Shift, str]:
        """From most worsened to most improved; ties by the sample's id."""
        return self.shift or (), self.made.sample.id


def changed_answers(
    held_out: Sequence[Made],
    answers: Sequence[Answer],
    measures: Sequence[Measure],
    metrics: Sequence[str],
    count: int = SHOWN,
) -> tuple[Changes | None, tuple[SideBySide, ...]]:
    """How many answers changed, and the `count` that improved and the `count` that worsened most, one for each fact.

    An answer's change is that of the first of `metrics`; where it is the same for two, the next one decides. With
    hardly any change, or without measures, answers at equal distances are shown. Answers and measures belong to a
    sample when their probe is its id.
    """
    pairs = list(_pairs(held_out, answers, measures, metrics))
    groups: dict[Change, list[_Pair]] = {"improved": [], "worsened": [], "same": [], "unmeasured": []}
    for pair in sorted(pairs, key=lambda pair: pair.order):
        groups[pair.change].append(pair)
    improved = _one_a_fact(groups["improved"][::-1], count)
    worsened = _one_a_fact(groups["worsened"], count)
    shown = [*improved, *worsened]
    if len(shown) < FEWEST_SHOWN:
        shown += _evenly([*groups["same"], *groups["unmeasured"]], count)
    sizes = [len(groups[name]) for name in ("improved", "worsened", "same")]
    changes = Changes(tuple(metrics), *sizes) if any(sizes) else None
    return changes, tuple(_side_by_side(pair) for pair in shown)


def every_answer(
    held_out: Sequence[Made], answers: Sequence[Answer], measures: Sequence[Measure], metrics: Sequence[str]
) -> tuple[SideBySide, ...]:
    """All answers side by side, in the order of what is held out; arguments as of `changed_answers`."""
    return tuple(_side_by_side(pair) for pair in _pairs(held_out, answers, measures, metrics))


def _pairs(
    held_out: Sequence[Made], answers: Sequence[Answer], measures: Sequence[Measure], metrics: Sequence[str]
) -> Iterator[_Pair]:
    texts = {(answer.probe, answer.variant): answer.text for answer in answers}
    values = {
        (found.probe, found.variant, found.metric): found.value for found in measures if math.isfinite(found.value)
    }
    for key, made in {made.sample.id: made for made in held_out}.items():
        base, tuned = texts.get((key, "base")), texts.get((key, "tuned"))
        if base is not None and tuned is not None:
            found = (_score(values, key, metric) for metric in metrics)
            yield _Pair(made, base, tuned, tuple(found))


def _score(values: Mapping[tuple[str, Variant, str], float], probe: str, metric: str) -> Score:
    return Score(metric, values.get((probe, "base", metric)), values.get((probe, "tuned", metric)))


def _difference(score: Score) -> float:
    """Rounded, so that what arithmetic leaves behind is no change; NaN where a value is missing."""
    if score.base is None or score.tuned is None:
        return math.nan
    return round(score.tuned - score.base, 9)


def _one_a_fact(pairs: Sequence[_Pair], count: int) -> list[_Pair]:
    first: dict[str, _Pair] = {}
    for pair in pairs:
        first.setdefault(pair.made.sample.fact, pair)
    return list(first.values())[:count]


def _evenly(pairs: Sequence[_Pair], count: int) -> Sequence[_Pair]:
    return [pairs[index * len(pairs) // count] for index in range(count)] if len(pairs) > count else pairs


def _side_by_side(pair: _Pair) -> SideBySide:
    return SideBySide(
        question=_last(pair.made, "user"),
        reference=_last(pair.made, "assistant"),
        base=pair.base,
        tuned=pair.tuned,
        sources=tuple(str(span) for span in pair.made.origin.spans),
        scores=tuple(score for score in pair.scores if score.base is not None or score.tuned is not None),
        sample=pair.made.sample.id,
        change=pair.change,
    )


def _last(made: Made, role: Role) -> str:
    return next((message.content for message in reversed(made.sample.messages) if message.role == role), "")
