"""What a chat is: the entries of its file, and the turns that they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from docutune.records import Message, Variant

VERSION = 1
"""Stands in the first entry of every chat; raised when the form of the entries changes."""

End: TypeAlias = Literal["whole", "cut", "broken off"]
"""How a reply ended: by itself, at the limit of its length, or by the user's wish."""

Kind: TypeAlias = Literal["opened", "system", "question", "answer", "comparison", "failure"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a chat's file; `time` is ISO 8601 in UTC.

    "opened" is the first one (`version`, and `alone`: every question is asked by itself, without those before it).
    `text` is the system prompt from here on, a question, an answer to the question before it, another variant's answer
    to the same question for comparison, or why no answer came.
    """

    time: str
    kind: Kind
    text: str = ""
    model: str = ""
    variant: Variant | None = None
    end: End = "whole"
    alone: bool = False
    version: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said to a question, and how that ended."""

    time: str
    model: str
    variant: Variant
    text: str
    end: End = "whole"


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and what became of it. Without `reply` it failed for the reason `failure`, or was cut off by a kill.

    `system` is the system prompt that was in force, `others` are answers of other variants.
    """

    time: str
    question: str
    system: str = ""
    reply: Reply | None = None
    others: tuple[Reply, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation as its file tells it; `system` is the system prompt in force at its end."""

    id: str
    started: str
    turns: tuple[Turn, ...] = ()
    system: str = ""
    alone: bool = False
    changed: str = ""

    @property
    def answered(self) -> tuple[Turn, ...]:
        """The turns that got an answer, be it one that was broken off."""
        return tuple(turn for turn in self.turns if turn.reply is not None)

    @property
    def title(self) -> str:
        """The first question, on one line."""
        return " ".join(self.turns[0].question.split()) if self.turns else ""

    @property
    def models(self) -> tuple[str, ...]:
        """Who answered, such as "smoke" or "smoke (base)", each once."""
        replies = (turn.reply for turn in self.turns if turn.reply is not None)
        return tuple(dict.fromkeys(speaker(reply.model, reply.variant) for reply in replies))


def speaker(model: str, variant: Variant) -> str:
    """A model as people read it."""
    return model if variant == "tuned" else f"{model} ({variant})"


def told(name: str, entries: Sequence[Entry]) -> Chat:
    """The chat that these entries make."""
    chat = Chat(name, entries[0].time, alone=entries[0].alone, changed=entries[-1].time)
    turns: list[Turn] = []
    system = ""
    for entry in entries:
        if entry.kind == "system":
            system = entry.text
        elif entry.kind == "question":
            turns.append(Turn(entry.time, entry.text, system))
        elif turns and entry.kind != "opened":
            turns[-1] = _after(turns[-1], entry)
    return replace(chat, turns=tuple(turns), system=system)


def _after(turn: Turn, entry: Entry) -> Turn:
    if entry.kind == "failure":
        return replace(turn, failure=entry.text)
    reply = Reply(entry.time, entry.model, entry.variant or "tuned", entry.text, entry.end)
    return replace(turn, reply=reply) if entry.kind == "answer" else replace(turn, others=(*turn.others, reply))


def entries_of(chat: Chat) -> Iterator[Entry]:
    """The entries that make this chat."""
    yield Entry(chat.started, "opened", alone=chat.alone, version=VERSION)
    system = ""
    for turn in chat.turns:
        if turn.system != system:
            yield Entry(turn.time, "system", turn.system)
            system = turn.system
        yield Entry(turn.time, "question", turn.question)
        if turn.reply is not None:
            yield answer("answer", turn.reply)
        yield from (answer("comparison", other) for other in turn.others)
        if turn.failure:
            yield Entry(turn.time, "failure", turn.failure)


def answer(kind: Kind, reply: Reply) -> Entry:
    """A reply as an entry."""
    return Entry(reply.time, kind, reply.text, reply.model, reply.variant, reply.end)


def conversation(system: str, turns: Iterable[Turn], question: str | None = None) -> list[Message]:
    """The messages of a system prompt (if any), of the turns that were answered, and of a new question (if any)."""
    messages = [Message("system", system)] if system else []
    for turn in turns:
        if turn.reply is not None and turn.reply.text.strip():
            messages += [Message("user", turn.question), Message("assistant", turn.reply.text)]
    return messages if question is None else [*messages, Message("user", question)]
