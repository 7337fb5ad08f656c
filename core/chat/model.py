"""What a chat model is to core, and the one of a provider or server: the only module that knows LangChain."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from docutune.chat.failures import explain
from docutune.chat.journal import Request
from docutune.chat.options import ChatConfig
from docutune.chat.providers import INSTALL, LIBRARIES
from docutune.environment import absent
from docutune.errors import DocutuneError, PluginError

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from pydantic import BaseModel

NO_KEY = "not-needed"
"""Sent as the key to a server of one's own that asks for none; clients refuse to send nothing."""


@dataclass(frozen=True, slots=True)
class Received:
    """What a server sent: the text, why it ended there, and the tokens it counted (None: it did not say)."""

    text: str
    finish: str
    input_tokens: int | None
    output_tokens: int | None


class Model(Protocol):
    """A chat model inside one event loop."""

    async def send(self, request: Request, schema: type[BaseModel]) -> Received:
        """One request, without a second try; failures.Failed says why it brought no reply."""

    async def close(self) -> None:
        """Give back what is held open in this loop."""


class Provider:
    """Implements Model with a provider's LangChain package; `redact` takes secrets out of what is said of failures."""

    def __init__(self, options: ChatConfig, redact: Callable[[str], str]) -> None:
        _check_installed()
        self._options = options
        self._redact = redact
        self._client = _client(options)
        self._model = _build(options, {} if self._client is None else {"http_async_client": self._client})

    async def send(self, request: Request, schema: type[BaseModel]) -> Received:
        """As Model says; a server that takes longer than the `timeout` of the options has failed."""
        try:
            async with asyncio.timeout(self._options.timeout):
                return await self._invoke(request, schema)
        except Exception as error:
            raise explain(error, self._options.named, self._key(), self._redact) from None  # it may quote the key

    async def close(self) -> None:
        """Close the connections that the client holds open in this loop."""
        if self._client is not None:
            await self._client.aclose()

    def _key(self) -> str:
        """Where the key came from, in words; LangChain's classes know the variables of their providers."""
        asked = self._options.api_key_env
        names = [asked] if asked else [*self._model.lc_secrets.values()]
        wanted = " or ".join(names) or "the variable of the provider's key"
        used = next((name for name in names if os.environ.get(name)), None)
        if used is None:
            return f"{wanted} is not set: set it, or name another variable in `api_key_env`"
        return (
            f"the key came from {used}, which is set{' (`api_key_env`)' if asked else ''}: see that it is this server's"
        )

    async def _invoke(self, request: Request, schema: type[BaseModel]) -> Received:
        from langsmith import tracing_context

        model: Any = self._model
        if self._options.structured_output == "provider":
            model = _structured(self._model, self._options, schema)
        with tracing_context(enabled=False):  # a variable of the environment must not send prompts elsewhere, too
            reply = await model.ainvoke([(message.role, message.content) for message in request.messages])
        return _received(reply["raw"] if isinstance(reply, Mapping) else reply)


def key_of(options: ChatConfig) -> str | None:
    """The key that the options name; None: the provider's client finds its own."""
    if options.api_key_env is not None:
        key = os.environ.get(options.api_key_env)
        if not key:
            raise DocutuneError(
                f"the environment variable {options.api_key_env} is not set, which `api_key_env` names",
                f"set it to the key of {options.named.partition(':')[0]}",
            )
        return key
    own_server = options.base_url is not None and options.named.startswith("openai:")
    return NO_KEY if own_server and not os.environ.get("OPENAI_API_KEY") else None


def _check_installed() -> None:
    missing = absent(LIBRARIES)
    if missing:
        raise PluginError(f"chat models need {', '.join(missing)}: install with {INSTALL}")


def _client(options: ChatConfig) -> AsyncClient | None:
    """Connections of this loop's own: LangChain would share them with every later loop, where they are broken."""
    if not options.named.startswith("openai:"):
        return None
    from openai import DefaultAioHttpClient

    return DefaultAioHttpClient(timeout=options.timeout)  # half the work of its default one with many requests at once


def _build(options: ChatConfig, more: Mapping[str, object]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    key = key_of(options)
    given: dict[str, Any] = {
        "temperature": options.temperature,
        "timeout": options.timeout,
        "max_retries": 0,  # core counts and repeats
        **_length(options),
        **({"base_url": options.base_url} if options.base_url else {}),
        **({"api_key": key} if key else {}),
        **more,
    }
    try:
        model: BaseChatModel = init_chat_model(options.named, **given)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise PluginError(
            f"the chat model {options.named!r} cannot be used: {reason}",
            "see the key, the model's name and that its provider's LangChain package is installed",
        ) from error
    return model


def _length(options: ChatConfig) -> dict[str, Any]:
    """The longest reply; servers that speak OpenAI's protocol know the first of its two names for that."""
    if options.named.startswith("openai:") and options.base_url:
        return {"extra_body": {"max_tokens": options.max_tokens}}
    return {"num_predict" if options.named.startswith("ollama:") else "max_tokens": options.max_tokens}


def _structured(model: BaseChatModel, options: ChatConfig, schema: type[BaseModel]) -> Any:
    """The model bound to the schema by the provider's own feature; the raw message stays within reach."""
    if not options.named.startswith("openai:"):
        return model.with_structured_output(schema.model_json_schema(), include_raw=True)
    from langchain_core.utils.function_calling import convert_to_openai_function

    function = convert_to_openai_function(schema)  # sent as it is: LangChain's way loses replies that were cut off
    wanted = {"name": function["name"], "schema": function["parameters"]}
    body = {**_length(options).get("extra_body", {}), "response_format": {"type": "json_schema", "json_schema": wanted}}
    return model.bind(extra_body=body)


def _received(message: AIMessage) -> Received:
    calls = message.tool_calls
    text = json.dumps(calls[0]["args"], ensure_ascii=False) if calls else _text(message)
    about: Mapping[str, Any] = message.response_metadata
    finish = next((str(about[name]) for name in ("finish_reason", "stop_reason", "done_reason") if about.get(name)), "")
    if message.additional_kwargs.get("refusal"):
        finish = "refusal"
    usage = message.usage_metadata
    if not usage:
        return Received(text, finish, None, None)
    return Received(text, finish, usage["input_tokens"], usage["output_tokens"])


def _text(message: AIMessage) -> str:
    return str(message.text)
