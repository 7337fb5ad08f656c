"""Samples as they are compared: normalised text, and the names and numbers that no paraphrase may change."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from docutune.records import Sample

_SPACE = re.compile(r"\s+")
_NAME_LIKE = re.compile(
    r"`[^`]+`"  # inline code
    r"|--?[A-Za-z][\w-]*"  # command-line options
    r"|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+"  # dotted names
    r"|[A-Za-z]*_\w*"  # snake_case
    r"|[a-z]+[A-Z]\w*|[A-Z]{2,}\w*|[A-Z][a-z]+[A-Z]\w*"  # camelCase, ACRONYMS
    r"|(?:True|False|None)\b"
    r"|\d+(?:[.,]\d+)*",
    re.ASCII,
)


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


def compared(sample: Sample) -> Compared:
    """The sample as it is compared."""
    messages = list(sample.messages)
    answer = messages.pop().content if messages and messages[-1].role == "assistant" else ""
    question = "\n".join(f"{message.role}: {message.content}" for message in messages)
    question, answer = _unify(question), _unify(answer)
    return Compared(_fold(question), _fold(answer), (_anchors(question), _anchors(answer)))


def _unify(text: str) -> str:
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip()


def _fold(text: str) -> str:
    """Lower case except for what is written like a name: `click.Option` and `click.option` are two things."""
    folded: list[str] = []
    end = 0
    for match in _NAME_LIKE.finditer(text):
        folded += [text[end : match.start()].casefold(), match[0]]
        end = match.end()
    return "".join([*folded, text[end:].casefold()])


def _anchors(text: str) -> frozenset[str]:
    return frozenset(match[0].strip("`") for match in _NAME_LIKE.finditer(text))
