"""What every step shares: the products that flow through the walk, and the tools that core lends to a step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from docutune.chat.budget import Budget
from docutune.contracts import Chat, Registration
from docutune.corpus import Dataset
from docutune.errors import PluginError
from docutune.evaluation import Comparison
from docutune.records import Answer, JsonValue, Made, Measure, ModelRef, Sample, Span, Split, to_json
from docutune.registry import Registry
from docutune.symbols import SymbolTable
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Document:
    """A file of the sources. `source` is relative to the pipeline file's folder; `digest` is the content's SHA-256.

    `problems` holds why it was not read, or what in it could not be.
    """

    source: str
    digest: str
    parser: str
    sections: int = 0
    symbols: int = 0
    samples: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejection:
    """A sample or task that was left out, and why. `subject` is a sample's id or a task's key, `spans` its sources.

    `sample` is what was left out, with secrets and personal data masked; None for a task that gave none.
    """

    subject: str
    producer: str
    reason: str
    spans: tuple[Span, ...] = ()
    sample: Sample | None = None


def rejected_lines(rejected: Iterable[Rejection]) -> str:
    """The content of rejected.jsonl: one JSON object a line."""
    return "".join(f"{json.dumps(to_json(item), ensure_ascii=False)}\n" for item in rejected)


@dataclass(frozen=True, slots=True)
class Base:
    """A base model by the name that the pipeline file uses."""

    name: str
    model: ModelRef
    figures: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that this pipeline tuned. `curve` holds one mapping of figures per logged step."""

    name: str
    key: str
    trainer: str
    base: str
    model: ModelRef
    figures: Mapping[str, JsonValue]
    curve: tuple[Mapping[str, JsonValue], ...]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the evaluators found about one model; `comparisons` by evaluator."""

    model: str
    comparisons: Mapping[str, tuple[Comparison, ...]]
    answers: tuple[Answer, ...]
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why `step` failed; `log` holds all that its worker printed, where it had one."""

    step: str
    message: str
    hint: str | None = None
    log: Path | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """Samples of an entry of `sources:` that are replayed: as many as `share` times the number of all others.

    First all that there are, then those that were chosen, in the order in which they go into the dataset.
    """

    place: str
    share: float
    samples: tuple[Made, ...]


@dataclass(frozen=True, slots=True)
class Products:
    """Everything made so far in a walk. None: not made yet. `unread` counts files without a parser, by suffix;
    `elsewhere` has for some of those suffixes the entry of `sources:` that would read such a file.

    `given` holds the ids of the samples that came from files, each with the split that its file gives it; `replies` the
    keys of the chat model's replies behind the samples; `unanswered` counts tasks that the next run tries again;
    `withheld` has the place, if it is known, of each that was not sent because of a secret in it;
    `repaired` holds what was wrong with the first try of tasks whose second one was right.
    `failures` says of steps that gave nothing why: their own failure, or that of a step they need.
    """

    documents: tuple[Document, ...] = ()
    unread: Mapping[str, int] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    library: SymbolTable | None = None
    samples: tuple[Made, ...] | None = None
    given: Mapping[str, Split | None] = field(default_factory=dict)
    replay: tuple[Replayed, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    replies: frozenset[str] = frozenset()
    unanswered: int = 0
    withheld: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    dataset: Dataset | None = None
    bases: Mapping[str, Base] = field(default_factory=dict)
    models: Mapping[str, TrainedModel] = field(default_factory=dict)
    evaluations: Mapping[str, Evaluated] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)


class Progress(Protocol):
    """Told of work done inside a step; may raise Cancelled."""

    def __call__(self, done: int, total: int | None = None, **figures: float) -> None:
        """`done` of `total` units, with figures such as loss."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a step may use while it makes its result. `run` is the run's folder; `anew`: kept items do not count.

    `budget` is what all chat models of the run may cost together; `note` tells the user something in one line.
    """

    store: Store
    registry: Registry
    run: Path
    progress: Progress
    note: Callable[[str], None]
    budget: Budget
    anew: bool = False


class Items:
    """The kept items of a step, each read from the disk once per walk."""

    def __init__(self, accept: Callable[[Any], bool] = lambda value: True) -> None:
        """`accept` says of a kept value whether it still holds."""
        self._accept = accept
        self._read: dict[str, Any] = {}

    def get(self, store: Store, key: str) -> Any | None:
        """The kept value, or None when there is none that holds."""
        if key not in self._read:
            value = store.recall("cache", key)
            self._read[key] = value if value is not None and self._accept(value) else None
        return self._read[key]


@dataclass(frozen=True, slots=True)
class StepContext:
    """The contracts.Context that plugins in this process are lent; `lent` is the chat model of those who may ask."""

    seed: int
    folder: Path
    report: Progress
    tell: Callable[[str], None]
    lent: Chat | None = None

    @property
    def kept(self) -> Path:
        """No step of this process is interrupted in the middle of an item."""
        raise PluginError("a plugin asked for a folder that outlasts an interruption", "only trainers are lent one")

    @property
    def chat(self) -> Chat:
        """The chat model of the plugin's options."""
        if self.lent is None:
            raise PluginError(
                "a plugin asked for a chat model that it is not lent",
                "core lends one to generators and curators whose Config is a docutune.ChatConfig",
            )
        return self.lent

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        """Pass a plugin's progress on."""
        self.report(done, total, **figures)

    def note(self, text: str) -> None:
        """Pass a plugin's note on."""
        self.tell(text)


@dataclass(frozen=True, slots=True)
class Count:
    """How many items a step has and how many of them need no work."""

    total: int
    reused: int


class Step(Protocol):
    """One step of the pipeline."""

    @property
    def name(self) -> str:
        """E.g. "parse", "generate:grounded", "train:qwen3-0.6b"."""

    @property
    def plugin(self) -> str:
        """The plugin that does the work, or "core"."""

    def key(self, products: Products) -> str | None:
        """The hash of all that decides the result; None while something before it has yet to be made."""

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """The products with this step's kept result added, or None when it must be made."""

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Do the work, keep the result, and return the products with it added."""

    def count(self, products: Products, store: Store) -> Count | None:
        """For a step made of items: how many, and how many are kept already. None for other steps."""


def plugin_identity(
    registration: Registration, options: BaseModel, left_out: Iterable[str] = ()
) -> dict[str, JsonValue]:
    """The part of a key that a plugin decides: its name, revision and options.

    Options that change no result are left out: those that the Config's class names in `decides_nothing`.
    """
    nothing = {*left_out, *getattr(type(options), "decides_nothing", ())}
    decisive = options.model_dump(mode="json", exclude=nothing)
    return {"plugin": registration.name, "revision": registration.revision, "options": decisive}
