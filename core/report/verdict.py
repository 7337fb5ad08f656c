"""The answer that the report opens with, and what it does and does not mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from docutune.evaluation import FEWEST_CHANGES, Comparison
from docutune.report.charts import is_share
from docutune.report.facts import DatasetFacts, Meaning, ModelReport, TrainingFacts
from docutune.report.words import Words
from docutune.training import TINY

_OVERLAP = frozenset(("match", "exact_match", "rouge1", "rouge2", "rougeL", "bleu", "chrf"))
"""Metrics that compare words with the expected answer."""


def lead(model: ModelReport) -> Comparison | None:
    """The comparison that decides: the first one of the first evaluator that measured anything."""
    return next((comparison for facts in model.evaluations for comparison in facts.comparisons), None)


def best(models: Sequence[ModelReport]) -> tuple[ModelReport, Comparison] | None:
    """The model that the answer is about: a better one before any other, then by the difference."""
    led = [(model, comparison) for model in models if (comparison := lead(model))]
    return max(led, key=lambda pair: (pair[1].verdict == "better", pair[1].difference.mean), default=None)


def overall(models: Sequence[ModelReport]) -> str:
    """One verdict for several models: better when one is, worse when all that were measured are."""
    verdicts = {comparison.verdict for model in models if (comparison := lead(model))}
    if not verdicts:
        return "unmeasured"
    if "better" in verdicts:
        return "better"
    return "worse" if verdicts == {"worse"} else "no difference"


def headline(
    models: Sequence[ModelReport],
    dataset: DatasetFacts | None,
    language: str = "en",
    trainings: Sequence[TrainingFacts] = (),
) -> str:
    """The answer in one sentence: better, worse or no difference, on what, by how much, how sure, how often asked.

    Where trainings or evaluations failed, another sentence says so.
    """
    words = Words(language)
    return words.say("sentences").join([_answer(models, dataset, words), *_failed(trainings, words)])


def _failed(trainings: Sequence[TrainingFacts], words: Words) -> Iterator[str]:
    models = [training for training in trainings if training.has_model]
    groups = (
        ("head.no model", trainings, [training.name for training in trainings if not training.has_model]),
        ("head.not evaluated", models, [training.name for training in models if training.failed]),
    )
    for key, every, names in groups:
        if names:
            yield words.say(key, count=len(names), all=len(every), names=words.say("comma").join(names))


def _answer(models: Sequence[ModelReport], dataset: DatasetFacts | None, words: Words) -> str:
    found = best(models)
    if found is None:
        return _unmeasured(models, dataset, words)
    model, comparison = found
    better = sum(other.verdict == "better" for each in models if (other := lead(each)))
    if len(models) > 1 and not better:
        return words.say("head.several none", all=len(models), closest=_closest(words, *found))
    share = is_share(comparison)
    claim = words.say(
        f"head.{comparison.verdict}" if len(models) == 1 else "head.several",
        name=model.name,
        metric=words.known("metric", comparison.metric),
        base=words.value(comparison.base.mean, share),
        tuned=words.value(comparison.tuned.mean, share),
        better=better,
        all=len(models),
    )
    return words.say("head.proven", claim=claim, evidence=words.evidence(comparison))


def _closest(words: Words, model: ModelReport, comparison: Comparison) -> str:
    metric = words.known("metric", comparison.metric)
    return words.say("head.closest", name=model.name, metric=metric, evidence=words.evidence(comparison))


def _unmeasured(models: Sequence[ModelReport], dataset: DatasetFacts | None, words: Words) -> str:
    if len(models) == 1:
        return words.say("head.trained", name=models[0].name)
    if models:
        return words.say("head.trained several", all=len(models))
    if dataset:
        return words.say("head.dataset", samples=dataset.samples, facts=dataset.facts)
    return words.say("head.nothing")


def meaning(models: Sequence[ModelReport], dataset: DatasetFacts | None, language: str = "en") -> Meaning:
    """What the headline says and what it does not; nothing where nothing was measured."""
    found = best(models)
    if found is None:
        return Meaning()
    words = Words(language)
    return Meaning(tuple(_says(found[1], dataset, words)), tuple(_limits(models, found[1], words)))


def _says(comparison: Comparison, dataset: DatasetFacts | None, words: Words) -> Iterator[str]:
    yield words.say("means.same questions", count=comparison.count)
    if comparison.metric in ("match", "exact_match"):
        yield words.say(f"means.{comparison.metric}")
    for reason, count in (dataset.held_out if dataset else {}).items():
        yield words.say(f"means.{reason}.one" if count == 1 else f"means.{reason}", count=count)
    undecided = comparison.verdict == "no difference"
    sure = not comparison.difference.low <= 0 <= comparison.difference.high
    yield words.say("means.too few" if undecided and sure else f"means.{comparison.verdict}", fewest=FEWEST_CHANGES)


def _limits(models: Sequence[ModelReport], comparison: Comparison, words: Words) -> Iterator[str]:
    """A bootstrap interval has no width when all questions went the same way; the rule of three (Hanley and
    Lippman-Hand, JAMA 249, 1983) bounds at 95 % the share of those that would not: 3 / count.
    """
    if any(model.base == TINY for model in models):
        yield words.say("limits.tiny", name=TINY)
    if comparison.verdict == "no difference":
        yield words.say("limits.no difference")
        if others := _others(models, comparison, words):
            yield words.say("limits.others", names=others)
    elif comparison.difference.low == comparison.difference.high:
        yield words.say("limits.no width", count=comparison.count, share=words.value(3 / comparison.count, True))
    if comparison.metric in _OVERLAP:
        yield words.say("limits.overlap")
    yield words.say("limits.other questions")
    yield words.say("limits.interval")


def _others(models: Sequence[ModelReport], decided: Comparison, words: Words) -> str:
    """The other metrics that tell base and tuned model apart, each with its verdict."""
    measured = (facts.comparisons for model in models if lead(model) is decided for facts in model.evaluations)
    found = (other for comparisons in measured for other in comparisons if other.verdict != "no difference")
    named = (f"{words.known('metric', other.metric)} ({words.say(other.verdict).lower()})" for other in found)
    return words.say("comma").join(named)
