"""What a client asks for: the body of a chat completion, read strictly; nothing that changes a reply is ignored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from docutune.records import Message, Role, Sampling
from docutune.serving.refusals import Refused
from docutune.suggestions import did_you_mean

_HARMLESS = {"user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"}
"""Fields that decide nothing of the reply."""

_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "audio": (),
    "frequency_penalty": (0, 0.0),
    "function_call": ("none", "auto"),
    "functions": (),
    "logit_bias": (),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (False, True),
    "prediction": (),
    "presence_penalty": (0, 0.0),
    "reasoning_effort": ("none",),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "tool_choice": ("none", "auto"),
    "tools": (),
    "top_logprobs": (0,),
    "verbosity": ("medium",),
    "web_search_options": (),
}
"""Fields that cannot be honoured, with the values that ask for nothing; null and what is empty ask for nothing, too."""

_OF_MESSAGES = {"annotations", "audio", "function_call", "name", "refusal", "tool_call_id", "tool_calls"}
_NOTHING: tuple[Any, ...] = (None, [], {})
_MOST_STOPS = 4  # as OpenAI takes them
_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for a reply; `include_usage` is for streams."""

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling
    stream: bool
    include_usage: bool


def _in_utf_8(text: str) -> str:
    """JSON may spell half of a pair of surrogates, which no encoding writes and no model reads."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("text", "half of a surrogate pair is no text") from None
    return text


_Text = Annotated[str, AfterValidator(_in_utf_8)]


class _Part(BaseModel):
    model_config = _STRICT
    type: Literal["text"]
    text: _Text


def _parts(content: Any) -> Any:
    """A text is a list of one part."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise PydanticCustomError("content", "expected a text or a list of text parts")
    return content


def _texts(stop: Any) -> Any:
    if not isinstance(stop, (str, list)):
        raise PydanticCustomError("stop", "expected a text or a list of texts")
    return [stop] if isinstance(stop, str) else stop


class _Message(BaseModel):
    model_config = _STRICT
    role: Literal["system", "developer", "user", "assistant"]
    content: Annotated[list[_Part], BeforeValidator(_parts), Field(min_length=1)]


class _StreamOptions(BaseModel):
    model_config = _STRICT
    include_usage: bool = False
    include_obfuscation: bool = False  # noise against eavesdroppers; there is none on this machine


_Tokens = Annotated[int, Field(ge=1, lt=2**31)]
_Stop = Annotated[_Text, Field(min_length=1)]


class _Body(BaseModel):
    model_config = _STRICT
    model: _Text
    messages: Annotated[list[_Message], Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: _Tokens | None = None
    max_completion_tokens: _Tokens | None = None
    stop: Annotated[list[_Stop], BeforeValidator(_texts), Field(max_length=_MOST_STOPS)] = Field(default_factory=list)
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stream: bool = False
    stream_options: _StreamOptions | None = None


def read(raw: bytes) -> Asked:
    """The request in the bytes of a body; Refused says what is wrong with it, and names the field."""
    fields = _object(raw)
    for name in sorted(fields.keys() & _NEUTRAL.keys()):
        if not _asks_nothing(fields[name], _NEUTRAL[name]):
            raise _unsupported(name)
    ours = {
        name: value
        for name, value in fields.items()
        if value is not None and name not in _HARMLESS and name not in _NEUTRAL
    }
    if isinstance(ours.get("messages"), list):
        ours["messages"] = [_plain(message) for message in ours["messages"]]
    try:
        return _asked(_Body.model_validate(ours))
    except ValidationError as error:
        raise _told(error) from None


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        raise Refused(400, f"the body is not UTF-8: byte {error.start} does not belong there") from None
    except json.JSONDecodeError as error:
        raise Refused(400, f"the body is no JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise Refused(400, "the body is nested too deep") from None
    except ValueError:  # an integer of thousands of digits
        raise Refused(400, "the body holds a number that is too long") from None
    if not isinstance(value, dict):
        raise Refused(400, "the body must be a JSON object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    try:
        "".join(found).encode()
    except UnicodeEncodeError:
        raise Refused(400, "the name of a field is no text: it holds half of a surrogate pair") from None
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(400, f"{_short(twice)} stands in the body twice", param=_short(twice))
    return found


def _no_number(name: str) -> Any:
    raise Refused(400, f"the body is no JSON: {name} is no number there")


def _asks_nothing(value: Any, neutral: tuple[Any, ...]) -> bool:
    """Compared with their types, for 1 == True."""
    return any(type(value) is type(option) and value == option for option in (*_NOTHING, *neutral))


def _plain(message: Any) -> Any:
    """A message without what clients add to it that says nothing, such as `"refusal": null`."""
    if not isinstance(message, dict):
        return message
    return {name: value for name, value in message.items() if name not in _OF_MESSAGES or not _asks_nothing(value, ())}


def _asked(body: _Body) -> Asked:
    if body.stream_options is not None and not body.stream:
        raise Refused(400, "stream_options belongs to a request with stream: true", param="stream_options")
    limits = {body.max_tokens, body.max_completion_tokens} - {None}
    if len(limits) > 1:
        raise Refused(400, "max_tokens and max_completion_tokens differ: leave one out", param="max_tokens")
    sampling = Sampling(body.temperature, body.top_p, next(iter(limits), None), body.seed, tuple(body.stop))
    messages = tuple(Message(_role(turn.role), "".join(part.text for part in turn.content)) for turn in body.messages)
    usage = body.stream_options is not None and body.stream_options.include_usage
    return Asked(body.model, messages, sampling, body.stream, usage)


def _role(role: Literal["system", "developer", "user", "assistant"]) -> Role:
    return "system" if role == "developer" else role


def _unsupported(place: str) -> Refused:
    return Refused(
        422, f"{place} asks for what this server cannot do: leave it out", "unsupported_parameter", param=place
    )


def _told(error: ValidationError) -> Refused:
    """The first mistake that was found."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{_short(part)}" for part in first["loc"])[1:]
    name = str(first["loc"][-1])
    if first["type"] != "extra_forbidden":
        return Refused(400, f"{place}: {first['msg'][0].lower()}{first['msg'][1:]}", "invalid_value", param=place)
    if name in _OF_MESSAGES:
        return _unsupported(place)
    known = {*_Body.model_fields, *_HARMLESS, *_NEUTRAL} if len(first["loc"]) == 1 else ()
    return Refused(400, f"unknown field {place}{did_you_mean(name, known)}", "unknown_parameter", param=place)


def _short(name: str) -> str:
    """A name of the client's, as it may be told back."""
    return name if len(name) <= 40 else f"{name[:40]}..."
