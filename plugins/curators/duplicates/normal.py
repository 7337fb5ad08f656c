"""Samples as they are compared: normalised text, and the names and numbers that no paraphrase may change."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from docutune.records import Sample

_SPACE = re.compile(r"\s+")
_TOKEN = re.compile(r"`[^`]+`|--?[A-Za-z][\w-]*|\w[\w.,-]*", re.ASCII)
_CONSTANTS = frozenset(("True", "False", "None"))
_NAME_LIKE = re.compile(
    r"[-`].*"  # a command-line option, inline code
    r"|.*[A-Za-z_]\.[A-Za-z_].*"  # a dotted name
    r"|.*[\d_].*"  # a number, snake_case
    r"|[A-Z]{2,}s?|.*[a-z][A-Z].*",  # an ACRONYM, camelCase
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
    (question, in_question), (answer, in_answer) = _folded(question), _folded(answer)
    return Compared(question, answer, (in_question, in_answer))


@lru_cache(maxsize=100_000)  # the phrasings of a fact share one answer, and samples come in no order of facts
def _folded(text: str) -> tuple[str, frozenset[str]]:
    """The text in one line and in lower case, except for names: `click.Option` and `click.option` are two things.

    Beside it the names and numbers.
    """
    text = _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip()
    folded: list[str] = []
    names: set[str] = set()
    end = 0
    for match in _TOKEN.finditer(text):
        token = match[0].rstrip(".,-")
        if _is_name(token):
            folded += [text[end : match.start()].casefold(), token]
            end = match.start() + len(token)
            names.add(token.strip("`"))
    return "".join([*folded, text[end:].casefold()]), frozenset(names)


def _is_name(token: str) -> bool:
    if token.isalpha() and (token[1:].islower() or len(token) == 1):
        return token in _CONSTANTS
    return bool(_NAME_LIKE.fullmatch(token))
