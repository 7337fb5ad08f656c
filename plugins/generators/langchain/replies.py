"""The forms that a reply may have, one per kind, and what becomes of them: wordings and the one answer to all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class Pair(BaseModel):
    """One question in several wordings, and its answer."""

    model_config = ConfigDict(frozen=True)

    questions: list[str]
    answer: str


class Pairs(BaseModel):
    """Several questions, each in several wordings with its answer."""

    model_config = ConfigDict(frozen=True)

    pairs: list[Pair]


class Solved(BaseModel):
    """One task in several wordings, the code that solves it, and what the code does."""

    model_config = ConfigDict(frozen=True)

    tasks: list[str]
    code: str
    explanation: str


FORMS: dict[str, type[BaseModel]] = {
    "question-answer": Pairs,
    "explanation": Pair,
    "how-to": Pair,
    "task-to-code": Solved,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a reply says once: wordings of a question, and the answer. `code` is set where the answer is code."""

    questions: tuple[str, ...]
    answer: str
    code: str | None = None


def told(reply: BaseModel, most: int, code_language: str) -> Sequence[Told]:
    """What a reply says, at most that many questions of those kinds that ask several."""
    if isinstance(reply, Pairs):
        return [_pair(pair) for pair in reply.pairs[:most]]
    if isinstance(reply, Solved):
        code = bare(reply.code)
        answer = f"```{code_language}\n{code}\n```\n\n{reply.explanation.strip()}".strip() if code else ""
        return [Told(tuple(reply.tasks), answer, code)]
    assert isinstance(reply, Pair)
    return [_pair(reply)]


def _pair(pair: Pair) -> Told:
    return Told(tuple(pair.questions), pair.answer.strip())


def bare(code: str) -> str:
    """Code without the fence that models like to put around it."""
    lines = code.strip("\n").rstrip().split("\n")
    if lines[0].lstrip().startswith("```"):
        lines = lines[1:]
        if lines and lines[-1].strip() == "```":
            lines = lines[:-1]
    return "\n".join(lines).strip("\n")
