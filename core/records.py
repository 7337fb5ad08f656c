"""The records that flow from left to right: frozen, standard library only, JSON by `to_json` and `from_json`."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

from docutune.errors import UsageError

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


@dataclass(frozen=True)
class Sample:
    """A conversation to learn from. Its identity is these fields alone: no path, no line.

    Samples with one `fact` say the same thing in other words; `symbols` are the full names it speaks of.
    """

    messages: tuple[Message, ...]
    kind: str
    fact: str
    symbols: tuple[str, ...] = ()
    language: str = "en"

    @cached_property  # every step asks for it; this is why samples have no slots
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
    """A sample that a file holds ready-made; `split` None: the file does not say, and core decides.

    `row` is the number of its row, 1-based, where several stand on its line; 0 where the line says enough.
    """

    sample: Sample
    span: Span
    split: Split | None = None
    row: int = 0


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one file holds; `problems` are shown to the user, the rest of the file counts all the same.

    A parser of samples begins a problem with one row with its "line 14: ", "lines 3-5: " or, where rows share a line,
    "line 1 (row 4): ". It says which `shape` it takes the file for, such as "question/answer", the names of its
    `fields`, and which of them are `unused`.
    """

    sections: tuple[Section, ...] = ()
    symbols: tuple[Symbol, ...] = ()
    aliases: tuple[Alias, ...] = ()
    problems: tuple[str, ...] = ()
    samples: tuple[Given, ...] = ()
    shape: str = ""
    fields: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


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
    """A sample with its origin. `split` is the one that a file gives to a ready-made sample."""

    sample: Sample
    origin: Origin
    split: Split | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of generation, declared beforehand. The payload alone decides the result: no path or line in it."""

    payload: Mapping[str, JsonValue]
    spans: tuple[Span, ...]


# ---- models and evaluation


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model on this disk, resolved: never a hub name. `digest` is the base's identity.

    `adapter` is the folder of what was trained: a PEFT adapter to the base (it has adapter_config.json), or, after full
    tuning, a whole model in the Hugging Face format. Either has its template.json.
    """

    folder: Path
    digest: str
    adapter: Path | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A folder in which a hub has put a model's files. `revision` names exactly these contents, such as a commit; with
    None they are hashed.
    """

    folder: Path
    revision: str | None = None


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
class Prompt:
    """A conversation that a model is to go on with, under an id of its own; `seed` decides each choice of a token."""

    id: str
    messages: tuple[Message, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote to a prompt, without its thoughts; `ended` is False when it was cut at the length limit.

    Tokens are counted by the model's own tokenizer, thoughts included. `refused` says why nothing was written.
    """

    prompt: str
    text: str
    ended: bool
    input_tokens: int
    output_tokens: int
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """What decides the text of one reply, beside the model and the conversation. UsageError for what cannot be.

    `temperature` 0 always takes the likeliest token; `top_p` leaves out the unlikely rest of the probability mass
    (nucleus sampling, arXiv:1904.09751). `max_new_tokens` None is the runtime's own limit. With a `seed` the same
    conversation gives the same text. The reply ends before the first of the `stop` strings that it would have held.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < math.inf:
            raise UsageError(f"temperature {self.temperature} is not a number from 0 up", "0 is greedy, 1 as trained")
        if not 0 < self.top_p <= 1:
            raise UsageError(f"top_p {self.top_p} is not above 0 and at most 1", "1 leaves nothing out")
        if self.max_new_tokens is not None and self.max_new_tokens < 1:
            raise UsageError(f"max_new_tokens {self.max_new_tokens} is below 1", "leave it out for the runtime's limit")
        if not isinstance(self.stop, tuple) or not all(isinstance(text, str) and text for text in self.stop):
            raise UsageError(f"stop {self.stop!r} is not a tuple of texts that hold something", 'such as ("\\n\\n",)')


GREEDY = Sampling()


@dataclass(frozen=True, slots=True)
class Streamed:
    """How a reply that was streamed came to its end; `ended` is False when it was cut at the length limit.

    Tokens are counted by the model's own tokenizer, the one that ends the reply included.
    """

    ended: bool
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a session says of the model that it has loaded.

    `parameters` are the base's (of a whole tuned model: its own), however they are held; `adapter_parameters` those
    that the adapter adds. `memory` is what the weights take, in bytes; `context` the longest conversation with its
    reply, in tokens, None where the model names no limit. `template` is the digest of the chat template, `origin` the
    base's name on its hub, or its folder.
    """

    architecture: str
    parameters: int
    quantization: str
    dtype: str
    device: str
    memory: int
    template: str
    base: Path
    digest: str
    origin: str
    adapter: Path | None = None
    adapter_parameters: int = 0
    context: int | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """What an exporter wrote. `model` is what core reads again for the parity check: a folder in the Hugging Face
    format, or a .gguf file; None where core could read nothing of it.

    `bits` are those of a weight as written, None where it is written as it was merged. `advice` says how to use it, and
    what it lacks, a line each.
    """

    model: Path | None
    bits: int | None = None
    advice: tuple[str, ...] = ()


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
    """A step as observers see it, e.g. name "train:qwen3-0.6b", plugin "trl".

    `key` is "" for one that failed before it had a key: a generator that could not declare its tasks.
    """

    name: str
    plugin: str
    key: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended; `figures` are what it reports of itself. "skipped": a step that it needs has failed."""

    status: Literal["made", "reused", "failed", "cancelled", "skipped"]
    seconds: float
    figures: Mapping[str, JsonValue] = dataclasses.field(default_factory=dict)


# ---- JSON

Record = TypeVar("Record")


def to_json(value: Any) -> JsonValue:
    """The JSON form of a record, tuple, mapping, path or plain value. Fields at their default are left out."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((name, default, getattr(value, name)) for name, default in _defaults(type(value)))
        return {name: to_json(item) for name, default, item in fields if item != default}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def finite(value: JsonValue) -> JsonValue:
    """The same JSON value with None for every number that JSON does not have: NaN and both infinities."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [finite(item) for item in value]
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return value


def from_json(kind: type[Record], value: Any) -> Record:
    """The record of class `kind` whose JSON form is `value`; ValueError names the field that does not fit."""
    return typing.cast(Record, _reader(typing.cast(Any, kind))(value, kind.__name__))


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: the form that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def fingerprint(value: Any) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    """Each field of a dataclass with its default."""
    return tuple((field.name, field.default) for field in dataclasses.fields(kind))


Reader: TypeAlias = Callable[[Any, str], Any]


@cache
def _reader(kind: Any) -> Reader:
    """What reads values of this type, given a value and its place; looked up once, for records come by the thousand."""
    if dataclasses.is_dataclass(kind):
        return _record_reader(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return _tuple_reader(_reader(arguments[0]))
    if origin is Literal:
        return _literal_reader(arguments)
    if origin in (types.UnionType, typing.Union):
        chosen = [option for option in arguments if option is not type(None)]
        return _optional_reader(_reader(chosen[0]) if len(chosen) == 1 else _as_it_is)
    if kind is Path:
        return lambda value, place: Path(value)
    return _plain_reader(kind) if kind in (str, int, float, bool) else _as_it_is


def _as_it_is(value: Any, place: str) -> Any:
    return value


def _optional_reader(read: Reader) -> Reader:
    return lambda value, place: None if value is None else read(value, place)


def _plain_reader(kind: Any) -> Reader:
    accepted = (int, float) if kind is float else kind

    def read(value: Any, place: str) -> Any:
        if not isinstance(value, accepted) or (kind is not bool and isinstance(value, bool)):
            raise ValueError(f"{place}: expected {kind.__name__}, found {type(value).__name__}")
        return value

    return read


def _literal_reader(options: tuple[Any, ...]) -> Reader:
    def read(value: Any, place: str) -> Any:
        if value not in options:
            raise ValueError(f"{place}: expected one of {', '.join(map(repr, options))}, found {value!r}")
        return value

    return read


def _tuple_reader(item: Reader) -> Reader:
    def read(value: Any, place: str) -> Any:
        if not isinstance(value, list):
            raise ValueError(f"{place}: expected a list, found {type(value).__name__}")
        return tuple([item(entry, f"{place}[{index}]") for index, entry in enumerate(value)])

    return read


def _record_reader(kind: Any) -> Reader:
    fields: dict[str, Reader] = {}  # filled at the first reading: a record may hold records of its own kind

    def read(value: Any, place: str) -> Any:
        if not fields:
            fields.update((name, _reader(hint)) for name, hint in typing.get_type_hints(kind).items())
        if not isinstance(value, Mapping):
            raise ValueError(f"{place}: expected an object, found {type(value).__name__}")
        unknown = sorted(value.keys() - fields.keys())
        if unknown:
            raise ValueError(f"{place}: unknown field {unknown[0]!r}")
        try:
            return kind(**{name: fields[name](item, f"{place}.{name}") for name, item in value.items()})
        except TypeError as error:
            raise ValueError(f"{place}: {error}") from None

    return read
