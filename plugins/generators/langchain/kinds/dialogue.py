"""A conversation on a section: two to four questions that build on each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from docutune.plugins.generators.langchain.asking import Payload
from docutune.plugins.generators.langchain.kinds.kind import Kind
from docutune.plugins.generators.langchain.kinds.told import Told, Turn, about_answer
from docutune.plugins.generators.langchain.topics.sections import long_sections

_MOST_FURTHER = 3
_SPACE = re.compile(r"[\W_]+")


class FollowUp(BaseModel):
    """A question that goes on from the answer before, and its answer."""

    model_config = ConfigDict(frozen=True)

    question: str
    answer: str


class Conversation(BaseModel):
    """The first question in several wordings with its answer, and what is asked after that."""

    model_config = ConfigDict(frozen=True)

    questions: list[str]
    answer: str
    follow_ups: list[FollowUp]


def _told(reply: Conversation, payload: Payload) -> Told:
    further = tuple(Turn(item.question.strip(), item.answer.strip()) for item in reply.follow_ups)
    return Told(tuple(reply.questions), reply.answer.strip(), further=further)


def _mistakes(reply: Conversation, payload: Payload) -> Iterator[str]:
    if not 1 <= len(reply.follow_ups) <= _MOST_FURTHER:
        yield f"the conversation has {len(reply.follow_ups) + 1} turns: 2 to {_MOST_FURTHER + 1} are wanted"
    if any(not item.question.strip() or not item.answer.strip() for item in reply.follow_ups):
        yield "a turn of the conversation is empty"
    answers = [_SPACE.sub("", text).casefold() for text in (reply.answer, *(item.answer for item in reply.follow_ups))]
    if len(set(answers)) < len(answers):
        yield "the conversation repeats an answer"


KIND = Kind("dialogue", Conversation, long_sections, _told, about_answer, _mistakes)
