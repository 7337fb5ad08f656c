"""A prompt template filled in: its plugin does its own work, with a chat model that notes what it is asked."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from docutune import versions
from docutune.chat.options import ChatConfig
from docutune.chat.wording import worded
from docutune.config import PipelineConfig, StepConfig
from docutune.config.prompts import packaged
from docutune.contracts import Curator, Generator, Reply
from docutune.desk.preview import library
from docutune.errors import Rejected, Unanswered, UsageError
from docutune.guard import awaited, guarded, records
from docutune.pipeline import SEED
from docutune.records import Made, Message, Task
from docutune.registry import Entry, Registry
from docutune.steps.base import Progress, StepContext
from docutune.templates import Template
from docutune.version_names import LATEST, resolve
from docutune.workspace import Store

MOST_PIECES = 200
_COMPLAINT = "the reply is no JSON"
_MARK = "docutune-mark-5d1f"
"""Stands nowhere else: a prompt that holds it is made of the template it was added to."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What would be asked about `place`, one of the `places` that this template is used for."""

    places: tuple[str, ...]
    place: str
    messages: tuple[Message, ...]


@dataclass
class _Noting:
    """contracts.Chat that notes what it is asked. The first reply is unusable, a second one never comes."""

    options: ChatConfig
    asked: list[tuple[Message, ...]] = field(default_factory=list)

    async def ask(self, messages: Sequence[Message], schema: type[Reply]) -> Reply:
        """As contracts.Chat says."""
        self.asked.append(tuple(worded(self.options, messages, schema, self.options.is_local).messages))
        if len(self.asked) == 1:
            raise Rejected(_COMPLAINT)
        raise Unanswered("nothing is sent for a preview")


Piece: TypeAlias = "Task | Made"
Work: TypeAlias = Callable[[Any, Piece, StepContext], Any]


def filled(
    template: Template,
    text: str,
    place: str | None,
    config: PipelineConfig,
    registry: Registry,
    store: Store,
    progress: Progress,
) -> Filled:
    """See Prompts.filled."""
    plugin, _, key = template.name.partition("/")
    entry = registry.get(template.kind, plugin)
    step = _step(entry, config, template)
    plain, marked = (_with_text(step, key, each) for each in (text, f"{text.rstrip()} {_MARK}\n"))
    if not isinstance(plain.options, ChatConfig):
        raise UsageError(f"{entry} asks no chat model", "only prompts of those that do can be shown filled in")
    pieces = _pieces(plain, marked, registry, config, store, progress)
    for name, (piece, with_mark) in pieces.items():
        if place in (None, name):
            found = _asked(plain, piece, registry), _asked(marked, with_mark, registry)
            shown = next((asked for asked, other in zip(*found, strict=False) if asked != other), None)
            if shown is not None:
                return Filled(tuple(pieces), name, shown)
    raise UsageError(
        f"{template.name}: nothing here is asked about with it",
        "the sources hold nothing that it asks about, or the newest dataset no sample in its language",
    )


def _step(entry: Entry, config: PipelineConfig, template: Template) -> StepConfig:
    """The step of the pipeline file that uses the plugin, or one with its defaults, as it is for this template alone.

    Where its options name languages or kinds, they name those of the template: a look does not need them in the file.
    """
    steps = (step for step in (*config.generate, *config.curate) if step.entry.kind == entry.kind)
    found = next((step.options for step in steps if step.uses == entry.name), None)
    kind = entry.registration.config
    options = found if found is not None else kind.model_validate({})
    told = options.model_dump()
    told["prompts"] = {**packaged(entry.registration.prompts or ""), **told["prompts"]}
    for name, value in (("languages", template.language), ("kinds", template.name.rpartition("/")[2])):
        if name in kind.model_fields:
            with suppress(ValidationError):
                told = kind.model_validate({**told, name: [value]}).model_dump()
    options = kind.model_validate(told)
    return StepConfig(uses=entry.name, name=entry.name, options=options, entry=entry)


def _with_text(step: StepConfig, key: str, text: str) -> StepConfig:
    prompts: Mapping[str, str] = step.options.model_dump()["prompts"]
    options: BaseModel = step.options.model_copy(update={"prompts": {**prompts, key: text}})
    return step.model_copy(update={"options": options})


def _pieces(
    plain: StepConfig, marked: StepConfig, registry: Registry, config: PipelineConfig, store: Store, progress: Progress
) -> dict[str, tuple[Piece, Piece]]:
    """Place -> what the plugin is given there with the one text and with the other; only what the text decides."""
    if plain.entry.kind == "curator":
        rows = versions.read(store, resolve(store, LATEST).version).rows
        samples = (row.made for row in rows)
        return {_question(made): (made, made) for made in islice(samples, MOST_PIECES)}
    known = library(config, registry, store, progress)
    both = zip(_tasks(plain, registry, known), _tasks(marked, registry, known), strict=True)
    differing = ((one, other) for one, other in both if one.payload != other.payload)
    named: dict[str, tuple[Piece, Piece]] = {}
    for one, other in differing:
        named.setdefault(", ".join(map(str, one.spans)), (one, other))
        if len(named) == MOST_PIECES:
            break
    return named


def _tasks(step: StepConfig, registry: Registry, known: Any) -> Iterator[Task]:
    plugin: Generator = registry.create(step.entry, step.options)
    with guarded(step.entry.full_name, "while it declared its tasks"):
        yield from records(Task, step.entry.full_name, "tasks", plugin.tasks(known))


def _asked(step: StepConfig, piece: Piece, registry: Registry) -> list[tuple[Message, ...]]:
    """What a chat model is asked about one piece, and after an unusable reply once more."""
    assert isinstance(step.options, ChatConfig)
    chat, name = _Noting(step.options), step.entry.full_name
    with tempfile.TemporaryDirectory() as folder:
        context = StepContext(SEED, Path(folder), _unseen, _unsaid, chat)
        plugin: Any = registry.create(step.entry, step.options)
        with guarded(name, "while it asked about a piece"):
            asyncio.run(
                _generate(plugin, piece, context) if isinstance(piece, Task) else _judge(plugin, piece, context)
            )
    return chat.asked


async def _generate(plugin: Generator, task: Task, context: StepContext) -> None:
    for complaint in (None, _COMPLAINT):
        with suppress(Rejected, Unanswered):
            await awaited("generator", "run", plugin.run(task, context, complaint))


async def _judge(plugin: Curator, made: Made, context: StepContext) -> None:
    with suppress(Rejected, Unanswered):
        await awaited("curator", "reject", plugin.reject([made], context))


def _question(made: Made) -> str:
    asked = next((message.content for message in made.sample.messages if message.role == "user"), "")
    return " ".join(asked.split())[:100]


def _unseen(done: int, total: int | None = None, **figures: float) -> None:
    """Nobody watches: it takes a moment."""


def _unsaid(text: str) -> None:
    """What a plugin notes is told by runs."""
