"""A sample's last question and answer in the forms that rules look at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from docutune.plugins.curators.normal import answer_of, before_answer
from docutune.records import Sample

WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})(.*)$", re.MULTILINE)
_INLINE = re.compile(r"`[^`\n]+`")
_LETTERS_OF_A_WIDE_ONE = 3


@dataclass(frozen=True)  # cached properties need a __dict__
class Exchange:
    """The last question and the answer to it. `prose` is the answer without code, in blocks or in its lines.

    `said` is all that user and assistant say, code and former turns, too.
    """

    question: str
    answer: str
    language: str
    said: str

    @cached_property
    def prose(self) -> str:
        """The answer without code."""
        if "`" not in self.answer and "~~~" not in self.answer:
            return self.answer
        return _INLINE.sub(" ", without_blocks(self.answer))


def exchange(sample: Sample) -> Exchange:
    """The last question of a sample and its answer, without space around them."""
    asked = [message.content for message in before_answer(sample) if message.role == "user"]
    said = "\n".join(message.content for message in sample.messages if message.role != "system")
    return Exchange(asked[-1].strip() if asked else "", answer_of(sample).strip(), sample.language, said)


def size(text: str) -> int:
    """Characters, with a Chinese one for about as many letters as say the same."""
    wide = 0 if text.isascii() else len(WIDE.findall(text))
    return len(text) + (_LETTERS_OF_A_WIDE_ONE - 1) * wide


def without_blocks(text: str) -> str:
    """The text without fenced code; a fence that nobody closes hides all that follows."""
    kept: list[str] = []
    start, opened = 0, ""
    for match in FENCE.finditer(text):
        marks = match[1]
        if not opened:
            kept.append(text[start : match.start()])
            opened = marks
        elif marks.startswith(opened) and not match[2].strip():
            start, opened = match.end(), ""
    return "\n".join([*kept, *([] if opened else [text[start:]])])


def has_open_block(text: str) -> bool:
    """Whether a block of code is never closed."""
    opened = ""
    for match in FENCE.finditer(text):
        if not opened:
            opened = match[1]
        elif match[1].startswith(opened) and not match[2].strip():
            opened = ""
    return bool(opened)
