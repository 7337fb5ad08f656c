"""Replies in OpenAI's form: a chat completion, the chunks of a stream, the list of models."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from docutune.records import Streamed

DONE = b"data: [DONE]\n\n"


def models(names: Iterable[str], created: int) -> dict[str, Any]:
    """The body of /v1/models."""
    return {"object": "list", "data": [model(name, created) for name in names]}


def model(name: str, created: int) -> dict[str, Any]:
    """One model; `created`: when it was loaded, in seconds since 1970."""
    return {"id": name, "object": "model", "created": created, "owned_by": "docutune"}


def event(value: Mapping[str, Any]) -> bytes:
    """A JSON value as one server-sent event."""
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


@dataclass(frozen=True, slots=True)
class Form:
    """The parts that all messages about one reply share. `usage`: whether chunks speak of tokens."""

    model: str
    usage: bool = False
    id: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, text: str, end: Streamed | None) -> dict[str, Any]:
        """A reply in one piece."""
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(end)}
        return {**self._head("chat.completion"), "choices": [choice], "usage": _usage(end)}

    def opening(self) -> bytes:
        """The first chunk, which says who speaks."""
        return self._chunk({"role": "assistant", "content": ""}, None)

    def piece(self, text: str) -> bytes:
        """A piece of the reply."""
        return self._chunk({"content": text}, None)

    def closing(self, end: Streamed | None) -> bytes:
        """Why the reply ended, its tokens where they were asked for, and the mark of the end."""
        counted = {**self._head("chat.completion.chunk"), "choices": [], "usage": _usage(end)}
        return self._chunk({}, _finish(end)) + (event(counted) if self.usage else b"") + DONE

    def _chunk(self, delta: Mapping[str, str], finish: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage = {"usage": None} if self.usage else {}
        return event({**self._head("chat.completion.chunk"), "choices": [choice], **usage})

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def _finish(end: Streamed | None) -> str:
    return "stop" if end is None or end.ended else "length"


def _usage(end: Streamed | None) -> dict[str, int] | None:
    """None where the runtime does not count."""
    if end is None:
        return None
    total = end.input_tokens + end.output_tokens
    return {"prompt_tokens": end.input_tokens, "completion_tokens": end.output_tokens, "total_tokens": total}
