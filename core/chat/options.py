"""The options of every plugin that talks to a chat model, and the budget that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from docutune.chat.providers import lacks
from docutune.training import TINY

LOCAL = "local"
_NAME = f"{LOCAL}:NAME_OR_FOLDER"
OF_SERVERS = ("base_url", "api_key_env", "input_price", "output_price")
"""Options that mean nothing to a model of this machine."""


class ChatConfig(BaseModel):
    """What a `with:` may say about the chat model; a plugin that asks one has a Config that subclasses this."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decides_nothing: ClassVar[frozenset[str]] = frozenset(
        {"timeout", "retries", "concurrency", "input_price", "output_price", "api_key_env"}
    )
    """Options that change no reply, and so are no part of any key."""

    model: Annotated[
        str | None,
        Field(
            min_length=1,
            description="local: the base model of the first training, on this machine; local:NAME_OR_FOLDER: another "
            "base model; provider:name, such as openai:gpt-4o-mini, ollama:qwen3, anthropic:...; unset: local",
        ),
    ] = None
    base_url: Annotated[
        str | None,
        Field(pattern=r"^https?://", description="an OpenAI-compatible server; unset: the provider's own"),
    ] = None
    temperature: Annotated[float, Field(ge=0, le=2, description="randomness of the replies")] = 0.7
    max_tokens: Annotated[int, Field(ge=1, description="longest reply in tokens")] = 1024
    structured_output: Annotated[
        Literal["prompt", "provider"],
        Field(description="the schema is asked for in the prompt (any server), or by the provider's own feature"),
    ] = "prompt"
    personal_data: Annotated[
        Literal["mask", "send"],
        Field(
            description="what leads to one person, such as a phone number, in prompts: replaced by its kind, or sent"
        ),
    ] = "mask"
    timeout: Annotated[float, Field(gt=0, description="seconds that one request may take")] = 120.0
    retries: Annotated[int, Field(ge=0, le=20, description="further tries of a request that failed")] = 5
    concurrency: Annotated[int, Field(ge=1, le=256, description="requests at the same time")] = 8
    input_price: Annotated[float | None, Field(ge=0, description="USD per million tokens sent")] = None
    output_price: Annotated[float | None, Field(ge=0, description="USD per million tokens of the replies")] = None
    api_key_env: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
            description="the environment variable that holds the key; unset: the provider's own",
        ),
    ] = None

    @field_validator("base_url")
    @classmethod
    def _holds_no_password(cls, url: str | None) -> str | None:
        if url is not None and "@" in url.partition("//")[2].partition("/")[0]:
            raise ValueError("a base_url must hold no user name or password; name a variable in api_key_env")
        return url

    @field_validator("model")
    @classmethod
    def _can_be_asked(cls, model: str | None) -> str | None:
        if model is not None and (problem := _mistake(model)):
            raise ValueError(problem)
        return model

    @model_validator(mode="after")
    def _fits_where_it_runs(self) -> ChatConfig:
        if not self.is_local:
            return self
        unfit = next((name for name in OF_SERVERS if getattr(self, name) is not None), None)
        if unfit:
            told = "no model is named" if self.model is None else f"{self.model!r} runs on this machine"
            raise ValueError(f"{told}, and {unfit} is for servers; the model of a server is provider:name")
        if self.structured_output == "provider":
            raise ValueError("structured_output: provider is for servers; a model of this machine is asked by prompt")
        return self

    @property
    def named(self) -> str:
        """The model as messages and keys name it."""
        return self.model or LOCAL

    @property
    def is_local(self) -> bool:
        """Whether the model runs on this machine, so that nothing leaves it."""
        return self.model is None or self.model.partition(":")[0] == LOCAL

    @property
    def base(self) -> str:
        """The base model that answers on this machine, "" while the training that names it is not known."""
        return "" if self.model is None else self.model.partition(":")[2]


def cannot_write(base: str) -> str | None:
    """Why a base model writes no samples; None where nothing is known against it."""
    if base != TINY:
        return None
    return f"{TINY} cannot write: it shows that a pipeline works; write model: {_NAME}, or provider:name"


def _mistake(model: str) -> str | None:
    provider, colon, name = model.partition(":")
    if provider == LOCAL:
        return f"write local, or {_NAME}" if colon and not name else cannot_write(name)
    if provider and colon and name:
        return lacks(provider)
    return f"{model!r} names no provider; write provider:name, such as openai:{model.strip(':')}, or {_NAME}"


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars per million tokens."""

    input: float
    output: float

    @classmethod
    def of(cls, options: ChatConfig) -> Prices | None:
        """The prices that the options give; None unless they give both. A model of this machine costs nothing."""
        if options.is_local:
            return cls(0.0, 0.0)
        if options.input_price is None or options.output_price is None:
            return None
        return cls(options.input_price, options.output_price)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """US dollars for that many tokens."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


class BudgetConfig(BaseModel):
    """What all requests of a run may cost together. Nothing is sent that could pass it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_cost_usd: Annotated[float | None, Field(gt=0, description="US dollars, at the prices of the options")] = None
    max_tokens: Annotated[int | None, Field(ge=1, description="tokens, sent and received")] = None
    max_requests: Annotated[int | None, Field(ge=1, description="requests, repeated ones included")] = None
