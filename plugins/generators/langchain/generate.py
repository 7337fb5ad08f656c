"""The generator `langchain`: asks a chat model about sections and symbols, and keeps what passes its checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from docutune.errors import Rejected
from docutune.plugins.generators.langchain.asking import Payload, prompt
from docutune.plugins.generators.langchain.checks import mistakes, wordings
from docutune.plugins.generators.langchain.kinds import KINDS, Kind, Told
from docutune.plugins.generators.langchain.mentions import spoken_of
from docutune.plugins.generators.langchain.tasks import declared
from docutune.records import Message, Sample, Task, from_json

if TYPE_CHECKING:
    from pydantic import BaseModel

    from docutune.contracts import Context, Library
    from docutune.plugins.generators.langchain.plugin import Config


class LangChain:
    """Samples that a chat model writes, of what stands in the sources."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def tasks(self, library: Library) -> Iterator[Task]:
        """One task per kind, language and thing that the kind asks about."""
        return declared(library, self._config)

    async def run(self, task: Task, context: Context, complaint: str | None = None) -> Sequence[Sample]:
        """The samples of one task. In the second try questions that are right stay, although others are wrong."""
        payload = from_json(Payload, task.payload)
        kind = KINDS[payload.kind]
        reply = await context.chat.ask((Message("user", prompt(payload, complaint)),), kind.form)
        wrong = dict(_examined(reply, payload, kind))
        right = [said for said in wrong if not wrong[said]]
        if not right or (complaint is None and len(right) < len(wrong)):
            reasons = dict.fromkeys(reason for about in wrong.values() for reason in about)
            raise Rejected("; ".join(reasons) or "the reply holds no question")
        return tuple(sample for said in right for sample in _samples(said, payload, kind))


def _examined(reply: BaseModel, payload: Payload, kind: Kind) -> Iterator[tuple[Told, Sequence[str]]]:
    """What the parts of a reply tell, each with what is wrong with it."""
    for part in kind.parts(reply, payload):
        said = kind.told(part, payload)
        yield said, (*kind.mistakes(part, payload), *mistakes(said, payload))


def _samples(said: Told, payload: Payload, kind: Kind) -> Iterator[Sample]:
    """One sample per wording, all of one fact."""
    about = (payload.subject,) if payload.code_language else ()
    symbols = about + spoken_of("\n\n".join(said.answers), payload.names)
    rest = tuple(message for turn in said.further for message in _turn(turn.question, turn.answer))
    for question in wordings(said, payload.phrasings):
        asked = f"{question}\n\n{said.shown}" if said.shown else question
        messages = (*_turn(asked, said.answer), *rest)
        yield Sample(messages, kind.name, kind.fact(said, payload), symbols, payload.language)


def _turn(question: str, answer: str) -> tuple[Message, Message]:
    return Message("user", question), Message("assistant", answer)
