"""Step "generate:<plugin>": the tasks that a generator declares, each done once, cached, and checked for grounding."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from textwrap import shorten
from typing import Any

from docutune.config import StepConfig
from docutune.contracts import Context, Generator, Library
from docutune.errors import Cancelled
from docutune.grounding import REVISION, complaints, is_invented, used
from docutune.guard import awaited, guarded, records
from docutune.records import (
    RECORDS_VERSION,
    JsonValue,
    Made,
    Origin,
    Sample,
    Task,
    fingerprint,
    from_json,
    to_json,
)
from docutune.registry import Registry
from docutune.steps.base import Count, Items, Products, Rejection, StepContext, Tools, plugin_identity
from docutune.symbols import SymbolTable
from docutune.workspace import Store

CONCURRENT_TASKS = 16


@dataclass(frozen=True)
class Declared:
    """A task with its key."""

    key: str
    task: Task


@dataclass(frozen=True)
class Generate:
    """Runs one generator over the library."""

    config: StepConfig
    registry: Registry
    seed: int

    @property
    def name(self) -> str:
        """The step's name."""
        return f"generate:{self.config.name}"

    @property
    def plugin(self) -> str:
        """The generator's name."""
        return self.config.uses

    @cached_property
    def generator(self) -> Generator:
        """The plugin's object, made when first needed."""
        made: Generator = self.registry.create(self.config.entry, self.config.options)
        return made

    def declared(self, library: SymbolTable) -> Sequence[Declared]:
        """The generator's tasks for this library, each key once; computed once per library."""
        if self._declared.get("library") is not library:
            identity = plugin_identity(self.config.entry.registration, self.config.options.model_dump(mode="json"))
            tasks = {self._task_key(identity, task): task for task in self._tasks(library)}
            declared = [Declared(key, task) for key, task in tasks.items()]
            self._declared.update(library=library, tasks=declared, items=Items(partial(_grounded, library)))
        tasks_: Sequence[Declared] = self._declared["tasks"]
        return tasks_

    @cached_property
    def _declared(self) -> dict[str, Any]:
        return {}

    def _items(self, library: SymbolTable) -> Items:
        """The kept results that still hold for this library."""
        self.declared(library)
        items: Items = self._declared["items"]
        return items

    def _tasks(self, library: SymbolTable) -> Sequence[Task]:
        plugin = self.config.entry.full_name
        with guarded(plugin, "while it declared its tasks"):
            return records(Task, plugin, "tasks", self.generator.tasks(library))

    def _task_key(self, identity: Mapping[str, JsonValue], task: Task) -> str:
        versions: JsonValue = [RECORDS_VERSION, REVISION]
        return fingerprint(["generate", versions, dict(identity), self.seed, to_json(task.payload)])

    def key(self, products: Products) -> str | None:
        """The keys of all tasks: spans count for nothing."""
        if products.library is None:
            return None
        return fingerprint(["generate", sorted(item.key for item in self.declared(products.library))])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """Only if every task was done before and its samples are still grounded in the library."""
        assert products.library is not None
        results: list[Any] = []
        for item in self.declared(products.library):
            value = self._items(products.library).get(store, item.key)
            if value is None:
                return None
            results.append(value)
        return self._add(products, results)

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Do the tasks that are not cached."""
        library = products.library
        assert library is not None
        folder = tools.run / "generate" / self.config.name
        context = StepContext(self.seed, folder, tools.progress)
        results = asyncio.run(self._run_all(self.declared(library), library, context, tools))
        return self._add(products, results)

    def count(self, products: Products, store: Store) -> Count | None:
        """Tasks, and how many were done before."""
        if products.library is None:
            return None
        declared = self.declared(products.library)
        items = self._items(products.library)
        return Count(len(declared), sum(items.get(store, item.key) is not None for item in declared))

    async def _run_all(
        self, declared: Sequence[Declared], library: SymbolTable, context: Context, tools: Tools
    ) -> list[Any]:
        """Tasks are started as others end; each result is kept at once, so that nothing finished is lost."""
        items = self._items(library)
        results: list[Any] = [None if tools.anew else items.get(tools.store, item.key) for item in declared]
        waiting = iter([index for index, value in enumerate(results) if value is None])
        report = _Reporter(tools.progress, sum(value is not None for value in results), len(results))

        async def work(keep: Callable[[str, JsonValue], None]) -> None:
            for index in waiting:
                results[index] = await self._run(declared[index], library, context)
                keep(declared[index].key, results[index])
                report.one_more()

        try:
            with tools.store.keeping("cache") as keep:
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(CONCURRENT_TASKS, len(results))):
                        group.create_task(work(keep))
        except ExceptionGroup as failures:
            first = failures.exceptions[0]  # it stopped the others
            raise first from first.__cause__
        return results

    async def _run(self, item: Declared, library: Library, context: Context) -> JsonValue:
        """One task; samples that name what does not exist are asked for once more, then rejected."""
        samples = await self._ask(item, context, None)
        names = _names(samples)
        wrong = _ungrounded(samples, library)
        if wrong:
            samples = await self._ask(item, context, "; ".join(wrong.values()))
            names |= _names(samples)
            wrong = _ungrounded(samples, library)
        kept = [to_json(sample) for sample in samples if sample.id not in wrong]
        rejected: list[JsonValue] = [[subject, reason] for subject, reason in wrong.items()]
        invented: dict[str, JsonValue] = {name: is_invented(name, library) for name in sorted(names)}
        return {"samples": kept, "rejected": rejected, "invented": invented}

    async def _ask(self, item: Declared, context: Context, complaint: str | None) -> Sequence[Sample]:
        plugin = self.config.entry.full_name
        place = ", ".join(map(str, item.task.spans)) or f"the task {item.task.payload}"
        try:
            with guarded(plugin, f"at {shorten(place, 200, placeholder=' ...')}"):
                given = await awaited(plugin, "run", self.generator.run(item.task, context, complaint))
                return records(Sample, plugin, "run", given)
        except KeyboardInterrupt:
            raise Cancelled from None  # inside a task an interrupt would be reported a second time

    def _add(self, products: Products, results: Sequence[Any]) -> Products:
        assert products.library is not None
        producer = f"{self.plugin}@{self.config.entry.registration.revision}"
        made: list[Made] = []
        rejected: list[Rejection] = []
        for item, value in zip(self.declared(products.library), results, strict=True):
            origin = Origin(item.task.spans, item.key, producer)
            made.extend(Made(from_json(Sample, sample), origin) for sample in value["samples"])
            rejected.extend(Rejection(subject, self.plugin, reason) for subject, reason in value["rejected"])
        samples = (*(products.samples or ()), *made)
        return replace(products, samples=samples, rejected=(*products.rejected, *rejected))


@dataclass
class _Reporter:
    progress: Callable[..., None]
    done: int
    total: int

    def __post_init__(self) -> None:
        self.progress(self.done, self.total)

    def one_more(self) -> None:
        self.done += 1
        self.progress(self.done, self.total)


def _grounded(library: Library, value: Any) -> bool:
    """Whether the library still has, and still lacks, every name that decided a kept result."""
    return all(is_invented(name, library) == before for name, before in value["invented"].items())


def _names(samples: Sequence[Sample]) -> set[str]:
    return {name for sample in samples for name in used(sample)}


def _ungrounded(samples: Sequence[Sample], library: Library) -> dict[str, str]:
    """Sample id -> what is wrong with it."""
    found = ((sample.id, complaints(sample, library)) for sample in samples)
    return {name: "; ".join(wrong) for name, wrong in found if wrong}
