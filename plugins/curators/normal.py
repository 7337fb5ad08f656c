"""Samples as they are compared: normalised text, and the names and numbers that no paraphrase may change."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from docutune.records import Message, Sample

Folded: TypeAlias = "tuple[str, frozenset[str]]"

_SPACE = re.compile(r"\s+")
_WIDE = "\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"
_SPACE_BESIDE_WIDE = re.compile(f"(?<=[{_WIDE}]) | (?=[{_WIDE}])")
_TOKEN = re.compile(r"`[^`]+`|--?[A-Za-z][\w-]*|\w[\w.,-]*", re.ASCII)
_CONSTANTS = frozenset(("True", "False", "None"))
_NAME_LIKE = re.compile(
    r"[-`].*"  # a command-line option, inline code
    r"|.*[A-Za-z_]\.[A-Za-z_].*"  # a dotted name
    r"|.*[\d_].*"  # a number, snake_case
    r"|[A-Z]{2,}s?|.*[a-z][A-Z].*",  # an ACRONYM, camelCase
    re.ASCII,
)
_END_MARKS = " ?!.,;:…。！？，；："
_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Compared:
    """Question (everything before the last answer) and answer, normalised, with the names and numbers of each."""

    question: str
    answer: str
    anchors: tuple[frozenset[str], frozenset[str]]

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.question}\n{self.answer}"


def comparing() -> Callable[[Sample], Compared]:
    """What gives a sample as it is compared. Texts that come again, such as the answer to the phrasings of a fact, are
    normalised once, for as long as the function lives.
    """
    fold = lru_cache(maxsize=_KEPT)(folded)

    def compared(sample: Sample) -> Compared:
        asked = "\n".join(f"{message.role}: {message.content}" for message in before_answer(sample))
        (question, in_question), (answer, in_answer) = fold(asked), fold(answer_of(sample))
        return Compared(question.rstrip(_END_MARKS), answer, (in_question, in_answer))

    return compared


def asked(sample: Sample) -> Folded:
    """All that is said before the last answer, system prompts aside, without the marks at its end."""
    question, names = folded(
        "\n".join(message.content for message in before_answer(sample) if message.role != "system")
    )
    return question.rstrip(_END_MARKS), names


def before_answer(sample: Sample) -> tuple[Message, ...]:
    """The messages up to the last answer."""
    answered = bool(sample.messages) and sample.messages[-1].role == "assistant"
    return sample.messages[:-1] if answered else sample.messages


def answer_of(sample: Sample) -> str:
    """The last answer, empty where there is none."""
    return "".join(message.content for message in sample.messages[-1:] if message.role == "assistant")


def folded(text: str) -> Folded:
    """The text in one line and in lower case, except for names: `click.Option` and `click.option` are two things.

    Beside it the names and numbers. Spaces between Chinese characters and others are a matter of taste.
    """
    text = _SPACE_BESIDE_WIDE.sub("", _SPACE.sub(" ", unicodedata.normalize("NFKC", text))).strip()
    parts: list[str] = []
    names: set[str] = set()
    end = 0
    for match in _TOKEN.finditer(text):
        token = match[0].rstrip(".,-")
        if _is_name(token):
            parts += [text[end : match.start()].casefold(), token]
            end = match.start() + len(token)
            names.add(token.strip("`"))
    return "".join([*parts, text[end:].casefold()]), frozenset(names)


@lru_cache(maxsize=50_000)
def _is_name(token: str) -> bool:
    if token.isalpha() and (token[1:].islower() or len(token) == 1):
        return token in _CONSTANTS
    return bool(_NAME_LIKE.fullmatch(token))
