"""What is learned from a chat: a good answer becomes a sample, a bad one is rated so."""

from __future__ import annotations

from dataclasses import dataclass, replace

from docutune.chats.records import Turn, speaker
from docutune.datasets.adding import Adding, Typed
from docutune.errors import UsageError
from docutune.rated import Rating
from docutune.ratings import Ratings
from docutune.runlog import now


@dataclass(frozen=True)
class Learning:
    """Adds to the samples file of a pipeline as `docutune dataset add` does, rates as `docutune dataset rate` does."""

    adding: Adding
    ratings: Ratings

    def complaint(self, turn: Turn) -> str | None:
        """Why a dataset would leave this question and answer out; None when it would not."""
        return self.adding.complaint(_typed(turn))

    def add(self, turn: Turn) -> int:
        """Make a sample of a question and its answer, without what was said before; the line of the samples file.

        UsageError for an answer that did not come to its end.
        """
        return self.adding.add(_typed(turn))

    def reject(self, turn: Turn, reason: str) -> None:
        """Rate a question and its answer as bad: as the sample that they make or would make."""
        typed = _typed(turn, whole=False)
        sample = self.adding.sample(typed)
        rating = Rating(now(), "sample", sample.id, sample.id, sample.kind, typed.question, "bad", reason)
        self.ratings.put(replace(rating, model=_who(turn)))


_ENDS = {"cut": "cut off at the longest reply that was asked for", "broken off": "broken off"}


def _typed(turn: Turn, whole: bool = True) -> Typed:
    reply = turn.reply
    if reply is None or not reply.text.strip():
        raise UsageError("there is no answer to learn from", "ask something first")
    if whole and reply.end != "whole":
        raise UsageError(f"that answer was {_ENDS[reply.end]}", "a sample needs all of it: ask again")
    return Typed(turn.question, reply.text, turn.system or None)


def _who(turn: Turn) -> str | None:
    return speaker(turn.reply.model, turn.reply.variant) if turn.reply else None
