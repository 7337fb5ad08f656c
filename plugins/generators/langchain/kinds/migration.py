"""What changes from one version to another, and what takes the place of what is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutune.plugins.generators.langchain.asking import Payload
from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Pair, Pairs, about_answer, of_pair, pairs_of
from docutune.plugins.generators.langchain.topics.sections import releases

_CODE = re.compile(r"`([^`\n]+)`")
_WORD = re.compile(r"[A-Za-z_]\w+", re.ASCII)


def _mistakes(pair: Pair, payload: Payload) -> Iterator[str]:
    """Core sees to it that names that are gone stand in the changelog, and are said to be gone."""
    for question in pair.questions:
        if payload.after not in question:
            yield f"the question does not name the version: “{question}”"
    told = {word for code in _CODE.findall(pair.answer) for word in _WORD.findall(code)}
    if not told & set(_WORD.findall(payload.text)):
        yield "the answer names nothing that changes"


KIND = Kind("migration", Pairs, releases, of_pair, about_answer, _mistakes, pairs_of, asks_several=True)
