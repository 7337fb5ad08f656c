"""The report of a run, which opens with whether the model got better. Its JSON form is `records.to_json(report)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from docutune.evaluation import Comparison
from docutune.records import Answer, JsonValue, Made, Measure, Role
from docutune.report.charts import is_share
from docutune.report.words import Words


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
class LibraryFacts:
    """What was found in the sources."""

    documents: int
    sections: int
    symbols: int
    public_symbols: int
    problems: tuple[SourceProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A dataset version; all numbers count samples except `facts`; `rejected` counts by reason."""

    version: str
    samples: int
    facts: int
    train: int
    validation: int
    test: int
    by_kind: Mapping[str, int] = field(default_factory=dict)
    by_language: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What training reported at one optimizer step; None where it reported nothing."""

    step: int
    loss: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class EvaluationFacts:
    """What one evaluator measured, its most telling metric first."""

    evaluator: str
    comparisons: tuple[Comparison, ...]


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
    base_score: float | None = None
    tuned_score: float | None = None
    metric: str = ""
    sample: str = ""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """One trained model: what it is, how the training went, and what it answers."""

    name: str
    trainer: str
    base: str
    key: str
    settings: Mapping[str, JsonValue] = field(default_factory=dict)
    figures: Mapping[str, JsonValue] = field(default_factory=dict)
    curve: tuple[CurvePoint, ...] = ()
    evaluations: tuple[EvaluationFacts, ...] = ()
    answers: tuple[SideBySide, ...] = ()


@dataclass(frozen=True, slots=True)
class StepFacts:
    """One step of the run: its name, "made", "reused", "failed" or "cancelled", and how long it took."""

    name: str
    status: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the report shows. `language` is "en" or "zh"; `manifest` is any JSON object of the run's facts."""

    run: RunFacts
    headline: str
    library: LibraryFacts | None = None
    dataset: DatasetFacts | None = None
    models: tuple[ModelReport, ...] = ()
    steps: tuple[StepFacts, ...] = ()
    language: str = "en"
    manifest: Mapping[str, JsonValue] = field(default_factory=dict)


def lead(model: ModelReport) -> Comparison | None:
    """The comparison that decides: the first one of the first evaluator that measured anything."""
    return next((comparison for facts in model.evaluations for comparison in facts.comparisons), None)


def headline(models: Sequence[ModelReport], dataset: DatasetFacts | None, language: str = "en") -> str:
    """The answer in one sentence: better, worse or no difference, on what, by how much, how sure."""
    words = Words(language)
    led = [(model, comparison) for model in models if (comparison := lead(model))]
    if not led:
        return _unmeasured(models, dataset, words)
    best, comparison = max(led, key=lambda pair: (pair[1].verdict == "better", pair[1].difference.mean))
    better = sum(found.verdict == "better" for _, found in led)
    if len(models) > 1 and not better:
        return words.say("head.several none", all=len(models))
    share = is_share(comparison)
    claim = words.say(
        f"head.{comparison.verdict}" if len(models) == 1 else "head.several",
        name=best.name,
        metric=words.known("metric", comparison.metric),
        base=words.value(comparison.base.mean, share),
        tuned=words.value(comparison.tuned.mean, share),
        better=better,
        all=len(models),
    )
    return words.say("head.proven", claim=claim, evidence=words.evidence(comparison))


def _unmeasured(models: Sequence[ModelReport], dataset: DatasetFacts | None, words: Words) -> str:
    if len(models) == 1:
        return words.say("head.trained", name=models[0].name)
    if models:
        return words.say("head.trained several", all=len(models))
    if dataset:
        return words.say("head.dataset", samples=dataset.samples, facts=dataset.facts)
    return words.say("head.nothing")


def side_by_side(
    held_out: Sequence[Made], answers: Sequence[Answer], measures: Sequence[Measure], metric: str, count: int = 10
) -> tuple[SideBySide, ...]:
    """At most `count` held-out samples that both models answered, at equal distances, with their values of `metric`.

    Answers and measures belong to a sample when their probe is its id.
    """
    texts = {(answer.probe, answer.variant): answer.text for answer in answers}
    scores = {(found.probe, found.variant): found.value for found in measures if found.metric == metric}
    samples = {made.sample.id: made for made in held_out}
    answered = [key for key in samples if (key, "base") in texts and (key, "tuned") in texts]
    chosen = [answered[index * len(answered) // count] for index in range(count)] if len(answered) > count else answered
    return tuple(
        SideBySide(
            question=_last(samples[key], "user"),
            reference=_last(samples[key], "assistant"),
            base=texts[key, "base"],
            tuned=texts[key, "tuned"],
            sources=tuple(str(span) for span in samples[key].origin.spans),
            base_score=scores.get((key, "base")),
            tuned_score=scores.get((key, "tuned")),
            metric=metric,
            sample=key,
        )
        for key in chosen
    )


def _last(made: Made, role: Role) -> str:
    return next((message.content for message in reversed(made.sample.messages) if message.role == role), "")


def to_html(report: Report) -> str:
    """One self-contained page: inline style and drawings, no script, and nothing that leaves the page."""
    return _render("report.html.j2", report, escape=True)


def to_markdown(report: Report) -> str:
    """The same in CommonMark with pipe tables."""
    return _render("report.md.j2", report, escape=False)


def _render(template: str, report: Report, escape: bool) -> str:
    from docutune.report.pages import environment  # Jinja is imported only when a report is written

    words = Words(report.language)
    return environment(escape).get_template(template).render(report=report, words=words, say=words.say)
