"""Replies that were received, kept under the request alone: whoever asks the same again gets them for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from docutune.chat.counting import fewest_tokens, likely_tokens
from docutune.chat.options import ChatConfig
from docutune.records import JsonValue, Message, canonical, fingerprint, from_json, to_json
from docutune.workspace import Store

AREA = "replies"
TEMPLATE_TOKENS = 256
"""What a server may put around the messages: role marks, and the system prompt that some chat templates bring along."""


@dataclass(frozen=True)
class Request:
    """All that decides a reply, and nothing else."""

    model: str
    base_url: str | None
    temperature: float
    max_tokens: int
    structured_output: str
    schema: JsonValue
    messages: tuple[Message, ...]

    @classmethod
    def of(cls, options: ChatConfig, messages: Sequence[Message], schema: JsonValue) -> Request:
        """The request for these messages, as they are sent, under these options."""
        return cls(
            model=options.named,
            base_url=options.base_url,
            temperature=options.temperature,
            max_tokens=options.max_tokens,
            structured_output=options.structured_output,
            schema=schema,
            messages=tuple(messages),
        )

    @cached_property
    def key(self) -> str:
        """The name under which its reply is kept: 64 hexadecimal digits."""
        return fingerprint(["reply", to_json(self)])

    @property
    def most_input_tokens(self) -> int:
        """More tokens than it can have: no tokenizer makes more than one of a byte."""
        sent: list[JsonValue] = [to_json(self.messages)]
        if self.structured_output == "provider":
            sent.append(self.schema)
        return len(canonical(sent)) + TEMPLATE_TOKENS

    @property
    def fewest_input_tokens(self) -> int:
        """Fewer tokens than it can have, be the schema counted by the server or not."""
        return sum(fewest_tokens(message.content) for message in self.messages)

    @property
    def likely_input_tokens(self) -> int:
        """About as many tokens as it has."""
        return sum(likely_tokens(message.content) for message in self.messages)


@dataclass(frozen=True, slots=True)
class Kept:
    """A reply as it is kept: its text, why it ended there, tokens (None: the server did not say), USD, time (UTC)."""

    text: str
    finish: str
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    time: str


@dataclass(frozen=True, slots=True)
class Journal:
    """The kept replies of a workspace."""

    store: Store

    def recall(self, key: str) -> Kept | None:
        """The reply to the request with this key, unless there is none or it is damaged."""
        value: Any = self.store.recall(AREA, key)
        return None if value is None else from_json(Kept, value)

    def keep(self, replies: Sequence[tuple[str, Kept]]) -> None:
        """Keep each reply under the key of its request; when this returns, the disk has them."""
        self.store.keep_all(AREA, [(key, to_json(reply)) for key, reply in replies])
