"""What replies say, whatever their form: wordings of a question, the answer, and the turns that follow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from docutune.plugins.generators.langchain.asking import Payload


class Pair(BaseModel):
    """One question in several wordings, and its answer."""

    model_config = ConfigDict(frozen=True)

    questions: list[str]
    answer: str


class Pairs(BaseModel):
    """Several questions, each in several wordings with its answer."""

    model_config = ConfigDict(frozen=True)

    pairs: list[Pair]


@dataclass(frozen=True, slots=True)
class Turn:
    """A question that builds on what was said before, and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a reply says once: wordings of the first question, its answer, and the turns after it.

    `shown` is a block of code that stands below every wording: it is asked about, not answered with.
    """

    questions: tuple[str, ...]
    answer: str
    shown: str = ""
    further: tuple[Turn, ...] = ()

    @property
    def answers(self) -> tuple[str, ...]:
        """Every answer in its order."""
        return (self.answer, *(turn.answer for turn in self.further))


def of_pair(pair: Pair, payload: Payload) -> Told:
    """A question with its answer."""
    return Told(tuple(pair.questions), pair.answer.strip())


def pairs_of(reply: Pairs, payload: Payload) -> tuple[Pair, ...]:
    """At most as many questions as were asked for."""
    return tuple(reply.pairs[: payload.questions])


def about_subject(told: Told, payload: Payload) -> str:
    """The fact of kinds that say one thing of a symbol."""
    return f"{payload.kind}:{payload.subject}"


def about_answer(told: Told, payload: Payload) -> str:
    """Several facts may stand under one heading, and one heading in several documents: the answers tell them apart."""
    said = "\0".join(told.answers)
    return f"{payload.kind}:{payload.subject}:{hashlib.sha256(said.encode()).hexdigest()[:8]}"
