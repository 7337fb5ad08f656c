"""The held-out questions of an evaluation with both answers, and which of them are right, wrong or changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from docutune import versions
from docutune.errors import DocutuneError
from docutune.records import Answer, Measure, from_json
from docutune.report.answers import every_answer
from docutune.report.facts import ModelReport, Score, SideBySide
from docutune.report.words import Words
from docutune.workspace import Store

Which: TypeAlias = Literal["all", "changed", "improved", "worsened", "right", "wrong"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question; `shifts` says in words how its values moved, `right` whether the tuned answer is right.

    None: no metric says so.
    """

    asked: SideBySide
    shifts: tuple[str, ...]
    right: bool | None


@dataclass(frozen=True, slots=True)
class Questions:
    """All of them, in the order of the dataset; `judge` is the metric that says what is right, None where none does."""

    items: tuple[Question, ...]
    judge: str | None

    def those(self, which: Which) -> tuple[Question, ...]:
        """The questions of that kind."""
        return tuple(item for item in self.items if _is(item, which))


def questions(store: Store, manifest: Mapping[str, Any], model: ModelReport, words: Words) -> Questions:
    """See Reports.questions."""
    name = f"evaluate:{model.name}"
    key = next((step["key"] for step in manifest["steps"] if step["name"] == name), "")
    value = store.recall("results", key) if key else None
    if value is None:
        raise DocutuneError(f"the answers of {model.name} are gone", "docutune eval asks again")
    measures = [from_json(Measure, item) for group in value["measures"].values() for item in group]
    answers = [from_json(Answer, item) for item in value["answers"]]
    leading = next((facts.comparisons for facts in model.evaluations if facts.comparisons), ())
    metrics = [comparison.metric for comparison in leading]
    held_out = versions.read(store, manifest["dataset"]).of("test")
    rows = every_answer(held_out, answers, measures, metrics)
    judge = next((metric for metric in metrics if _is_yes_or_no(metric, rows)), None)
    found = tuple(Question(row, tuple(words.shifts(row.scores)), _right(row, judge)) for row in rows)
    return Questions(found, None if judge is None else words.known("metric", judge))


def _is(item: Question, which: Which) -> bool:
    if which == "changed":
        return item.asked.change in ("improved", "worsened")
    if which in ("right", "wrong"):
        return item.right is (which == "right")
    return which in ("all", item.asked.change)


def _is_yes_or_no(metric: str, rows: Sequence[SideBySide]) -> bool:
    values = {value for score in _scores(metric, rows) for value in (score.base, score.tuned)}
    return bool(values) and values <= {0.0, 1.0, None}


def _right(row: SideBySide, judge: str | None) -> bool | None:
    score = next(_scores(judge, [row]), None) if judge is not None else None
    return None if score is None or score.tuned is None else score.tuned == 1.0


def _scores(metric: str, rows: Sequence[SideBySide]) -> Iterator[Score]:
    return (score for row in rows for score in row.scores if score.metric == metric)
