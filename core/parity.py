"""Whether a model answers as the one that it was made from: what was compared, what differs, and how it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

QUESTIONS = 20
NEW_TOKENS = 32
"""Longest answer that is compared, in tokens."""

BITS = {"float32": 32, "bfloat16": 16, "float16": 16}
"""Numbers that whole models are written in, and their width."""

TIES = {32: 0.01, 16: 0.25, 8: 1.0}
"""Bits of a weight -> how far apart, in logits, two tokens may be that rounding the weights may exchange."""

BUILT_IN = (
    "What is this library for?",
    "How do I install it?",
    "How do I begin?",
    "Show a short example.",
    "Which functions are there?",
    "Which classes are there?",
    "What does the main module do?",
    "What is returned when nothing is found?",
    "Which errors can be raised?",
    "How is it configured?",
    "What are the defaults?",
    "Is it safe to use from several threads?",
    "How are files read?",
    "How are results written?",
    "What are its limits?",
    "What has to be closed afterwards?",
    "How do I test my code with it?",
    "这个库是做什么的？",
    "怎样开始使用它？",
    "有哪些主要的函数？",
)
"""What is asked where a model has no held-out questions."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One prompt that was answered otherwise, with both answers up to there.

    `cause`: "prompt" when it became other tokens already, "answer", or "tie" when the source likes both tokens about
    equally. `gap`: by how many logits the source prefers its own token to the result's, where they part.
    """

    question: str
    source: str
    result: str
    cause: Literal["prompt", "answer", "tie"]
    gap: float | None = None


@dataclass(frozen=True, slots=True)
class Parity:
    """Greedy answers of a source and of what was made of it.

    `logits` is the largest difference of any logit where both had read the same, None where nothing could be compared.
    `unread` says why nothing here reads the result; `notes` what the comparison leaves open, a line each.
    """

    questions: int
    equal: int = 0
    logits: float | None = None
    tie: float = 0.0
    differences: tuple[Difference, ...] = ()
    unread: str | None = None
    held_out: bool = True
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Literal["passed", "failed", "not checked"]:
        """A difference that is no tie fails."""
        if self.unread is not None:
            return "not checked"
        return "failed" if any(item.cause != "tie" for item in self.differences) else "passed"
