"""A chat model as a plugin is lent it: contracts.Chat over LangChain."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from docutune.chat.model import Model, opened
from docutune.chat.options import ChatConfig
from docutune.chat.reading import read
from docutune.contracts import Reply
from docutune.records import Message


@dataclass(frozen=True)
class ChatAccess:
    """The chat model of one step."""

    options: ChatConfig
    model: Model

    async def ask(self, messages: Sequence[Message], schema: type[Reply]) -> Reply:
        """As contracts.Chat says."""
        if self.options.structured_output == "prompt":
            messages = with_schema(messages, json.dumps(schema.model_json_schema(), ensure_ascii=False))
        received = await self.model.send(messages, schema)
        return read(received.text, received.finish, schema)


@asynccontextmanager
async def access(options: ChatConfig) -> AsyncIterator[ChatAccess]:
    """The chat model of these options, inside the running event loop."""
    async with opened(options) as model:
        yield ChatAccess(options, model)


def with_schema(messages: Sequence[Message], schema: str) -> list[Message]:
    """The messages with the schema asked for in the last one: not every model knows a system prompt."""
    *before, last = messages
    wanted = "Answer with one JSON object that fits this JSON Schema, and with nothing else:"
    return [*before, replace(last, content=f"{last.content}\n\n{wanted}\n{schema}")]
