"""The chat model of one step: what it is to keys, and how it is opened, be it a provider's or one of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from docutune.chat.access import ChatAccess, access
from docutune.chat.local import Local
from docutune.chat.options import LOCAL, ChatConfig
from docutune.config import StepConfig
from docutune.contracts import Session
from docutune.jobs import open_session
from docutune.records import ModelRef, fingerprint
from docutune.steps.base import Products, Tools, plugin_identity

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Asking:
    """How a step's chat model is asked, if its options name one; `runtime` opens those of this machine."""

    step: StepConfig
    runtime: StepConfig | None

    def options(self, products: Products) -> BaseModel | None:
        """The step's options as they decide results: there a model of this machine is what it is, not where it lies.

        None while that model has yet to be had.
        """
        options = self.step.options
        if not isinstance(options, ChatConfig) or not options.is_local:
            return options
        base, runtime = products.bases.get(options.base), self.runtime
        if base is None or runtime is None:
            return None
        nothing = getattr(type(runtime.options), "decides_no_completion", ())
        opened = fingerprint(plugin_identity(runtime.entry.registration, runtime.options, nothing))[:_DIGITS]
        return options.model_copy(update={"model": f"{LOCAL}:{base.model.digest}:{opened}"})

    @property
    def model(self) -> str | None:
        """The model's name for people; None when none is asked."""
        return self.step.options.named if isinstance(self.step.options, ChatConfig) else None

    @property
    def server(self) -> str | None:
        """Where the chat model is asked: an address, or a provider's name; None where nothing leaves this machine."""
        options = self.step.options
        if not isinstance(options, ChatConfig) or options.is_local:
            return None
        return options.base_url or options.named.partition(":")[0]

    @asynccontextmanager
    async def chat(self, products: Products, tools: Tools, job: str) -> AsyncIterator[ChatAccess | None]:
        """The chat model in the running event loop, None for a step that asks none; `job` names a worker's folder."""
        options = self.options(products)
        if not isinstance(options, ChatConfig):
            yield None
            return
        written = self.step.options
        local = None
        if isinstance(written, ChatConfig) and written.is_local:
            model = products.bases[written.base].model
            local = Local(written.named, lambda: self._begin(model, tools.run / "jobs" / job), options.concurrency)
        async with access(options, tools.budget, tools.note, local) as chat:
            yield chat

    def _begin(self, model: ModelRef, folder: Path) -> Session:
        runtime = self.runtime
        assert runtime is not None
        options = runtime.options.model_dump(mode="json")
        return open_session(runtime.uses, options, model, folder, runtime.python, runtime.entry.facts)


def asked_bases(steps: Iterable[StepConfig]) -> tuple[str, ...]:
    """The base models that the chat options of these steps name, each once."""
    options = (step.options for step in steps)
    names = (found.base for found in options if isinstance(found, ChatConfig) and found.is_local)
    return tuple(dict.fromkeys(names))
