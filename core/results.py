"""What came of a run, in the forms that others read: the summary for programs, the books, the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docutune.config import PipelineConfig
from docutune.corpus import Dataset
from docutune.evaluation import Comparison
from docutune.records import JsonValue, Made
from docutune.report import (
    CurvePoint,
    DatasetFacts,
    EvaluationFacts,
    LibraryFacts,
    ModelReport,
    Report,
    RunFacts,
    SideBySide,
    SourceProblem,
    StepFacts,
    headline,
    side_by_side,
)
from docutune.runlog import RunLog
from docutune.steps.base import Evaluated, Products, Rejection, TrainedModel
from docutune.workspace import Store


def summary(products: Products, log: RunLog) -> dict[str, Any]:
    """What `docutune run --json` prints."""
    dataset = products.dataset
    return {
        "run": log.info.id,
        "outcome": log.outcome,
        "folder": str(log.info.folder),
        "report": str(log.info.folder / "report.html"),
        "seconds": log.seconds,
        "dataset": None if dataset is None else {"version": dataset.version, **_split_sizes(dataset)},
        "models": log.facts["models"],
        "figures": log.facts["figures"],
    }


def model_facts(products: Products, store: Store) -> list[dict[str, str]]:
    """Models as the manifest names them; paths are relative to `.docutune/` where they lie in it."""
    facts = []
    for trained in products.models.values():
        assert trained.model.adapter is not None
        facts.append(
            {
                "name": trained.name,
                "key": trained.key,
                "trainer": trained.trainer,
                "base": trained.base,
                "base_digest": trained.model.digest,
                "base_folder": _inside(trained.model.folder, store),
                "adapter": _inside(trained.model.adapter, store),
            }
        )
    return facts


def figure_facts(products: Products) -> dict[str, dict[str, list[dict[str, JsonValue]]]]:
    """model -> evaluator -> one object per metric; `low` and `high` bound the difference (95 %)."""
    return {
        name: {
            evaluator: [_figure(comparison) for comparison in comparisons]
            for evaluator, comparisons in evaluated.comparisons.items()
        }
        for name, evaluated in products.evaluations.items()
    }


def build_report(products: Products, config: PipelineConfig, log: RunLog) -> Report:
    """Everything that the report shows of one run."""
    dataset = None if products.dataset is None else _dataset_facts(products.dataset, products.rejected)
    models = tuple(_model_report(trained, products, config) for trained in products.models.values())
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
        headline=headline(models, dataset, language),
        library=_library_facts(products),
        dataset=dataset,
        models=models,
        steps=tuple(StepFacts(step["name"], step["status"], step["seconds"]) for step in log.steps),
        language=language,
        manifest={"pipeline": log.facts["pipeline"], "platform": log.platform, "python": log.python},
    )


def _model_report(trained: TrainedModel, products: Products, config: PipelineConfig) -> ModelReport:
    step = next(step for step in config.train if step.name == trained.name)
    evaluated = products.evaluations.get(trained.name)
    held_out = () if products.dataset is None else products.dataset.of("test")
    comparisons = evaluated.comparisons if evaluated else {}
    evaluations = tuple(EvaluationFacts(name, found) for name, found in comparisons.items())
    return ModelReport(
        name=trained.name,
        trainer=trained.trainer,
        base=trained.base,
        key=trained.key[:24],
        settings=step.options.model_dump(mode="json"),
        figures=trained.figures,
        curve=tuple(_point(figures) for figures in trained.curve),
        evaluations=evaluations,
        answers=_answers(evaluated, evaluations, held_out) if evaluated else (),
    )


def _answers(
    evaluated: Evaluated, evaluations: Sequence[EvaluationFacts], held_out: Sequence[Made]
) -> tuple[SideBySide, ...]:
    """Some answers with their values of the metric that leads the report."""
    metric = next((comparison.metric for facts in evaluations for comparison in facts.comparisons), "")
    return side_by_side(held_out, evaluated.answers, evaluated.measures, metric)


def _point(figures: Mapping[str, Any]) -> CurvePoint:
    return CurvePoint(
        figures["step"], figures.get("loss"), figures.get("learning_rate"), figures.get("tokens_per_second")
    )


def _library_facts(products: Products) -> LibraryFacts | None:
    if products.library is None:
        return None
    problems = tuple(
        SourceProblem(document.source, problem) for document in products.documents for problem in document.problems
    )
    return LibraryFacts(
        documents=len(products.documents),
        sections=sum(document.sections for document in products.documents),
        symbols=sum(document.symbols for document in products.documents),
        public_symbols=sum(1 for _ in products.library.public()),
        problems=problems,
    )


def _dataset_facts(dataset: Dataset, rejected: Sequence[Rejection]) -> DatasetFacts:
    samples = [row.made.sample for row in dataset.rows]
    return DatasetFacts(
        version=dataset.version,
        samples=len(samples),
        facts=len({sample.fact for sample in samples}),
        by_kind=_counted(sample.kind for sample in samples),
        by_language=_counted(sample.language for sample in samples),
        rejected=_counted(_general(item) for item in rejected),
        **_split_sizes(dataset),
    )


def _split_sizes(dataset: Dataset) -> dict[str, int]:
    return {
        "train": len(dataset.of("train")),
        "validation": len(dataset.of("validation")),
        "test": len(dataset.of("test")),
    }


def _general(rejection: Rejection) -> str:
    """The reason without what it names, so that reasons can be counted: text before the first colon."""
    return f"{rejection.producer}: {rejection.reason.partition(':')[0]}"


def _counted(values: Any) -> dict[str, int]:
    return dict(Counter(values).most_common())


def _figure(comparison: Comparison) -> dict[str, JsonValue]:
    return {
        "metric": comparison.metric,
        "count": comparison.count,
        "base": round(comparison.base.mean, 6),
        "tuned": round(comparison.tuned.mean, 6),
        "difference": round(comparison.difference.mean, 6),
        "low": round(comparison.difference.low, 6),
        "high": round(comparison.difference.high, 6),
        "verdict": comparison.verdict,
    }


def _inside(path: Path, store: Store) -> str:
    return path.relative_to(store.folder).as_posix() if path.is_relative_to(store.folder) else str(path)
