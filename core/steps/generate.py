"""Step "generate:<plugin>": the tasks that a generator declares, each done once, cached, and checked for grounding."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from docutune.chat.access import ChatAccess
from docutune.config import StepConfig
from docutune.contracts import Chat, Generator
from docutune.grounding import REVISION
from docutune.guard import guarded, records
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
from docutune.sensitive import cleaned_sample
from docutune.steps.asking import Asking
from docutune.steps.base import Count, Items, Products, Rejection, StepContext, Tools, plugin_identity
from docutune.steps.task import Attempts, Declared, still_holds
from docutune.symbols import SymbolTable
from docutune.workspace import Store

CONCURRENT_TASKS = 16
_BETWEEN_REPORTS = 0.1
TASKS_PER_SLOT = 2
"""Tasks of a chat model's generator for each request at a time: while one is checked or waits, another one asks."""


@dataclass(frozen=True)
class Generate:
    """Runs one generator over the library; `runtime` opens a chat model of this machine."""

    config: StepConfig
    registry: Registry
    seed: int
    runtime: StepConfig | None = None

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

    @property
    def asking(self) -> Asking:
        """How its chat model is asked."""
        return Asking(self.config, self.runtime)

    def declared(self, products: Products) -> Sequence[Declared]:
        """The generator's tasks for the library, each key once; computed once per library.

        Empty while there is no library, or the model of this machine that it asks has yet to be had.
        """
        library, options = products.library, self.asking.options(products)
        if library is None or options is None:
            return ()
        if self._declared.get("library") is not library:
            identity = plugin_identity(self.config.entry.registration, options)
            tasks = {self._task_key(identity, task): task for task in self._tasks(library)}
            declared = [Declared(key, task) for key, task in tasks.items()]
            self._declared.update(library=library, tasks=declared, items=Items(partial(still_holds, library)))
        tasks_: Sequence[Declared] = self._declared["tasks"]
        return tasks_

    @cached_property
    def _declared(self) -> dict[str, Any]:
        return {}

    def _items(self, products: Products) -> Items:
        """The kept results that still hold for this library."""
        self.declared(products)
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
        if products.library is None or self.asking.options(products) is None:
            return None
        return fingerprint(["generate", sorted(item.key for item in self.declared(products))])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """Only if every task was done before and its samples are still grounded in the library."""
        results: list[Any] = []
        items = self._items(products)
        for item in self.declared(products):
            value = items.get(store, item.key)
            if value is None:
                return None
            results.append(value)
        return self._add(products, results)

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Do the tasks that are not cached."""
        results = asyncio.run(self._make(products, tools))
        return self._add(products, results)

    async def _make(self, products: Products, tools: Tools) -> list[Any]:
        """A chat model is lent only to a plugin whose options name one."""
        async with self.asking.chat(products, tools, f"generate-{self.config.name}") as chat:
            return await self._run_all(products, tools, chat)

    def count(self, products: Products, store: Store) -> Count | None:
        """Tasks, and how many were done before."""
        if products.library is None or self.asking.options(products) is None:
            return None
        declared, items = self.declared(products), self._items(products)
        return Count(len(declared), sum(items.get(store, item.key) is not None for item in declared))

    async def rehearse(self, products: Products, tools: Tools, chat: Chat) -> None:
        """Do the tasks that are not cached with a chat model that sends nothing, and keep nothing."""
        library = products.library
        assert library is not None
        context = StepContext(self.seed, tools.run, tools.progress, tools.note, chat)
        attempts = Attempts(self.generator, self.config.entry.full_name, library)
        for item in self.declared(products):
            kept = None if tools.anew else self._items(products).get(tools.store, item.key)
            if kept is None:
                await attempts.do(item, context, None)
            else:
                tools.budget.use_all(_replies([kept]))

    async def _run_all(self, products: Products, tools: Tools, chat: ChatAccess | None) -> list[Any]:
        """Tasks are started as others end; each result is kept at once, so that nothing finished is lost."""
        library = products.library
        assert library is not None
        declared, items = self.declared(products), self._items(products)
        results: list[Any] = [None if tools.anew else items.get(tools.store, item.key) for item in declared]
        tools.budget.use_all(_replies(value for value in results if value is not None))
        waiting = iter([index for index, value in enumerate(results) if value is None])
        report = _Reporter(tools.progress, sum(value is not None for value in results), len(results))
        context = StepContext(self.seed, tools.run / "generate" / self.config.name, tools.progress, tools.note)
        attempts = Attempts(self.generator, self.config.entry.full_name, library)

        async def work(keep: Callable[[str, JsonValue], None]) -> None:
            for index in waiting:
                item = declared[index]
                lent = None if chat is None else chat.lend(item.task.spans)
                done = await attempts.do(item, replace(context, lent=lent), lent)
                results[index] = done.value
                if done.lasting:
                    keep(item.key, done.value)
                report.one_more()

        workers = CONCURRENT_TASKS if chat is None else TASKS_PER_SLOT * chat.options.concurrency
        try:
            with tools.store.keeping("cache") as keep:  # in threads: a generator that never awaits holds nothing up
                async with asyncio.TaskGroup() as group:
                    for _ in range(min(workers, len(results))):
                        group.create_task(work(keep))
        except ExceptionGroup as failures:
            first = failures.exceptions[0]  # it stopped the others
            raise first from first.__cause__
        return results

    def _add(self, products: Products, results: Sequence[Any]) -> Products:
        producer = f"{self.plugin}@{self.config.entry.registration.revision}"
        model = self.asking.model
        made: list[Made] = []
        rejected: list[Rejection] = []
        for item, value in zip(self.declared(products), results, strict=True):
            origin = Origin(item.task.spans, item.key, producer, model)
            made.extend(Made(from_json(Sample, sample), origin) for sample in value["samples"])
            spans = item.task.spans
            rejected.extend(
                Rejection(subject, self.plugin, reason, spans, _shown(sample))
                for subject, reason, sample in value["rejected"]
            )
        return replace(
            products,
            samples=(*(products.samples or ()), *made),
            rejected=(*products.rejected, *rejected),
            replies=products.replies | frozenset(_replies(results)),
            unanswered=products.unanswered + sum(value.get("unanswered", 0) for value in results),
            withheld=(*products.withheld, *self._withheld(products, results)),
            repaired=(*products.repaired, *(value["repaired"] for value in results if "repaired" in value)),
        )

    def _withheld(self, products: Products, results: Sequence[Any]) -> Iterator[str]:
        """Where each task comes from that was not sent."""
        for item, value in zip(self.declared(products), results, strict=True):
            if "withheld" in value:
                yield ", ".join(map(str, item.task.spans))


@dataclass
class _Reporter:
    progress: Callable[..., None]
    done: int
    total: int
    told: float = 0.0

    def __post_init__(self) -> None:
        self.progress(self.done, self.total)

    def one_more(self) -> None:
        """One task is done; told at once where tasks take long, else as often as somebody can see."""
        self.done += 1
        if self.done == self.total or time.monotonic() - self.told >= _BETWEEN_REPORTS:
            self.told = time.monotonic()
            self.progress(self.done, self.total)


def _shown(sample: Any) -> Sample | None:
    """A sample that was left out, as it is kept for people to read: nothing secret is spread there."""
    return None if sample is None else cleaned_sample(from_json(Sample, sample))


def _replies(values: Iterable[Any]) -> list[str]:
    """The keys of the replies behind kept results; those of generators that ask no chat model have none."""
    return [key for value in values for key in value.get("replies", ())]
