"""What people prefer when they see two answers without names: their ratings as one metric, base against tuned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from docutune.evaluation import Comparison, compare
from docutune.rated import Rating
from docutune.records import Measure

METRIC = "preferred"
RATERS = "people"
"""What the report calls whoever measured it."""

_VALUES: Mapping[str, tuple[float, float]] = {
    "tuned": (0.0, 1.0),
    "base": (1.0, 0.0),
    "same": (0.5, 0.5),
    "neither": (0.0, 0.0),
}
"""Verdict -> the value of the base's answer and of the tuned one's."""


def preferred(ratings: Iterable[Rating], ids: Collection[str]) -> Comparison | None:
    """How often the base's answer was preferred and how often the tuned one's; None where nobody judged any.

    A draw counts half for both, a question with two bad answers for none; what was passed over counts for nothing. Each
    judgement of each person counts once.
    """
    given = {
        f"{item.id} {item.rater or ''}": _VALUES[item.verdict or ""]
        for item in ratings
        if item.subject == "answers" and item.id in ids and (item.verdict or "") in _VALUES
    }
    measures = [
        measure
        for probe, (base, tuned) in given.items()
        for measure in (Measure(METRIC, probe, "base", base), Measure(METRIC, probe, "tuned", tuned))
    ]
    return next(iter(compare(measures)), None)
