"""One task of a generator: tried, checked, tried once more with what was wrong, and put into the form that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from textwrap import shorten
from typing import Any

from docutune.chat.access import Lent
from docutune.contracts import Context, Generator, Library
from docutune.errors import Cancelled, Rejected, Unanswered, Withheld
from docutune.grounding import complaints, is_invented, used
from docutune.guard import awaited, guarded, records
from docutune.records import JsonValue, Sample, Span, Task, to_json


@dataclass(frozen=True)
class Declared:
    """A task with its key."""

    key: str
    task: Task


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a task. Not `lasting`: the reason why there is nothing may pass, and the next run tries again."""

    value: dict[str, JsonValue]
    lasting: bool = True


@dataclass(frozen=True)
class Tried:
    """What one try gave: samples, what is wrong with some of them by their ids, or the reason why there are none."""

    samples: Sequence[Sample] = ()
    wrong: dict[str, str] = field(default_factory=dict)
    refused: str | None = None

    @property
    def complaint(self) -> str | None:
        """What to tell the generator; None when all is well."""
        return self.refused or "; ".join(dict.fromkeys(self.wrong.values())) or None


@dataclass(frozen=True)
class Attempts:
    """Does tasks with one generator over one library; `plugin` is its name in messages."""

    generator: Generator
    plugin: str
    library: Library

    async def do(self, item: Declared, context: Context, chat: Lent | None) -> Done:
        """One task: what is wrong at first is told and tried once more, then rejected."""
        names: set[str] = set()
        try:
            first = last = await self._try(item, context, None, names)
            if first.complaint is not None:
                last = await self._try(item, context, first.complaint, names)
        except Unanswered as error:
            why = "withheld" if isinstance(error, Withheld) else "unanswered"
            return Done({**self._value([], [[item.key, error.reason, None]], names, chat), why: 1}, lasting=False)
        chosen = first if last.refused else last  # what was right at first is not lost
        kept = [to_json(sample) for sample in chosen.samples if sample.id not in chosen.wrong]
        by_id = {sample.id: sample for sample in chosen.samples}
        rejected: list[JsonValue] = [
            [subject, reason, to_json(by_id[subject])] for subject, reason in chosen.wrong.items()
        ]
        if last.refused:
            rejected.append([item.key, last.refused, None])
        value = self._value(kept, rejected, names, chat)
        if first.complaint is not None and kept and last.complaint is None:
            value["repaired"] = first.complaint
        return Done(value)

    def _value(
        self, kept: list[JsonValue], rejected: list[JsonValue], names: set[str], chat: Lent | None
    ) -> dict[str, JsonValue]:
        invented: dict[str, JsonValue] = {name: is_invented(name, self.library) for name in sorted(names)}
        replies: dict[str, JsonValue] = {} if chat is None else {"replies": list(dict.fromkeys(chat.replies))}
        return {"samples": kept, "rejected": rejected, "invented": invented, **replies}

    async def _try(self, item: Declared, context: Context, complaint: str | None, names: set[str]) -> Tried:
        try:
            samples = await self._run(item, context, complaint)
        except Rejected as error:
            return Tried(refused=error.reason)
        names |= {name for sample in samples for name in used(sample)}
        source = "\n\n".join(self._texts[span] for span in item.task.spans if span in self._texts)
        found = ((sample.id, complaints(sample, self.library, source)) for sample in samples)
        return Tried(samples, {name: "; ".join(wrong) for name, wrong in found if wrong})

    @cached_property
    def _texts(self) -> dict[Span, str]:
        """What the documents say at each place."""
        return {section.span: section.text for section in self.library.sections()}

    async def _run(self, item: Declared, context: Context, complaint: str | None) -> Sequence[Sample]:
        place = ", ".join(map(str, item.task.spans)) or f"the task {item.task.payload}"
        try:
            with guarded(self.plugin, f"at {shorten(place, 200, placeholder=' ...')}"):
                given = await awaited(self.plugin, "run", self.generator.run(item.task, context, complaint))
                return records(Sample, self.plugin, "run", given)
        except KeyboardInterrupt:
            raise Cancelled from None  # inside a task an interrupt would be reported a second time


def still_holds(library: Library, value: Any) -> bool:
    """Whether the library still has, and still lacks, every name that decided a kept result."""
    return all(is_invented(name, library) == before for name, before in value["invented"].items())
