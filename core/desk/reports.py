"""Reports of finished runs as a page shows them: the answer in its language, figures, and the files themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from docutune.desk.questions import Questions, questions
from docutune.errors import DocutuneError, UsageError
from docutune.evaluation import Comparison
from docutune.records import from_json
from docutune.report.charts import is_share
from docutune.report.facts import DatasetFacts, FailureFacts, ModelReport, TrainingFacts
from docutune.report.verdict import headline, meaning, overall
from docutune.report.words import Words
from docutune.workspace import Store, read_manifest

PAGES = ("report.html", "quality.html")
"""Files of a run that a page may hand out whole: they hold no script, and nothing that leaves them."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric in words: means with the ends of their 95 % intervals. `verdict` is "better", "worse" or none."""

    evaluator: str
    metric: str
    note: str
    base: str
    tuned: str
    difference: str
    interval: str
    count: int
    verdict: str
    told: str


@dataclass(frozen=True, slots=True)
class Measured:
    """A model of the report with all its figures."""

    name: str
    base: str
    trainer: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What a report says: the answer in one sentence, and `verdict` as report.verdict.overall has it."""

    run: str
    verdict: str
    headline: str
    says: tuple[str, ...]
    does_not_say: tuple[str, ...]
    models: tuple[Measured, ...]
    failures: tuple[FailureFacts, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """What of a report.json is shown here."""

    models: tuple[ModelReport, ...]
    dataset: DatasetFacts | None
    trainings: tuple[TrainingFacts, ...]
    failures: tuple[FailureFacts, ...]


@dataclass(frozen=True)
class Reports:
    """The reports of one workspace."""

    store: Store

    def runs(self) -> tuple[str, ...]:
        """The runs that have a report, newest first."""
        return tuple(run.name for run in reversed(self.store.runs()) if (run / "report.json").is_file())

    def told(self, run: str, language: str) -> Told:
        """What the report of a run says, in that language; DocutuneError when it cannot be read."""
        found, words = self._read(run), Words(language)
        meant = meaning(found.models, found.dataset, language)
        return Told(
            run,
            overall(found.models),
            headline(found.models, found.dataset, language, found.trainings),
            meant.says,
            meant.does_not_say,
            tuple(_measured(model, words) for model in found.models),
            found.failures,
        )

    def questions(self, run: str, model: str, language: str) -> Questions:
        """Every held-out question with the answers of base and tuned model; DocutuneError when these are gone."""
        found = next((item for item in self._read(run).models if item.name == model), None)
        if found is None:
            raise UsageError(f"run {run} has no model {model!r}")
        return questions(self.store, read_manifest(self.store.run_folder(run)), found, Words(language))

    def page(self, run: str, name: str) -> Path:
        """The file of a report; UsageError for any other file, and for what lies elsewhere, be it through a link."""
        folder = next((folder for folder in self.store.runs() if folder.name == run), None)
        if folder is None or name not in PAGES:
            raise UsageError(f"run {run!r} has no page {name!r}")
        own = (self.store.folder / "runs").resolve() / run / name
        if (folder / name).resolve() != own or not own.is_file():
            raise UsageError(f"run {run!r} has no page {name!r}")
        return own

    def has(self, run: str, name: str) -> bool:
        """Whether there is such a page."""
        try:
            return self.page(run, name).is_file()
        except UsageError:
            return False

    def _read(self, run: str) -> _Read:
        path = self.store.run_folder(run) / "report.json"
        try:
            facts = json.loads(path.read_bytes())
            return _Read(
                tuple(from_json(ModelReport, item) for item in facts.get("models", ())),
                from_json(DatasetFacts, facts["dataset"]) if facts.get("dataset") else None,
                tuple(from_json(TrainingFacts, item) for item in facts.get("trainings", ())),
                tuple(from_json(FailureFacts, item) for item in facts.get("failures", ())),
            )
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DocutuneError(f"{path}: cannot be read: {error}", "docutune eval writes a new one") from error


def _measured(model: ModelReport, words: Words) -> Measured:
    found = tuple(_figures(model, words))
    return Measured(model.name, model.base, model.trainer, found)


def _figures(model: ModelReport, words: Words) -> Iterator[Figure]:
    for facts in model.evaluations:
        yield from (figure(facts.evaluator, comparison, words) for comparison in facts.comparisons if comparison.count)


def figure(evaluator: str, comparison: Comparison, words: Words) -> Figure:
    """A comparison in words."""
    share = is_share(comparison)
    return Figure(
        evaluator,
        words.title(comparison.metric),
        words.note(comparison.metric),
        f"{words.value(comparison.base.mean, share)} ({words.span(comparison.base, share)})",
        f"{words.value(comparison.tuned.mean, share)} ({words.span(comparison.tuned, share)})",
        words.points(comparison.difference.mean, share),
        words.change_span(comparison.difference, share),
        comparison.count,
        comparison.verdict,
        words.say(comparison.verdict),
    )
