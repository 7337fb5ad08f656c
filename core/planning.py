"""What a run would do, asked of the same steps that a run walks: reused, made, and how the sources have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from docutune.changes import Changes, LastRun
from docutune.chat.foresight import Estimate, Limit, limits
from docutune.discovery import guarded_stdout
from docutune.doctor import gpu_memory
from docutune.failing import of_one_model
from docutune.hubs import Hubs
from docutune.memory import Shape, estimate
from docutune.pipeline import Pipeline, Window
from docutune.steps.base import Count, Products, Progress, Step, Tools
from docutune.steps.curate import Curate
from docutune.steps.foresee import estimated
from docutune.steps.generate import Generate
from docutune.steps.parse import Parse
from docutune.steps.train import PrepareBase, Train
from docutune.steps.unfinished import step_reached
from docutune.version_names import Chosen


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run would do with one step. "waits": that depends on what an earlier step makes.

    `stale` counts the tasks of the last run that no step of this plugin declares any more: their samples go.
    `continues`: the step of the checkpoint from which an interrupted training goes on. `memory`: bytes that a training
    takes on each device at most, with rows of max_length, as far as its base on this disk and its options tell.
    `asks`: the chat model of a step; `server`: where that is asked, None where nothing leaves this machine;
    `estimate`: what is asked of it.
    """

    name: str
    plugin: str
    action: Literal["reuse", "make", "waits"]
    count: Count | None
    stale: int
    continues: int | None = None
    memory: int | None = None
    asks: str | None = None
    server: str | None = None
    estimate: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: the documents against those of the last run, and every step; `notes` on the file.

    `dataset` is the version that the file names, where it names one; `budget` each limit on what chat models may cost.
    """

    documents: Changes
    steps: tuple[Planned, ...]
    notes: tuple[str, ...] = ()
    dataset: Chosen | None = None
    budget: tuple[Limit, ...] = ()


@guarded_stdout()
def plan(pipeline: Pipeline, window: Window, progress: Progress) -> Plan:
    """What a run would do. Parsing is done, for all else depends on it; nothing else is made."""
    steps = pipeline.steps()
    window.check(steps)
    last = LastRun.of(pipeline.store)
    budget = pipeline.budget("")
    parsed = Products()
    products: Products | None = Products()
    planned = []
    for step, anew in window.covers(steps):
        # a generator waits for no other one: it needs what was parsed, and a model to ask
        before = parsed if products is None and isinstance(step, Generate) else products
        entry, after = _ask(step, anew, before, pipeline, progress)
        products = after if products is not None else None
        if isinstance(step, Train) and entry.action != "reuse":
            entry = replace(entry, memory=_memory(step, pipeline, products))
        if isinstance(step, (Generate, Curate)):
            tools = Tools(pipeline.store, pipeline.registry, pipeline.store.folder, _unseen, _unsaid, budget, anew)
            estimate = _estimated(step, entry, before, after, tools)
            entry = replace(entry, asks=step.asking.model, server=step.asking.server, estimate=estimate)
        planned.append(entry)
        if isinstance(step, (Parse, PrepareBase)) and products is not None:
            parsed = products
    stale = _stale(steps, parsed, last)
    counted = tuple(replace(entry, stale=stale.get(entry.name, 0)) for entry in planned)
    changes = last.changes(parsed.documents) if pipeline.config.sources else Changes(None, (), (), (), 0)
    estimates = [entry.estimate for entry in counted if entry.estimate is not None]
    return Plan(changes, counted, pipeline.config.notes, pipeline.config.dataset, limits(budget, estimates))


def _ask(
    step: Step, anew: bool, products: Products | None, pipeline: Pipeline, progress: Progress
) -> tuple[Planned, Products | None]:
    """What one step would do, and the products after it: None when something has yet to be made that all depends on."""
    key = step.key(products) if products is not None else None
    if products is None or key is None:
        return Planned(step.name, step.plugin, "waits", None, 0), products if of_one_model(step) else None
    store = pipeline.store
    count = step.count(products, store)
    after = None if anew else step.recall(key, products, store)
    continues = step_reached(store, key) if after is None and isinstance(step, Train) else None
    entry = Planned(step.name, step.plugin, "reuse" if after else "make", count, 0, continues)
    if after is None and isinstance(step, Parse):
        tools = Tools(store, pipeline.registry, store.folder, progress, _unsaid, pipeline.budget(""))
        after = step.make(key, products, tools)
    return entry, after or (products if of_one_model(step) else None)


def _estimated(
    step: Generate | Curate, entry: Planned, before: Products | None, after: Products | None, tools: Tools
) -> Estimate | None:
    """What the step would ask a chat model for; the replies of one that is used again count as spent."""
    if entry.action != "reuse":
        return estimated(step, before, tools)
    if before is not None and after is not None:
        tools.budget.use_all(after.replies - before.replies)
    return None


def _memory(step: Train, pipeline: Pipeline, products: Products | None) -> int | None:
    """The peak with rows of max_length, on a GPU where there is one; None for a base that is not here or not known."""
    options = step.options
    base = products.bases.get(options.model) if products else None
    folder = base.model.folder if base else Hubs(pipeline.registry).on_disk(options.model, pipeline.config.path.parent)
    shape = Shape.read(folder) if folder else None
    if shape is None:
        return None
    devices = options.devices if isinstance(options.devices, int) else 1
    micro = options.micro_batch_size or max(1, options.batch_size // devices)
    on_gpu = gpu_memory() is not None
    return estimate(shape, options, micro, options.max_length, options.gradient_checkpointing, on_gpu).total


def _unseen(done: int, total: int | None = None, **figures: float) -> None:
    """What is only tried shows no progress."""


def _unsaid(text: str) -> None:
    """A plan says what a run would do, and nothing else."""


def _stale(steps: Sequence[Step], products: Products, last: LastRun) -> Mapping[str, int]:
    """Step -> tasks of its plugin in the last run that are declared no more; of two steps with one plugin the first.

    Nothing is known of a step whose model has yet to be had.
    """
    if products.library is None:
        return {}
    declared: dict[str, set[str]] = defaultdict(set)
    first: dict[str, str] = {}
    for step in steps:
        if isinstance(step, Generate) and step.asking.options(products) is not None:
            declared[step.plugin] |= {item.key for item in step.declared(products)}
            first.setdefault(step.plugin, step.name)
    tasks = last.tasks()
    return {name: len(tasks.get(plugin, set()) - declared[plugin]) for plugin, name in first.items()}
