"""What `trace` answers. No field has a default, so that the JSON form names every one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from docutune.records import JsonValue, to_json

State: TypeAlias = Literal["unchanged", "changed", "gone", "unknown"]
"""How a document stands against what the run saw; "unknown" where the run kept no digest or the file is unreadable."""


@dataclass(frozen=True, slots=True)
class Place:
    """Lines of a document (1-based, inclusive) with their text, which is there only while the file is unchanged."""

    source: str
    first_line: int
    last_line: int
    state: State
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the traced samples a dataset version holds, by split ("left out": in none), and its runs."""

    version: str
    splits: Mapping[str, int]
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelBrief:
    """A model, and how many of the traced samples its dataset version holds by split; runs are newest first."""

    name: str
    key: str
    trainer: str
    base: str
    dataset: str
    splits: Mapping[str, int]
    trained: tuple[str, ...]
    reused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleBrief:
    """One of many samples; `spans` as "docs/x.md:3-9"."""

    id: str
    split: str | None
    kind: str
    fact: str
    question: str
    spans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SymbolBrief:
    """A symbol that stands in a document."""

    name: str
    kind: str
    public: bool
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class DocumentBrief:
    """One of many documents, and how many of the traced samples come from it."""

    source: str
    sha256: str
    state: State
    samples: int


@dataclass(frozen=True, slots=True)
class SampleTrace:
    """A sample, from its lines to the models. `run` is the newest one that knows it; `model` wrote it, if one did."""

    id: str
    split: str | None
    kind: str
    fact: str
    symbols: tuple[str, ...]
    language: str
    messages: tuple[Mapping[str, str], ...]
    producer: str
    task: str
    model: str | None
    run: str | None
    places: tuple[Place, ...]
    datasets: tuple[Share, ...]
    models: tuple[ModelBrief, ...]
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentTrace:
    """A document as `run` saw it; `lines` are those asked for, and then only what they made is here."""

    source: str
    lines: tuple[int, int] | None
    sha256: str
    state: State
    problems: tuple[str, ...]
    run: str
    symbols: tuple[SymbolBrief, ...]
    samples: tuple[SampleBrief, ...]
    datasets: tuple[Share, ...]
    models: tuple[ModelBrief, ...]
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SymbolTrace:
    """A symbol of the library as `run` saw it, and the samples that speak of it."""

    name: str
    kind: str
    signature: str
    public: bool
    aliases: tuple[str, ...]
    place: Place
    run: str
    samples: tuple[SampleBrief, ...]
    datasets: tuple[Share, ...]
    models: tuple[ModelBrief, ...]
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelTrace:
    """A model, down to the samples and documents it was trained on. `figures` by evaluator, `training` by itself."""

    name: str
    key: str
    trainer: str
    base: str
    base_digest: str
    folder: str
    dataset: Share
    run: str
    trained: tuple[str, ...]
    reused: tuple[str, ...]
    options: Mapping[str, JsonValue]
    training: Mapping[str, JsonValue]
    figures: Mapping[str, JsonValue]
    documents: tuple[DocumentBrief, ...]
    samples: tuple[SampleBrief, ...]


@dataclass(frozen=True, slots=True)
class DatasetTrace:
    """A dataset version; `run` is the newest one that made or reused it, None when no run here knows it any more."""

    version: str
    splits: Mapping[str, int]
    run: str | None
    documents: tuple[DocumentBrief, ...]
    models: tuple[ModelBrief, ...]
    runs: tuple[str, ...]
    samples: tuple[SampleBrief, ...]


@dataclass(frozen=True, slots=True)
class RunTrace:
    """A run, from its pipeline file to its figures by model and evaluator.

    `trainings` are the entries of `train:` with how they ended, `failures` the steps that failed, as in the manifest.
    """

    id: str
    project: str
    docutune: str
    started: str
    outcome: str
    pipeline: str
    documents: tuple[DocumentBrief, ...]
    dataset: Share | None
    models: tuple[ModelBrief, ...]
    trainings: tuple[Mapping[str, JsonValue], ...]
    failures: tuple[Mapping[str, JsonValue], ...]
    figures: Mapping[str, JsonValue]


Answer: TypeAlias = SampleTrace | DocumentTrace | SymbolTrace | ModelTrace | DatasetTrace | RunTrace
KINDS: Mapping[type[Answer], str] = {
    SampleTrace: "sample",
    DocumentTrace: "document",
    SymbolTrace: "symbol",
    ModelTrace: "model",
    DatasetTrace: "dataset",
    RunTrace: "run",
}


@dataclass(frozen=True, slots=True)
class Trace:
    """An answer, with what could not be read on the way to it."""

    answer: Answer
    notes: tuple[str, ...]

    @property
    def kind(self) -> str:
        """What was traced: "sample", "document", "symbol", "model", "dataset" or "run"."""
        return KINDS[type(self.answer)]

    def to_json(self) -> dict[str, Any]:
        """The answer's fields with "kind" and "notes"."""
        fields = to_json(self.answer)
        assert isinstance(fields, dict)
        return {"traced": self.kind, **fields, "notes": list(self.notes)}
