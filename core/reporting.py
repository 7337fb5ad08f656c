"""From what a run made to the records of its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from docutune.config import PipelineConfig
from docutune.datasets.preferences import RATERS, preferred
from docutune.datasets.rating import answer_ids
from docutune.rated import Rating
from docutune.reasons import kind_of
from docutune.report.answers import changed_answers
from docutune.report.coverage import coverage, spoken_of
from docutune.report.dataset import dataset_facts
from docutune.report.facts import (
    CurvePoint,
    EvaluationFacts,
    FailureFacts,
    LibraryFacts,
    ModelReport,
    Report,
    RunFacts,
    SourceProblem,
    Spending,
    StepFacts,
    TrainingFacts,
)
from docutune.report.verdict import headline, meaning
from docutune.runlog import RunLog
from docutune.steps.base import Evaluated, Products, TrainedModel
from docutune.steps.quality import PAGE


def build_report(products: Products, config: PipelineConfig, log: RunLog, ratings: Sequence[Rating] = ()) -> Report:
    """Everything that the report shows of one run; `ratings` are what people said of answers so far."""
    reasons = [f"{rejection.producer}: {kind_of(rejection.reason)}" for rejection in products.rejected]
    dataset = None if products.dataset is None else dataset_facts(products.dataset, reasons, PAGE)
    models = tuple(_model_report(trained, products, config, log, ratings) for trained in products.models.values())
    trainings = tuple(TrainingFacts(**facts) for facts in log.facts["trainings"])
    language = config.language[0]
    return Report(
        run=RunFacts(
            id=log.info.id,
            project=log.info.project,
            started=log.started,
            finished=log.finished or "",
            seconds=log.seconds,
            outcome=log.outcome,
            version=log.version,
        ),
        headline=headline(models, dataset, language, trainings),
        meaning=meaning(models, dataset, language),
        library=_library_facts(products),
        dataset=dataset,
        rejected={} if dataset else dict(Counter(reasons).most_common()),
        models=models,
        trainings=trainings,
        failures=tuple(_failure(facts, products) for facts in log.facts.get("failures", ())),
        steps=tuple(StepFacts(step["name"], step["status"], step["seconds"]) for step in log.steps),
        spending=_spending(log.facts.get("spending")),
        language=language,
        manifest=log.manifest(),
    )


def _failure(facts: Mapping[str, Any], products: Products) -> FailureFacts:
    causes = products.failures.items()
    skipped = tuple(step for step, cause in causes if cause.step == facts["step"] != step)
    return FailureFacts(**facts, skipped=skipped)


def _model_report(
    trained: TrainedModel, products: Products, config: PipelineConfig, log: RunLog, ratings: Sequence[Rating]
) -> ModelReport:
    step = next(step for step in config.train if step.name == trained.name)
    evaluated = products.evaluations.get(trained.name)
    comparisons = evaluated.comparisons if evaluated else {}
    job_log = f"jobs/{trained.name}/log.txt"
    changes, answers = _changed(evaluated, products) if evaluated else (None, ())
    return ModelReport(
        name=trained.name,
        trainer=trained.trainer,
        base=trained.base,
        key=trained.key[:24],
        settings=step.options.model_dump(mode="json"),
        figures=trained.figures,
        curve=tuple(_point(figures) for figures in trained.curve),
        evaluations=(
            *(EvaluationFacts(name, found) for name, found in comparisons.items()),
            *_preferences(evaluated, trained, ratings),
        ),
        changes=changes,
        answers=answers,
        log=job_log if (log.info.folder / job_log).is_file() else None,
    )


def _preferences(
    evaluated: Evaluated | None, trained: TrainedModel, ratings: Sequence[Rating]
) -> Iterator[EvaluationFacts]:
    """What people prefer, where any of these very answers were judged."""
    if evaluated is not None and ratings:
        found = preferred(ratings, answer_ids(trained.key, evaluated.answers))
        if found is not None:
            yield EvaluationFacts(RATERS, (found,))


def _changed(evaluated: Evaluated, products: Products) -> Any:
    """The answers that changed most, by the metrics of the evaluator that leads the report."""
    held_out = () if products.dataset is None else products.dataset.of("test")
    leading: Sequence[Any] = next((found for found in evaluated.comparisons.values() if found), ())
    metrics = [comparison.metric for comparison in leading]
    return changed_answers(held_out, evaluated.answers, evaluated.measures, metrics)


def _point(figures: Mapping[str, Any]) -> CurvePoint:
    return CurvePoint(
        step=figures["step"],
        loss=figures.get("loss"),
        learning_rate=figures.get("learning_rate"),
        tokens_per_second=figures.get("tokens_per_second"),
        validation_loss=figures.get("eval_loss"),
    )


def _library_facts(products: Products) -> LibraryFacts | None:
    if products.library is None:
        return None
    problems = tuple(
        SourceProblem(document.source, problem) for document in products.documents for problem in document.problems
    )
    told = None if products.dataset is None else spoken_of(products.dataset)
    return LibraryFacts(
        documents=len(products.documents),
        sections=sum(document.sections for document in products.documents),
        symbols=sum(document.symbols for document in products.documents),
        public_symbols=sum(1 for _ in products.library.public()),
        problems=problems,
        coverage=coverage(products.library, told),
    )


def _spending(facts: Mapping[str, Any] | None) -> Spending | None:
    if not facts:
        return None
    known = {name: facts.get(name) for name in ("input_tokens", "output_tokens", "cost_usd")}
    return Spending(requests=facts.get("requests") or 0, reused=facts.get("replies_reused"), **known)
