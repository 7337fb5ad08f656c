"""A small task, and the code that solves it with a symbol."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from docutune.plugins.generators.langchain.asking import Payload
from docutune.plugins.generators.langchain.kinds.code import block
from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Told, about_subject
from docutune.plugins.generators.langchain.topics.symbols import symbols


class Solved(BaseModel):
    """One task in several wordings, the code that solves it, and what the code does."""

    model_config = ConfigDict(frozen=True)

    tasks: list[str]
    code: str
    explanation: str


def _told(reply: Solved, payload: Payload) -> Told:
    code = block(reply.code, payload.code_language)
    answer = f"{code}\n\n{reply.explanation.strip()}".strip() if code else ""
    return Told(tuple(reply.tasks), answer)


KIND = Kind("task-to-code", Solved, symbols, _told, about_subject)
