"""Runs a pipeline from its file to its report, and keeps the books: manifest, catalog, summary."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutune import atomic
from docutune.activity import continues, goes_on
from docutune.catalog import Catalog
from docutune.config import PipelineConfig
from docutune.config.models import SECTIONS
from docutune.errors import Cancelled, DocutuneError, UsageError
from docutune.interrupts import finishing
from docutune.jobs.detached import TERMINAL
from docutune.pipeline import NOT_MADE, Pipeline, Window
from docutune.planning import plan
from docutune.registry import Registry
from docutune.results import summary, training_facts
from docutune.runlog import Listener, RunLog, run_info
from docutune.steps.base import Products
from docutune.steps.take import facts_of
from docutune.workspace import Store, read_manifest, write_manifest

if TYPE_CHECKING:
    from docutune.api import RunRequest
    from docutune.rated import Rating


def execute(
    config: PipelineConfig, request: RunRequest, registry: Registry, store: Store, listener: Listener
) -> dict[str, Any]:
    """One run; whatever ends it, its manifest and the catalog say how. Returns the summary.

    Where single models failed, the outcome is "failed", and the summary and the report have them beside the others.
    """
    pipeline = Pipeline(config, registry, store)
    window = Window(request.until, request.remake, request.only_evaluate)
    window.check(pipeline.steps())
    log = _begin(config, request, registry, store, listener)
    try:
        for note in config.notes:
            log.note(note)
        products = pipeline.run(window, log)
        outcome = "failed" if products.failures else "finished"
        log.facts["trainings"] = training_facts(products, config, log)
        log.mark(outcome)
        write_report(products, config, log, store)
        log.close(outcome)
    except (KeyboardInterrupt, Cancelled):
        _give_up(log, "interrupted")
        raise _stopped(store, log) from None
    except BaseException:
        _give_up(log, "failed")
        raise
    return summary(products, log)


def _stopped(store: Store, log: RunLog) -> Cancelled:
    """What is kept of a run that was stopped, and where the next one goes on."""
    if found := continues(store, log.manifest()):
        return Cancelled("stopped: the training is saved", goes_on(found))
    return Cancelled("stopped", "finished steps are kept: the same command goes on from there")


def _give_up(log: RunLog, outcome: str) -> None:
    """Say how the run ended, if the disk takes it: what stopped the run is told, not that the books lack a line."""
    with finishing("writing down how the run ended"), contextlib.suppress(DocutuneError):
        log.close(outcome)


def _begin(config: PipelineConfig, request: RunRequest, registry: Registry, store: Store, listener: Listener) -> RunLog:
    """The run's folder appears with the pipeline file and the first manifest in it."""
    run = store.next_run()
    log = RunLog(run_info(run, config.project), registry, listener, Catalog(store).record)
    log.facts["pipeline"] = _pipeline_facts(config, request)
    if config.dataset is not None:
        log.facts["takes"] = facts_of(config.dataset)
    for runtime in config.runtime:
        log.facts["runtime"] = {"uses": runtime.uses, "options": runtime.options.model_dump(mode="json")}
        if runtime.python is not None:
            log.facts["runtime"]["python"] = str(runtime.python)
    prompts = _prompts(config)
    if prompts:
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in prompts.items()}
        log.facts["prompts"] = digests
    with store.beginning(run) as folder:
        atomic.write_bytes(folder / "pipeline.yaml", config.path.read_bytes())
        for name, text in prompts.items():
            atomic.write_text(folder / "prompts" / f"{name}.md", text)
        if request.terminal is not None:
            with atomic.writing(folder):
                request.terminal.rename(folder / TERMINAL)
        write_manifest(folder, log.manifest())
        log.record(log.manifest())  # first, for a row without a folder is not shown, a folder without a row is lost
    if prompts:
        _note_prompts(prompts, store, log)
    return log


def _note_prompts(prompts: Mapping[str, str], store: Store, log: RunLog) -> None:
    """Texts that the notebook does not know go into it. The run has them in its folder, too: it goes on without."""
    from docutune.notebook import Notebook, wordings

    try:
        Notebook(store).add_wordings(wordings(prompts, "run"), unknown_only=True)
    except DocutuneError as error:
        log.note(f"the prompts of this run are not in the notebook: {error.message}")


def _prompts(config: PipelineConfig) -> dict[str, str]:
    """Every prompt that a step of this run may use: "langchain/en/how-to" -> text."""
    steps = (step for section in SECTIONS for step in getattr(config, section) if step.entry.registration.prompts)
    return {f"{step.uses}/{name}": text for step in steps for name, text in sorted(step.options.prompts.items())}


def check_trained(config: PipelineConfig, request: RunRequest, registry: Registry, store: Store) -> None:
    """UsageError when a model to be measured was never trained: before anything is made for it.

    Where documents or generators changed, only the run itself finds out whether the models still fit.
    """
    if not config.train:
        raise UsageError(f"{config.path}: trains no model, so there is none to measure", "name one under train:")
    known = _trained_names(store)
    for step in config.train:
        if step.name not in known:
            raise UsageError(f"train:{step.name}: not made yet in this workspace", "run it first: docutune run")
    window = Window(request.until, request.remake, only_evaluate=True)
    for planned in plan(Pipeline(config, registry, store), window, _unseen).steps:
        if planned.action == "make" and planned.name.startswith(("base:", "train:")):
            raise UsageError(f"{planned.name}: not made yet with this pipeline file", NOT_MADE)


def _unseen(done: int, total: int | None = None, **figures: float) -> None:
    """Parsing before a check shows nothing."""


def _trained_names(store: Store) -> set[str]:
    names = set()
    for run in store.runs():
        try:
            names |= {model["name"] for model in read_manifest(run).get("models", ())}
        except DocutuneError:
            continue  # a run that left no manifest trained nothing
    return names


def write_report(products: Products, config: PipelineConfig, log: RunLog, store: Store) -> None:
    """Write report.html, report.md and, last, report.json into the run's folder: a run with that one has them all."""
    from docutune.report.report import to_html, to_json_text, to_markdown
    from docutune.reporting import build_report

    report = build_report(products, config, log, _judged(store, log) if products.evaluations else ())
    folder = log.info.folder
    atomic.write_text(folder / "report.html", to_html(report))
    atomic.write_text(folder / "report.md", to_markdown(report))
    atomic.write_text(folder / "report.json", to_json_text(report))


def _judged(store: Store, log: RunLog) -> Sequence[Rating]:
    """What people said of answers so far; a notebook that cannot be read costs no report."""
    from docutune.ratings import Ratings

    try:
        return Ratings(store).all()
    except DocutuneError as error:
        log.note(f"the report has no ratings of people: {error.message}")
        return ()


def _pipeline_facts(config: PipelineConfig, request: RunRequest) -> dict[str, Any]:
    return {
        "file": Path(config.path).name,
        "overrides": list(request.overrides),
        "trainer": request.trainer,
        "until": request.until,
        "from": request.remake,
    }
