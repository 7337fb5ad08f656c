"""Step "evaluate:<model>": every evaluator's probes put to the base and to the tuned model, answered once, measured."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from docutune.config import StepConfig
from docutune.contracts import Context, Evaluator, Library, Session
from docutune.evaluation import compare
from docutune.guard import awaited, guarded, mistake, records
from docutune.jobs import open_session
from docutune.records import (
    RECORDS_VERSION,
    Answer,
    JsonValue,
    Made,
    Measure,
    ModelRef,
    Probe,
    Variant,
    fingerprint,
    from_json,
    to_json,
)
from docutune.registry import Registry
from docutune.steps.base import Count, Evaluated, Products, StepContext, Tools, plugin_identity
from docutune.symbols import SymbolTable, link
from docutune.template import TEMPLATE
from docutune.workspace import Store

VARIANTS: tuple[Variant, ...] = get_args(Variant)

ASKED_TOGETHER = 128
"""Probes that a runtime is handed at once."""


@dataclass(frozen=True)
class Evaluate:
    """Measures one model with every evaluator of the pipeline; the model is loaded at most once."""

    model: str
    evaluators: tuple[StepConfig, ...]
    runtime: StepConfig
    registry: Registry
    seed: int

    @property
    def name(self) -> str:
        """The step's name."""
        return f"evaluate:{self.model}"

    @property
    def plugin(self) -> str:
        """The evaluators' names."""
        return ", ".join(step.uses for step in self.evaluators)

    def key(self, products: Products) -> str | None:
        """Evaluators, runtime, model, what is held out, and the library that evaluators look things up in."""
        trained = products.models.get(self.model)
        if trained is None or products.dataset is None:
            return None
        plugins: list[JsonValue] = [_identity(step) for step in (*self.evaluators, self.runtime)]
        held_out: list[JsonValue] = [made.sample.id for made in products.dataset.of("test")]
        symbols: list[JsonValue] = [[symbol.name, symbol.signature] for symbol in _library(products).public()]
        library = fingerprint(symbols)
        return fingerprint(["evaluate", RECORDS_VERSION, plugins, trained.key, held_out, library, self.seed])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """The kept measures and answers."""
        value = store.recall("results", key)
        return None if value is None else self._add(products, value)

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Collect probes, answer what was never answered, measure."""
        assert products.dataset is not None
        held_out, library = products.dataset.of("test"), _library(products)
        plugins: dict[str, Evaluator] = {
            step.name: self.registry.create(step.entry, step.options) for step in self.evaluators
        }
        named = {step.name: step.entry.full_name for step in self.evaluators}
        probes = {name: _probes(named[name], plugin, held_out, library) for name, plugin in plugins.items()}
        answers = _Answers(self, products.models[self.model].model, tools).to(probes)
        folder = tools.run / "evaluate" / self.model
        context = StepContext(self.seed, folder, tools.progress, tools.note)
        measures: dict[str, JsonValue] = {}
        for name, plugin in plugins.items():
            found = asyncio.run(_measured(named[name], plugin, answers[name], held_out, library, context))
            measures[name] = [to_json(measure) for measure in found]
        distinct = {(answer.probe, answer.variant): answer for group in answers.values() for answer in group}
        value: dict[str, JsonValue] = {
            "measures": measures,
            "answers": [to_json(answer) for answer in distinct.values()],
        }
        tools.store.keep("results", key, value)
        return self._add(products, value)

    def count(self, products: Products, store: Store) -> Count | None:
        """Not made of items that can be counted before the model is there."""
        return None

    def _add(self, products: Products, value: Mapping[str, Any]) -> Products:
        measures = {name: [from_json(Measure, item) for item in group] for name, group in value["measures"].items()}
        comparisons = {name: compare(group, self.seed) for name, group in measures.items()}
        answers = tuple(from_json(Answer, item) for item in value["answers"])
        every = tuple(measure for group in measures.values() for measure in group)
        evaluated = Evaluated(self.model, comparisons, answers, every)
        return replace(products, evaluations={**products.evaluations, self.model: evaluated})


@dataclass(frozen=True)
class _Answers:
    """Puts probes to a model through the runtime, the cache first."""

    step: Evaluate
    model: ModelRef
    tools: Tools

    def to(self, probes: Mapping[str, Sequence[Probe]]) -> dict[str, list[Answer]]:
        """Every evaluator's answers, base and tuned."""
        wanted = {self._key(probe, variant): (probe, variant) for probe, variant in _both(probes)}
        store, anew = self.tools.store, self.tools.anew
        known: dict[str, Any] = {key: None if anew else store.recall("cache", key) for key in wanted}
        missing = sum(value is None for value in known.values())
        self.tools.progress(len(known) - missing, len(known))
        if missing:
            self._ask(wanted, known)
        return {
            name: [
                Answer(probe.id, variant, **known[self._key(probe, variant)]) for probe in group for variant in VARIANTS
            ]
            for name, group in probes.items()
        }

    def _ask(self, wanted: Mapping[str, tuple[Probe, Variant]], known: dict[str, Any]) -> None:
        options = self.step.runtime.options.model_dump(mode="json")
        runtime = self.step.runtime
        session = open_session(
            runtime.uses, options, self.model, self._job_folder(), runtime.python, runtime.entry.facts
        )
        try:
            for variant in VARIANTS:
                for group in _groups({key: probe for key, (probe, side) in wanted.items() if side == variant}):
                    if any(known[key] is None for key in group):
                        self._ask_group(session, variant, group, known)
        finally:
            session.close()
        unanswered = sum(value is None for value in known.values())
        if unanswered:
            raise mistake(self.step.runtime.entry.full_name, f"left {unanswered} of {len(known)} probes unanswered")

    def _ask_group(
        self, session: Session, variant: Variant, probes: Mapping[str, Probe], known: dict[str, Any]
    ) -> None:
        """Answers are kept as they come; the key stands in for the probe's id, which is unique per evaluator only."""
        renamed = [Probe(key, probe.messages) for key, probe in probes.items()]
        for answer in session.answer(renamed, variant):
            if answer.probe not in probes:
                raise mistake(self.step.runtime.entry.full_name, f"answered {answer.probe!r}, which nobody asked")
            if known[answer.probe] is None:
                known[answer.probe] = {"text": answer.text, "ended": answer.ended}
                self.tools.store.keep("cache", answer.probe, known[answer.probe])
                self.tools.progress(sum(value is not None for value in known.values()), len(known))

    def _key(self, probe: Probe, variant: Variant) -> str:
        adapter = self.step_key if variant == "tuned" else None
        identity = [_identity(self.step.runtime), self.model.digest, adapter, self.template, to_json(probe.messages)]
        return fingerprint(["answer", RECORDS_VERSION, *identity])

    @cached_property
    def template(self) -> str:
        """The SHA-256 of the chat template beside the adapter: the base is asked with it, too."""
        assert self.model.adapter is not None
        return hashlib.sha256((self.model.adapter / TEMPLATE).read_bytes()).hexdigest()

    @property
    def step_key(self) -> str:
        """The model's folder is its key."""
        assert self.model.adapter is not None
        return self.model.adapter.parent.name

    def _job_folder(self) -> Path:
        return self.tools.run / "jobs" / f"evaluate-{self.step.model}"


def _library(products: Products) -> SymbolTable:
    """What the sources hold; nothing where a dataset version was taken and no sources were read."""
    return link(()) if products.library is None else products.library


def _probes(name: str, evaluator: Evaluator, held_out: Sequence[Made], library: Library) -> tuple[Probe, ...]:
    """An evaluator's probes, each with an id of its own."""
    with guarded(name, "while it made its probes"):
        probes = tuple(records(Probe, name, "probes", evaluator.probes(held_out, library)))
    ids = Counter(probe.id for probe in probes)
    double = [probe for probe, count in ids.items() if count > 1]
    if double:
        raise mistake(name, f"gave {ids[double[0]]} probes the one id {double[0]!r}")
    return probes


async def _measured(
    name: str,
    evaluator: Evaluator,
    answers: Sequence[Answer],
    held_out: Sequence[Made],
    library: Library,
    context: Context,
) -> list[Measure]:
    """An evaluator's measures, each of an answer that it was given."""
    with guarded(name, "while it measured the answers"):
        given = await awaited(name, "measure", evaluator.measure(answers, held_out, library, context))
        measures = records(Measure, name, "measure", given)
    known = {(answer.probe, answer.variant) for answer in answers}
    for measure in measures:
        if (measure.probe, measure.variant) not in known:
            raise mistake(name, f"measured {measure.probe!r} ({measure.variant}), which is none of its probes")
    return measures


def _both(probes: Mapping[str, Sequence[Probe]]) -> list[tuple[Probe, Variant]]:
    return [(probe, variant) for group in probes.values() for probe in group for variant in VARIANTS]


def _groups(probes: Mapping[str, Probe]) -> list[dict[str, Probe]]:
    """Groups of similar length that depend on nothing but the probes.

    What stands beside a probe in a batch can change its answer: sums of floating-point numbers depend on the batch's
    shape. One that an interruption left unanswered is therefore asked with its whole group again.
    """
    length = {key: sum(len(message.content) for message in probe.messages) for key, probe in probes.items()}
    order = sorted(probes, key=lambda key: (length[key], key))
    return [
        {key: probes[key] for key in order[first : first + ASKED_TOGETHER]}
        for first in range(0, len(order), ASKED_TOGETHER)
    ]


def _identity(step: StepConfig) -> JsonValue:
    return plugin_identity(step.entry.registration, step.options)
