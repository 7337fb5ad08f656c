"""What the report of a run holds. Its JSON form is `records.to_json` of these records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from docutune.evaluation import Comparison
from docutune.records import JsonValue

Change: TypeAlias = Literal["improved", "worsened", "same", "unmeasured"]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run itself; times in ISO 8601, `version` is docutune's."""

    id: str
    project: str
    started: str
    finished: str
    seconds: float
    outcome: str
    version: str


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """What went wrong with one document."""

    source: str
    problem: str


@dataclass(frozen=True, slots=True)
class ModuleCoverage:
    """The public symbols of one module: all of them, those that a section mentions, those that a sample speaks of."""

    module: str
    symbols: int
    in_documents: int
    in_samples: int = 0


@dataclass(frozen=True, slots=True)
class Untold:
    """A public symbol of which no sample speaks; `place` as "src/x.py:3-9", `in_documents`: a section mentions it."""

    name: str
    kind: str
    place: str
    in_documents: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the public API the documents and the samples speak of; largest module first.

    `untold` has those first that a section mentions; it is None, and no sample is counted, where the run made no
    dataset.
    """

    modules: tuple[ModuleCoverage, ...]
    untold: tuple[Untold, ...] | None = None

    @property
    def symbols(self) -> int:
        """All public symbols."""
        return sum(module.symbols for module in self.modules)

    @property
    def in_documents(self) -> int:
        """Those that a section mentions."""
        return sum(module.in_documents for module in self.modules)

    @property
    def in_samples(self) -> int:
        """Those that a sample speaks of."""
        return sum(module.in_samples for module in self.modules)


@dataclass(frozen=True, slots=True)
class LibraryFacts:
    """What was found in the sources."""

    documents: int
    sections: int
    symbols: int
    public_symbols: int
    problems: tuple[SourceProblem, ...] = ()
    coverage: Coverage | None = None


@dataclass(frozen=True, slots=True)
class LengthBin:
    """How many samples are at least `shortest` and at most `longest` characters long."""

    shortest: int
    longest: int
    samples: int


@dataclass(frozen=True, slots=True)
class Lengths:
    """Characters of the "question" or "answer" of every sample; the bins lie next to each other, each twice as wide."""

    part: str
    shortest: int
    median: int
    longest: int
    bins: tuple[LengthBin, ...]


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A dataset version; all numbers count samples except `facts`.

    `trainings` has every entry of `train:` that the run came to, `models` those that gave a model, with the same names.
    `rejected` counts by reason; `left_out` samples name a symbol that is held out; `held_out` counts the test samples
    by why they are test samples: "rephrased", "unseen", "given" or "random" (corpus.HeldOut). `page` is the file beside
    the report that says more.
    """

    version: str
    samples: int
    facts: int
    train: int
    validation: int
    test: int
    by_kind: Mapping[str, int] = field(default_factory=dict)
    by_language: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    left_out: int = 0
    held_out: Mapping[str, int] = field(default_factory=dict)
    lengths: tuple[Lengths, ...] = ()
    page: str | None = None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What training reported at one optimizer step; None where it reported nothing."""

    step: int
    loss: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    validation_loss: float | None = None


@dataclass(frozen=True, slots=True)
class EvaluationFacts:
    """What one evaluator measured, its most telling metric first."""

    evaluator: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """One metric's values for one question; None where there is none."""

    metric: str
    base: float | None
    tuned: float | None


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One held-out question with the expected answer and both models' own; `sources` as "docs/x.md:3-9", `sample` is
    the id that `docutune trace` takes.
    """

    question: str
    reference: str
    base: str
    tuned: str
    sources: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    sample: str = ""
    change: Change = "unmeasured"


@dataclass(frozen=True, slots=True)
class Changes:
    """How many of the measured answers got better, worse or stayed; compared by `metrics`, the first one first."""

    metrics: tuple[str, ...]
    improved: int
    worsened: int
    same: int


@dataclass(frozen=True, slots=True)
class ModelReport:
    """One trained model: what it is, how the training went, and what it answers.

    `log` has all that its worker printed, where this run trained it; the path is relative to the run's folder.
    """

    name: str
    trainer: str
    base: str
    key: str
    settings: Mapping[str, JsonValue] = field(default_factory=dict)
    figures: Mapping[str, JsonValue] = field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()
    evaluations: tuple[EvaluationFacts, ...] = ()
    changes: Changes | None = None
    answers: tuple[SideBySide, ...] = ()
    log: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """One entry of `train:`: how it and its evaluation ended ("made", "reused", "failed", "skipped").

    `failed` is the step whose failure ended either of them; `evaluation` is None where none was asked for.
    """

    name: str
    trainer: str
    base: str
    status: str
    evaluation: str | None = None
    failed: str | None = None

    @property
    def has_model(self) -> bool:
        """Whether a model came of it."""
        return self.status in ("made", "reused")


@dataclass(frozen=True, slots=True)
class FailureFacts:
    """A step that failed: why, what to do, where its log is in the run's folder, and what was skipped because of it."""

    step: str
    message: str
    hint: str | None = None
    log: str | None = None
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step of the run: its name, how it ended (as Outcome.status), and how long it took."""

    name: str
    status: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Spending:
    """What the calls of chat models came to; `reused` replies were kept from earlier runs. None: not known."""

    requests: int
    reused: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the answer at the top says, and what it does not: whole sentences."""

    says: tuple[str, ...] = ()
    does_not_say: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the report shows. `language` is "en" or "zh"; `manifest` is the run's manifest.

    `rejected` counts by reason what was left out by a run that made no dataset; else `dataset` has it.
    """

    run: RunFacts
    headline: str
    meaning: Meaning = field(default_factory=Meaning)
    library: LibraryFacts | None = None
    dataset: DatasetFacts | None = None
    rejected: Mapping[str, int] = field(default_factory=dict)
    models: tuple[ModelReport, ...] = ()
    trainings: tuple[TrainingFacts, ...] = ()
    failures: tuple[FailureFacts, ...] = ()
    steps: tuple[StepFacts, ...] = ()
    spending: Spending | None = None
    language: str = "en"
    manifest: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def taken_as(self) -> str:
        """ " (v1)": under which name the pipeline took the dataset version; empty where the run made it."""
        takes = self.manifest.get("takes")
        named = takes.get("name") if isinstance(takes, dict) else None
        return f" ({named})" if named and self.dataset and named != self.dataset.version else ""
