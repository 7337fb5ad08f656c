"""The records that flow from left to right: frozen, standard library only, JSON by `to_json` and `from_json`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

RECORDS_VERSION = 1
"""Stands in every file that holds records; raised when their JSON form changes."""

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
Role: TypeAlias = Literal["system", "user", "assistant"]
Split: TypeAlias = Literal["train", "validation", "test"]
Variant: TypeAlias = Literal["base", "tuned"]
Reads: TypeAlias = Literal["documents", "samples"]

# ---- what is learned from


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A conversation to learn from. Its identity is these fields alone: no path, no line.

    Samples with one `fact` say the same thing in other words; `symbols` are the full names it speaks of.
    """

    messages: tuple[Message, ...]
    kind: str
    fact: str
    symbols: tuple[str, ...] = ()
    language: str = "en"

    @property
    def id(self) -> str:
        """16 hexadecimal digits of the SHA-256 of the content."""
        return fingerprint(to_json(self))[:16]


# ---- what parsers find


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a source file; lines are 1-based and inclusive.

    A parser writes the `source` it was given (relative to its entry in `sources:`); from there on core shows the path
    relative to the pipeline file's folder.
    """

    source: str
    first_line: int
    last_line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.first_line}-{self.last_line}"


@dataclass(frozen=True, slots=True)
class Example:
    """Code of a document or docstring, verbatim, without fence or prompt marks; `lead` is the sentence before it."""

    code: str
    language: str
    span: Span
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The text under one heading, or a part of it cut between blocks; `heading` runs from the title down."""

    kind: str
    heading: tuple[str, ...]
    text: str
    span: Span
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a callable, as written; `description` comes from the docstring."""

    name: str
    kind: Literal["positional-only", "positional", "keyword-only", "var-positional", "var-keyword"] = "positional"
    annotation: str = ""
    default: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A module, class, function, method, attribute or constant under its full dotted name.

    `signature` is one line as a caller reads it ("fetch(url: str, *, retries: int = 3) -> Reply"). `exports` is a
    module's `__all__`, None where it has none. `summary` is the docstring's first paragraph.
    """

    name: str
    language: str
    kind: str
    signature: str
    docstring: str
    span: Span
    bases: tuple[str, ...] = ()
    summary: str = ""
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    examples: tuple[Example, ...] = ()
    decorators: tuple[str, ...] = ()
    exports: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """`name` also stands for `target`: an import, an assignment, or "pkg.*" for "pkg.module.*"."""

    name: str
    target: str


@dataclass(frozen=True, slots=True)
class Given:
    """A sample that a file holds ready-made; `split` None: the file does not say, and core decides."""

    sample: Sample
    span: Span
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one file holds; `problems` are shown to the user, the rest of the file counts all the same."""

    sections: tuple[Section, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    aliases: tuple[Alias, ...] = ()
    problems: tuple[str, ...] = ()
    samples: tuple[Given, ...] = ()


# ---- what generators make


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a sample comes from; stands beside it and is not part of its identity."""

    spans: tuple[Span, ...]
    task: str
    producer: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A sample with its origin."""

    sample: Sample
    origin: Origin


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of generation, declared beforehand. The payload alone decides the result: no path or line in it."""

    payload: Mapping[str, JsonValue]
    spans: tuple[Span, ...]


# ---- models and evaluation


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model on this disk, resolved: never a hub name. `digest` is the base's identity."""

    folder: Path
    digest: str
    adapter: Path | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A question for the model, with an id that is unique within its evaluator."""

    id: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply to a probe; `ended` is False when it was cut at the length limit."""

    probe: str
    variant: Variant
    text: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric's value for one answer; higher is better."""

    metric: str
    probe: str
    variant: Variant
    value: float


# ---- what observers are told


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as observers see it."""

    id: str
    project: str
    folder: Path


@dataclass(frozen=True, slots=True)
class StepInfo:
    """A step as observers see it, e.g. name "train:qwen3-0.6b", plugin "trl"."""

    name: str
    plugin: str
    key: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended; `figures` are what it reports of itself."""

    status: Literal["made", "reused", "failed", "cancelled"]
    seconds: float
    figures: Mapping[str, JsonValue] = dataclasses.field(default_factory=dict)


# ---- JSON

Record = TypeVar("Record")


def to_json(value: Any) -> JsonValue:
    """The JSON form of a record, tuple, mapping, path or plain value. Fields at their default are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {field.name: to_json(item) for field, item in fields if item != field.default}
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_json(kind: type[Record], value: Any) -> Record:
    """The record of class `kind` whose JSON form is `value`; ValueError names the field that does not fit."""
    return typing.cast(Record, _read(kind, value, kind.__name__))


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: the form that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def fingerprint(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


@cache
def _field_types(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(kind: Any, value: Any, place: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, value, place)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{place}: expected a list, found {type(value).__name__}")
        return tuple(_read(arguments[0], item, f"{place}[{index}]") for index, item in enumerate(value))
    if origin is Literal:
        if value not in arguments:
            raise ValueError(f"{place}: expected one of {', '.join(map(repr, arguments))}, found {value!r}")
        return value
    if origin in (types.UnionType, typing.Union):
        chosen = [option for option in arguments if option is not type(None)]
        return None if value is None else _read(chosen[0], value, place) if len(chosen) == 1 else value
    if kind is Path:
        return Path(value)
    if kind in (str, int, float, bool):
        accepted = (int, float) if kind is float else kind
        if not isinstance(value, accepted) or (kind is not bool and isinstance(value, bool)):
            raise ValueError(f"{place}: expected {kind.__name__}, found {type(value).__name__}")
    return value


def _read_dataclass(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f"{place}: expected an object, found {type(value).__name__}")
    fields = _field_types(kind)
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise ValueError(f"{place}: unknown field {unknown[0]!r}")
    try:
        return kind(**{name: _read(fields[name], item, f"{place}.{name}") for name, item in value.items()})
    except TypeError as error:
        raise ValueError(f"{place}: {error}") from None
