"""The shapes in which files hold questions and answers, and the conversation that each row of them is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from docutune.plugins.parsers.pairs.rows import UNSAVED, RowError, kind
from docutune.plugins.parsers.text import storable
from docutune.records import Message, Role

Fields = Mapping[str, object]
"""A row by the folded names of its fields."""

TURNS = ("messages", "conversations")
PAIRS = (
    ("question", "answer"),
    ("question", "response"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("query", "response"),
    ("input", "output"),
    ("问题", "答案"),
    ("问题", "回答"),
    ("提问", "回答"),
    ("提问", "答案"),
    ("问", "答"),
)
SYSTEM = ("system", "system_prompt", "系统", "系统提示", "系统提示词")
_BESIDE = ("input", "context")
_ROLES: Mapping[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "gpt": "assistant",
}


class Shape(Protocol):
    """One way to hold a conversation in a row."""

    @property
    def name(self) -> str:
        """What to call it."""

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields that it may read."""

    def fits(self, names: Collection[str]) -> bool:
        """Whether a row with fields of these names has this shape."""

    def messages(self, fields: Fields) -> Iterator[Message]:
        """The conversation, without what stands in a field for the system prompt; RowError where there is none."""


@dataclass(frozen=True, slots=True)
class Turns:
    """A list of {role, content} or of {from, value}."""

    field: str

    @property
    def name(self) -> str:
        """The field, and what such files are known as."""
        return "ShareGPT (conversations)" if self.field == "conversations" else self.field

    @property
    def reads(self) -> tuple[str, ...]:
        """The field alone."""
        return (self.field,)

    def fits(self, names: Collection[str]) -> bool:
        """Whether the field is there."""
        return self.field in names

    def messages(self, fields: Fields) -> Iterator[Message]:
        """Every turn; a system turn without text says nothing and is left out."""
        turns = fields.get(self.field)
        if not turns:
            raise RowError(f"no {self.field}")
        if not isinstance(turns, list):
            raise RowError(f"{self.field} is not a list of turns", kind(turns))
        for number, turn in enumerate(turns, 1):
            message = _turn(turn, number)
            if message.content:
                yield message
            elif message.role != "system":
                last = number == len(turns) and message.role == "assistant"
                raise RowError("no answer") if last else RowError("a turn without text", f"turn {number}")


@dataclass(frozen=True, slots=True)
class Pair:
    """A question in one field and its answer in another; fields `beside` the question belong to it."""

    question: str
    answer: str
    beside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Both fields, and what such files are known as."""
        fields = f"{self.question}/{self.answer}"
        return f"Alpaca ({fields})" if (self.question, self.answer) == ("instruction", "output") else fields

    @property
    def reads(self) -> tuple[str, ...]:
        """Both, what stands beside the question, and what was said before."""
        return (self.question, self.answer, *self.beside, "history")

    def fits(self, names: Collection[str]) -> bool:
        """Whether both fields are there."""
        return self.question in names and self.answer in names

    def messages(self, fields: Fields) -> Iterator[Message]:
        """What was said before, the question with what stands beside it, and the answer."""
        yield from _history(fields.get("history"))
        parts = [text_of(fields.get(name), name) for name in (self.question, *self.beside)]
        question, answer = "\n\n".join(filter(None, parts)), text_of(fields.get(self.answer), self.answer)
        if not question:
            raise RowError("no question")
        if not answer:
            raise RowError("no answer")
        yield Message("user", question)
        yield Message("assistant", answer)


def shapes(question: str | None, answer: str | None, system: str | None) -> tuple[Shape, ...]:
    """Every shape in the order in which they are tried; chosen names of fields (folded) stand before the others."""
    named = [(question or usual[0], answer or usual[1]) for usual in PAIRS] if question or answer else []
    chosen, known = ([_pair(*pair, system) for pair in dict.fromkeys(pairs)] for pairs in (named, PAIRS))
    return (*chosen, *map(Turns, TURNS), *known)


def _pair(question: str, answer: str, system: str | None) -> Pair:
    return Pair(question, answer, tuple(name for name in _BESIDE if name not in (question, answer, system)))


def conversation(shape: Shape, fields: Fields, system_column: str | None, system: str | None) -> tuple[Message, ...]:
    """The row's messages with their system prompt in front; RowError when nothing can be learned from them."""
    messages = list(shape.messages(fields))
    if messages[:1] and messages[0].role != "system":
        own = (text_of(fields.get(name), name) for name in (system_column, *SYSTEM) if name)
        prompt = next(filter(None, own), system)
        messages[:0] = [Message("system", prompt)] if prompt else []
    _check([message.role for message in messages])
    return tuple(messages)


def text_of(value: object, name: str) -> str:
    """The text of a field, "" where nothing stands there; RowError for what is no text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if value == UNSAVED:
        raise RowError("formula without a saved value", f"{name} (open the file in a spreadsheet program and save it)")
    if not isinstance(value, str):
        raise RowError("not text", f"{name} is {kind(value)}")
    return storable(value) if value.strip() else ""


def _turn(turn: object, number: int) -> Message:
    if not isinstance(turn, dict):
        raise RowError("not a turn", f"turn {number} is {kind(turn)}")
    name = text_of(turn.get("role", turn.get("from")), f"the role of turn {number}")
    role = _ROLES.get(name.strip().casefold())
    if role is None:
        raise RowError("unknown role", f"turn {number} is from {name[:40]!r}")
    return Message(role, text_of(turn.get("content", turn.get("value")), f"turn {number}"))


def _history(value: object) -> Iterator[Message]:
    """Earlier questions and answers, a list of pairs."""
    roles: tuple[Role, Role] = ("user", "assistant")
    for pair in value if isinstance(value, list) else ():
        texts = [text_of(text, "history") for text in pair] if isinstance(pair, list) else []
        if len(texts) != len(roles) or not all(texts):
            raise RowError("history is not a list of questions with answers")
        yield from map(Message, roles, texts)


def _check(roles: Sequence[Role]) -> None:
    turns = roles[1:] if roles[:1] == ["system"] else roles
    faults: Iterable[tuple[bool, str]] = (
        ("user" not in turns, "no question"),
        ("system" in turns, "a system turn that is not the first"),
        (turns[:1] == ["assistant"], "starts with an answer"),
        (turns[-1:] == ["user"], "ends with a question"),
    )
    for wrong, reason in faults:
        if wrong:
            raise RowError(reason)
