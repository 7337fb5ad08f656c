"""The generator `langchain`: asks a chat model about sections and symbols, and keeps what passes its checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from docutune.errors import Rejected
from docutune.plugins.generators.langchain.asking import Payload, prompt
from docutune.plugins.generators.langchain.checks import mistakes, wordings
from docutune.plugins.generators.langchain.mentions import spoken_of
from docutune.plugins.generators.langchain.replies import FORMS, Told, told
from docutune.plugins.generators.langchain.tasks import SYMBOL_KINDS, declared
from docutune.records import Message, Sample, Task, from_json

if TYPE_CHECKING:
    from docutune.contracts import Context, Library
    from docutune.plugins.generators.langchain.plugin import Config


class LangChain:
    """Samples that a chat model writes, of what stands in the sources."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def tasks(self, library: Library) -> Iterator[Task]:
        """One task per kind, language and section or documented symbol."""
        return declared(library, self._config)

    async def run(self, task: Task, context: Context, complaint: str | None = None) -> Sequence[Sample]:
        """The samples of one task. In the second try questions that are right stay, although others are wrong."""
        payload = from_json(Payload, task.payload)
        messages = (Message("user", prompt(payload, complaint)),)
        reply = await context.chat.ask(messages, FORMS[payload.kind])
        found = told(reply, payload.questions, payload.code_language)
        wrong = {said: tuple(mistakes(said, payload)) for said in found}
        right = [said for said in wrong if not wrong[said]]
        if not right or (complaint is None and len(right) < len(wrong)):
            reasons = dict.fromkeys(reason for about in wrong.values() for reason in about)
            raise Rejected("; ".join(reasons) or "the reply holds no question")
        return tuple(sample for said in right for sample in _samples(said, payload))


def _samples(said: Told, payload: Payload) -> Iterator[Sample]:
    """One sample per wording, all of one fact."""
    about_symbol = payload.kind in SYMBOL_KINDS
    symbols = ((payload.subject,) if about_symbol else ()) + spoken_of(said.answer, payload.names)
    fact = f"{payload.kind}:{payload.subject}"
    if not about_symbol:  # several facts may stand under one heading, and one heading in several documents
        fact = f"{fact}:{hashlib.sha256(said.answer.encode()).hexdigest()[:8]}"
    for question in wordings(said, payload.phrasings):
        messages = (Message("user", question), Message("assistant", said.answer))
        yield Sample(messages, payload.kind, fact, symbols, payload.language)
