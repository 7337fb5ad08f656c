"""Conversations to samples: the fact they are about, their language, their split."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence

from docutune.plugins.parsers.pairs.rows import RowError
from docutune.plugins.parsers.pairs.shapes import Fields
from docutune.plugins.parsers.text import storable
from docutune.records import Message, Sample, Split

_SPLITS: Mapping[str, Split] = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}
SPLIT = ("split", "subset")
OWN = ("messages", "kind", "fact", "symbols", "language")
_HAN = r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_CHINESE = re.compile(f"[{_HAN}]+")
_OTHER_WORD = re.compile(rf"[^\W\d_{_HAN}]+")


def sample_of(fields: Fields, messages: tuple[Message, ...]) -> Sample:
    """The sample; a row that docutune wrote keeps its kind, fact, symbols and language, and so its identity."""
    if not is_own(fields):
        return Sample(messages, "question-answer", fact_of(messages), (), language_of(messages))
    symbols = fields.get("symbols") or []
    if not isinstance(symbols, list) or not all(isinstance(name, str) for name in symbols):
        raise RowError("symbols is not a list of names")
    language = fields.get("language")
    return Sample(
        messages,
        storable(str(fields["kind"])),
        storable(str(fields["fact"])),
        tuple(map(storable, symbols)),
        storable(language) if isinstance(language, str) and language else language_of(messages),
    )


def is_own(fields: Fields) -> bool:
    """Whether docutune wrote the row."""
    return "messages" in fields and all(isinstance(fields.get(name), str) for name in ("kind", "fact"))


def was_left_out(fields: Fields) -> bool:
    """Whether docutune kept the row out of its dataset: the symbols it names were to be unseen in training."""
    return is_own(fields) and "split" in fields and fields["split"] is None


def fact_of(messages: Sequence[Message]) -> str:
    """A name for the first question: rows that ask the same thing stay together when samples are split."""
    question = next(message.content for message in messages if message.role == "user")
    normal = " ".join(unicodedata.normalize("NFKC", question).casefold().split())
    return f"pair:{hashlib.sha256(normal.encode()).hexdigest()[:16]}"


def language_of(messages: Sequence[Message]) -> str:
    """ "zh" when at least as many Chinese characters as words of other scripts are said, else "en"."""
    text = "\n".join(message.content for message in messages if message.role != "system")
    characters = sum(map(len, _CHINESE.findall(text)))
    return "zh" if characters and characters >= len(_OTHER_WORD.findall(text)) else "en"


def split_of(fields: Fields) -> tuple[Split | None, str]:
    """The split that the row names, and what it names instead of one: "" where it names none."""
    unknown = ""
    for name in SPLIT:
        value = fields.get(name)
        if isinstance(value, str) and value.strip():
            split = _SPLITS.get(value.strip().casefold())
            if split:
                return split, ""
            unknown = unknown or (value.strip() if name == "split" else "")
    return None, unknown
