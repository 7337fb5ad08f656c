"""Code that uses a symbol wrongly, what is wrong with it, and the code as it should be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from docutune.plugins.generators.langchain.asking import Payload
from docutune.plugins.generators.langchain.kinds.code import bare, block, remarks, same
from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Told, about_subject
from docutune.plugins.generators.langchain.mentions import spoken_of
from docutune.plugins.generators.langchain.topics.symbols import symbols

_TELLING = re.compile(
    r"\b(?:bug|wrong|incorrect|mistake|error|missing|fix(?:ed|me)?)\b|错|缺|误|应该|修复", re.IGNORECASE
)


class Fixed(BaseModel):
    """A request for help in several wordings, code that does not work, what is wrong with it, and code that works."""

    model_config = ConfigDict(frozen=True)

    questions: list[str]
    broken: str
    problem: str
    fixed: str


def _told(reply: Fixed, payload: Payload) -> Told:
    fixed = block(reply.fixed, payload.code_language)
    answer = f"{reply.problem.strip()}\n\n{fixed}" if fixed and reply.problem.strip() else ""
    return Told(tuple(reply.questions), answer, shown=block(reply.broken, payload.code_language))


def _mistakes(reply: Fixed, payload: Payload) -> Iterator[str]:
    """The names in the broken code may be wrong: core lets the answer name them only to say so."""
    if not bare(reply.broken).strip():
        yield "there is no broken code"
    elif same(reply.broken, reply.fixed, payload.code_language):
        yield "the broken code is the same as the fixed code"
    if found := _TELLING.search(remarks(reply.broken)):
        yield f"a remark in the broken code tells the mistake: “{found[0]}”"
    top = payload.subject.partition(".")[0]
    if not re.search(rf"\b(?:{re.escape(top)}|{re.escape(payload.subject.rpartition('.')[2])})\b", reply.broken):
        yield f"the broken code does not try to use the symbol that it is about: `{payload.subject}`"
    if payload.subject not in spoken_of(block(reply.fixed, payload.code_language), (payload.subject,)):
        yield f"the fixed code does not use the symbol that it is about: `{payload.subject}`"


KIND = Kind("bug-fix", Fixed, symbols, _told, about_subject, _mistakes)
