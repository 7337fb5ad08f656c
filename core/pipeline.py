"""The steps of a pipeline file, and the walk that lets each recall or make its result."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from docutune import atomic
from docutune.chat.budget import Budget
from docutune.chat.journal import AREA as REPLIES
from docutune.chat.options import ChatConfig, Prices
from docutune.config import PipelineConfig
from docutune.corpus import ROWS, Dataset, row_lines
from docutune.discovery import guarded_stdout
from docutune.errors import Cancelled, DocutuneError, UsageError
from docutune.failing import failed, failure_facts, lacking, outlived
from docutune.hubs import Hubs
from docutune.reasons import counted, not_sent
from docutune.records import JsonValue, Outcome, StepInfo
from docutune.registry import Registry
from docutune.results import figure_facts, model_facts
from docutune.runlog import RunLog
from docutune.steps.asking import asked_bases
from docutune.steps.base import Count, Products, Step, Tools, rejected_lines
from docutune.steps.curate import Assemble, Curate
from docutune.steps.evaluate import Evaluate
from docutune.steps.generate import Generate
from docutune.steps.parse import Parse
from docutune.steps.rated import LeaveOut
from docutune.steps.replay import KIND, Replay
from docutune.steps.take import Take
from docutune.steps.train import PrepareBase, Train, show_tensorboard
from docutune.suggestions import did_you_mean
from docutune.symbols import api_json
from docutune.versions import REJECTED, describe
from docutune.workspace import Store

SEED = 0
"""What generators and curators are given: `split.seed` decides what is held out, and costs no sample."""

_NAMED = 5

PHASES = ("parse", "generate", "curate", "replay", "dataset", "base", "train", "evaluate")

NOT_MADE = "run it first: docutune run (where the sources have changed since the last run, it trains again)"
"""The way out where what is to be measured does not follow from the pipeline file and its sources as they are."""


@dataclass(frozen=True)
class Window:
    """Which part of the pipeline a run covers: up to `until`, and from `remake` on everything anew.

    With `only_evaluate` no model may be made: what is measured must have been trained before.
    """

    until: str | None = None
    remake: str | None = None
    only_evaluate: bool = False

    def check(self, steps: list[Step]) -> None:
        """UsageError when a name fits no step."""
        known = [name for step in steps for name in (step.name.partition(":")[0], step.name)]
        for option, name in (("--until", self.until), ("--from", self.remake)):
            if name is not None and not any(_is(step, name) for step in steps):
                missing = "has no step of that kind here" if name in PHASES else "is not a step"
                raise UsageError(
                    f"{option} {name}: {name!r} {missing}{did_you_mean(name, known)}",
                    f"steps of this pipeline: {', '.join(step.name for step in steps)}",
                )
        first = next((place for place, step in enumerate(steps) if _is(step, self.remake)), 0)
        if not any(_is(step, self.until) for step in steps[first:]) and self.until is not None:
            raise UsageError(
                f"--from {self.remake} --until {self.until}: {self.remake} comes after {self.until}",
                f"the order of the steps: {', '.join(step.name for step in steps)}",
            )

    def covers(self, steps: list[Step]) -> Iterator[tuple[Step, bool]]:
        """The steps to walk, each with whether it must be made anew."""
        anew = False
        last = max((i for i, step in enumerate(steps) if _is(step, self.until)), default=len(steps) - 1)
        for step in steps[: last + 1]:
            anew = anew or _is(step, self.remake)
            yield step, anew


def _is(step: Step, name: str | None) -> bool:
    return name is not None and name in (step.name, step.name.partition(":")[0])


@dataclass(frozen=True)
class Pipeline:
    """The steps that one pipeline file describes."""

    config: PipelineConfig
    registry: Registry
    store: Store

    def steps(self) -> list[Step]:
        """All steps in order."""
        config, seed = self.config, self.config.split.seed
        project = config.path.parent
        trains = [Train(step, config.project) for step in config.train]
        bases: dict[str, Path | None] = {}
        for train in trains:
            if train.options.model not in self._chat_bases():
                bases.setdefault(train.options.model, train.config.python)
        evaluate = config.evaluate if self._holds_out() else ()
        trained = config.train if evaluate else ()
        return [
            *self._to_dataset(),
            *(PrepareBase(model, project, Hubs(self.registry), python) for model, python in bases.items()),
            *trains,
            *(Evaluate(step.name, evaluate, config.runtime[0], self.registry, seed) for step in trained),
        ]

    def _to_dataset(self) -> list[Step]:
        """The steps up to the dataset: what makes it, or, where the file names a version, what takes that."""
        config = self.config
        parse = [Parse(config, config.path.parent)] if config.sources else []
        if config.dataset is not None:
            return [*parse, Take(config.dataset)]
        runtime = next(iter(config.runtime), None)
        return [
            *parse,
            *(PrepareBase(model, config.path.parent, Hubs(self.registry), asked=True) for model in self._chat_bases()),
            *(Generate(step, self.registry, SEED, runtime) for step in config.generate),
            *([Replay(config.split.seed)] if any(source.replay is not None for source in config.sources) else ()),
            # first: what a person left out must not make a curator leave out another sample in its favour
            *([LeaveOut(config.ratings)] if config.ratings is not None else ()),
            *(Curate(step, self.registry, SEED, runtime) for step in config.curate),
            Assemble(config.split, config.project),
        ]

    def _chat_bases(self) -> tuple[str, ...]:
        """The base models that are asked on this machine for what is trained: they come before all else is made."""
        config = self.config
        return asked_bases((*config.generate, *config.curate)) if config.dataset is None else ()

    def _holds_out(self) -> bool:
        """Whether there will be anything to ask the models."""
        config = self.config
        if config.dataset is not None:
            known = describe(self.store, config.dataset.version)
            return known is None or known.samples.get("test", 0) > 0
        given = any(source.reads == "samples" for source in config.sources)
        return bool(config.split.rephrased or config.split.unseen_symbols or given)

    def budget(self, run: str) -> Budget:
        """What the chat models of a run may cost; earlier requests without a price count at the dearest of today's.

        That models of this machine are free says nothing of what others cost, and one model's price says nothing of
        another's that has none: then nobody knows what such requests cost.
        """
        asking = (*self.config.generate, *self.config.curate)
        options = [step.options for step in asking if isinstance(step.options, ChatConfig)]
        sending = [found for found in options if not found.is_local]
        known = [Prices.of(found) for found in sending or options]
        prices = [found for found in known if found is not None]
        is_known = len(prices) == len(known) > 0
        dearest = Prices(max(p.input for p in prices), max(p.output for p in prices)) if is_known else None
        return Budget(self.config.budget, dearest, self.store, run)

    def run(self, window: Window, log: RunLog) -> Products:
        """Walk the steps, recalling what is kept and making the rest. What failed for one model is in the result."""
        steps = self.steps()
        window.check(steps)
        products, budget = Products(), self.budget(log.info.id)
        for step, anew in window.covers(steps):
            products = self._attempt(step, products, anew, window.only_evaluate, log, budget)
        return products

    def _attempt(
        self, step: Step, products: Products, anew: bool, trained: bool, log: RunLog, budget: Budget
    ) -> Products:
        """Walk one step, or pass over it where one that it needs has failed."""
        if cause := lacking(step, products):
            info = StepInfo(step.name, step.plugin, "")
            log.begin(info, None)
            log.end(info, Outcome("skipped", 0.0))
            return replace(products, failures={**products.failures, step.name: cause})
        try:
            return self._walk(step, products, anew, trained, log, budget)
        except DocutuneError as error:
            if not outlived(step, error):
                raise
            if len(self.config.train) > 1:  # else it is told at once, at the end
                log.note(f"{step.name}: {error.message}; the run goes on with what does not need it")
            return replace(products, failures={**products.failures, step.name: failed(step.name, error)})

    @guarded_stdout()
    def _walk(self, step: Step, products: Products, anew: bool, trained: bool, log: RunLog, budget: Budget) -> Products:
        info, count = self._asked(step, products, log)
        key = info.key
        log.begin(info, count)
        start = time.monotonic()

        def progress(done: int, total: int | None = None, **figures: float) -> None:
            log.progress(info, done, total, figures)

        tools = Tools(self.store, self.registry, log.info.folder, progress, log.note, budget, anew)
        status: Literal["made", "reused"]
        try:
            recalled = None if anew else step.recall(key, products, self.store)
            if trained and recalled is None and isinstance(step, (PrepareBase, Train)):
                raise UsageError(f"{step.name}: not made yet with this pipeline file", NOT_MADE)
            after = recalled or step.make(key, products, tools)
            status = "reused" if recalled else "made"
            new_replies = after.replies - products.replies
            if recalled:
                budget.use_all(new_replies)
            self._write_outputs(products, after, log)
        except BaseException as error:
            with contextlib.suppress(DocutuneError):  # a disk that takes no more: what stopped the step is told
                _tell_failure(step.name, error, log)
                outcome = Outcome(_ending(error), time.monotonic() - start, budget.take_figures())
                self._end(info, outcome, log, budget)
            raise
        said = {**_figures(step, after), **_left_out(step, products, after), **_repaired(products, after)}
        figures = {**said, **budget.take_figures()}
        self._end(info, Outcome(status, time.monotonic() - start, figures), log, budget, new_replies)
        return after

    def _asked(self, step: Step, products: Products, log: RunLog) -> tuple[StepInfo, Count | None]:
        """The step with its key, and its count. One that fails as it says what there is to do has failed, too."""
        start = time.monotonic()
        try:
            key = step.key(products)
            assert key is not None, f"{step.name} has no key although all before it is made"
            return StepInfo(step.name, step.plugin, key), step.count(products, self.store)
        except BaseException as error:
            info = StepInfo(step.name, step.plugin, "")
            with contextlib.suppress(DocutuneError):
                log.begin(info, None)
                _tell_failure(step.name, error, log)
                log.end(info, Outcome(_ending(error), time.monotonic() - start))
            raise

    def _end(
        self, info: StepInfo, outcome: Outcome, log: RunLog, budget: Budget, replies: frozenset[str] = frozenset()
    ) -> None:
        if spending := budget.facts():
            log.facts["spending"] = spending
        log.used(sorted({*self.store.take_used(), *(f"{REPLIES}/{name}" for name in replies)}))
        log.end(info, outcome)

    def _write_outputs(self, before: Products, after: Products, log: RunLog) -> None:
        """Put into the run's folder what users look for there."""
        folder = log.info.folder
        if after.documents and not before.documents:
            assert after.library is not None
            atomic.write_text(folder / "api.json", json.dumps(api_json(after.library), ensure_ascii=False, indent=1))
            log.facts["documents"] = [
                {"source": document.source, "sha256": document.digest, "problems": list(document.problems)}
                for document in after.documents
            ]
            log.facts["unread"] = dict(after.unread)
            for note in _of_sources(after):
                log.note(note)
        if missing := after.unanswered - before.unanswered:
            log.note(f"{missing:,} tasks were not answered; the next run tries again (rejected.jsonl has the reasons)")
        if held_back := after.withheld[len(before.withheld) :]:
            log.note(not_sent(held_back))
        if after.rejected != before.rejected:
            atomic.write_text(folder / REJECTED, rejected_lines(after.rejected))
        if after.dataset is not None and before.dataset is None:
            atomic.write_text(folder / ROWS, row_lines(after.dataset))
            log.facts["dataset"] = after.dataset.version
        _tell_quality(before, after, self.config, folder, self.store)
        log.facts["models"] = model_facts(after, self.store)
        log.facts["figures"] = figure_facts(after)
        for name in after.models.keys() - before.models.keys():
            show_tensorboard(folder, name, self.store.model_folder(after.models[name].key))
            if left_out := after.models[name].figures.get("left_out"):
                log.note(f"train:{name}: {left_out} samples are longer than max_length and were left out")


def _tell_quality(before: Products, after: Products, config: PipelineConfig, folder: Path, store: Store) -> None:
    """Write the report on the dataset; what a plan loads need not know of it."""
    if after.dataset is None:
        return
    from docutune.steps import quality

    if before.dataset is None:
        quality.begin(after, config, folder, store)
    if before.dataset is None or len(after.bases) > len(before.bases):
        quality.with_kept(after, config, folder, store)


def _of_sources(products: Products) -> Iterator[str]:
    """What of the sources does not come in, or not as one may think."""
    unread = [f"{count} {suffix}" for suffix, count in products.unread.items() if suffix not in products.elsewhere]
    if unread:
        yield f"files that no installed parser reads: {', '.join(unread)}"
    yield from (_as_they_stand(suffix, products.unread[suffix], entry) for suffix, entry in products.elsewhere.items())
    symbols = sum(document.symbols for document in products.documents)
    if products.library is not None and symbols and not any(True for _ in products.library.public()):
        yield f"{symbols:,} symbols and none is public: the files are private, tests or scripts, or in no package"
    lost = [
        document
        for document in products.documents
        if document.problems and not (document.sections or document.symbols or document.samples)
    ]
    yield from (f"nothing comes from {document.source}: {document.problems[0]}" for document in lost[:_NAMED])
    if len(lost) > _NAMED:
        yield f"nothing comes from {len(lost) - _NAMED:,} more files: docutune status latest names them"


def _as_they_stand(suffix: str, count: int, entry: str) -> str:
    """What to write in `sources:` for files that are read from the other kind of source."""
    them = "it" if count == 1 else "the first"
    if entry.startswith("- samples:"):
        return f"{count} {suffix} not read as documents: `{entry}` reads {them} if question-answer pairs are in there"
    return f"{count} {suffix} not read as question-answer pairs: `{entry}` reads {them} as documents"


def _tell_failure(step: str, error: BaseException, log: RunLog) -> None:
    """The manifest says why a step failed."""
    if isinstance(error, DocutuneError) and not isinstance(error, Cancelled):
        facts = failure_facts(failed(step, error), log.info.folder)
        log.facts["failures"] = [*log.facts.get("failures", ()), facts]


def _ending(error: BaseException) -> Literal["cancelled", "failed"]:
    return "cancelled" if isinstance(error, (KeyboardInterrupt, Cancelled)) else "failed"


def _left_out(step: Step, before: Products, after: Products) -> dict[str, JsonValue]:
    """How much a step left out, in all and by kind of reason."""
    phase = step.name.partition(":")[0]
    rejected = after.rejected[len(before.rejected) :] if phase in PHASES[:3] else ()
    if not rejected:
        return {"rejected": 0} if phase in ("generate", "curate") else {}
    return {"rejected": len(rejected), "reasons": {**counted(item.reason for item in rejected)}}


def _repaired(before: Products, after: Products) -> dict[str, JsonValue]:
    """How many tasks a second try saved."""
    count = len(after.repaired) - len(before.repaired)
    return {"repaired": count} if count else {}


def _figures(step: Step, products: Products) -> dict[str, JsonValue]:
    """What a finished step says of itself in one line."""
    phase, _, name = step.name.partition(":")
    if phase == "parse" and products.library is not None:
        found = {
            "sections": sum(document.sections for document in products.documents),
            "symbols": sum(document.symbols for document in products.documents),
            "samples": sum(document.samples for document in products.documents),
        }
        return {
            "documents": len(products.documents),
            **{name: count for name, count in found.items() if count},
            "problems": sum(len(document.problems) for document in products.documents),
        }
    if phase in ("generate", "curate") and products.samples is not None:
        return {"samples": len(products.samples)}
    if phase == "dataset" and products.dataset is not None:
        named = {"named": step.chosen.name} if isinstance(step, Take) else {}
        return {
            "version": products.dataset.version,
            **named,
            "train": len(products.dataset.of("train")),
            "validation": len(products.dataset.of("validation")),
            "test": len(products.dataset.of("test")),
            **_replayed(products.dataset),
        }
    if phase == "replay":
        return {"samples": sum(len(item.samples) for item in products.replay)}
    if phase == "train" and name in products.models:
        return dict(products.models[name].figures)
    return {}


def _replayed(dataset: Dataset) -> dict[str, JsonValue]:
    """How many of the training samples are replayed, where any is."""
    count = sum(made.sample.kind == KIND for made in dataset.of("train"))
    return {"replay": count} if count else {}
