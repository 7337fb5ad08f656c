"""Blind rating on a page: two answers without names, one question after the other; every verdict is kept at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from docutune.datasets.preferences import RATERS, preferred
from docutune.datasets.rating import Item, Sitting, Walk, answers, summary
from docutune.desk.reports import Figure, figure
from docutune.errors import UsageError
from docutune.rated import Rating, Verdict
from docutune.ratings import Ratings
from docutune.report.words import Words
from docutune.workspace import Store

Choice: TypeAlias = Literal["first", "second", "same", "neither", "skip"]
"""What a person says of two answers; which is whose only this module knows."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The question to judge now, its answers in the order in which they are shown; it tells nothing of whose they are.

    `id` None: everything is judged.
    """

    done: int
    total: int
    id: str | None = None
    question: str = ""
    expected: str = ""
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """How often each was better, by everybody together, and each judgement with the names, the last one first.

    `figure` says what that proves; None where nothing was judged.
    """

    counts: Mapping[str, Any]
    given: tuple[Rating, ...]
    figure: Figure | None


@dataclass(frozen=True)
class Judging:
    """Ratings of the answers of one workspace."""

    store: Store

    def shown(self, run: str, model: str, rater: str | None) -> Shown:
        """What a person judges next; UsageError where the run measured no such model."""
        return _shown(self._sitting(run, model, rater))

    def give(self, run: str, model: str, rater: str | None, shown: str, choice: Choice) -> Shown:
        """Keep a verdict on the question that was shown, and show the next one.

        UsageError when another one is to be judged by now: on another page, or at the command line.
        """
        sitting = self._sitting(run, model, rater)
        item = sitting.current
        if item is None or item.id != shown:
            raise UsageError("this question was judged elsewhere meanwhile", "go on with the one that is shown now")
        sitting.give(_verdict(item, choice))
        return _shown(sitting)

    def take_back(self, run: str, model: str, rater: str | None) -> Shown:
        """Take the last verdict back; UsageError when there is none."""
        sitting = self._sitting(run, model, rater)
        if sitting.undo() is None:
            raise UsageError("there is no verdict to take back")
        return _shown(sitting)

    def tally(self, run: str, model: str, language: str) -> Tally:
        """All verdicts so far, with names."""
        items, ratings = self._items(run, model), Ratings(self.store).all()
        ids = {item.id for item in items}
        found = preferred(ratings, ids)
        given = (rating for rating in reversed(ratings) if rating.id in ids and rating.verdict is not None)
        told = figure(RATERS, found, Words(language)) if found else None
        return Tally(summary(items, ratings), tuple(given), told)

    def _items(self, run: str, model: str) -> Sequence[Item]:
        return answers(self.store, model, Walk(run=run))

    def _sitting(self, run: str, model: str, rater: str | None) -> Sitting:
        return Sitting(self._items(run, model), Ratings(self.store), rater)


def _shown(sitting: Sitting) -> Shown:
    item, done, total = sitting.current, sitting.done, len(sitting.items)
    if item is None:
        return Shown(done, total)
    return Shown(done, total, item.id, item.question, item.expected, tuple(text for _, text in item.sides))


def _verdict(item: Item, choice: Choice) -> Verdict:
    if choice == "first":
        return item.sides[0][0]
    return item.sides[1][0] if choice == "second" else choice
