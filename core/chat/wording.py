"""From what a plugin asks to the request that is sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from pydantic import BaseModel

from docutune.chat.journal import Request
from docutune.chat.options import ChatConfig
from docutune.chat.secrets import without_personal
from docutune.records import JsonValue, Message


def worded(options: ChatConfig, messages: Sequence[Message], schema: type[BaseModel], stays: bool) -> Request:
    """The request for these messages and a reply of that schema. It `stays` where the model is one of this machine."""
    if options.personal_data == "mask" and not stays:
        messages = without_personal(messages)
    described, written = _described(schema)
    if options.structured_output == "prompt":
        messages = _with_schema(messages, written)
    return Request.of(options, messages, described)


def _with_schema(messages: Sequence[Message], schema: str) -> list[Message]:
    """The messages with the schema asked for in the last one: not every model knows a system prompt."""
    *before, last = messages
    wanted = "Answer with one JSON object that fits this JSON Schema, and with nothing else:"
    return [*before, replace(last, content=f"{last.content}\n\n{wanted}\n{schema}")]


@lru_cache(maxsize=256)  # a schema is asked for thousands of times, and made anew each time
def _described(schema: type[BaseModel]) -> tuple[JsonValue, str]:
    """A class as JSON Schema, and that as text."""
    found: JsonValue = schema.model_json_schema()
    return found, json.dumps(found, ensure_ascii=False)
