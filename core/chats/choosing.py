"""What the words of `docutune chat` mean: a model, a question, or both."""

from __future__ import annotations

import re
from collections.abc import Sequence

from docutune.errors import UsageError
from docutune.suggestions import slip_of
from docutune.tuned import model_names
from docutune.workspace import Store

_PLACE = re.compile(r"(\.{0,2}/|~)\S*|([\w.-]+:)?[\w.-]+/[\w.-]+|[0-9a-f]{12,64}", re.ASCII)
"""A folder, `owner/name`, `hub:owner/name`, or a key as `docutune models list` shows it."""


def split_words(store: Store, words: Sequence[str], model: str | None) -> tuple[str | None, str]:
    """The model that is named (None: the newest) and the question ("": none yet). UsageError for an empty question.

    With `model` all words are the question. Else the first word is a model where it is the name of one that was trained
    here, a key, a folder, or owner/name: a question in quotation marks holds spaces, and is never one.
    """
    if words and not " ".join(words).strip():
        raise UsageError("the question is empty", "write it after docutune chat, in quotation marks")
    if model is not None or not words:
        return model, " ".join(words)
    names, first = model_names(store), words[0]
    if first in names or _PLACE.fullmatch(first):
        return first, " ".join(words[1:])
    _refuse_slip(first, words[1:], names)
    return None, " ".join(words)


def _refuse_slip(first: str, rest: Sequence[str], names: Sequence[str]) -> None:
    """A model's name that was mistyped must not be asked as a question: told where only a name can stand."""
    meant = slip_of(first, names) if not rest or any(" " in word for word in rest) else ""
    if meant:
        raise UsageError(
            f"there is no model {first!r}{meant}", f"to ask it as a question: docutune chat --model NAME {first}"
        )
