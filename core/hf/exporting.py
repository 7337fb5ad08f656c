"""What an export does in its worker: merge, hand over to the exporter, compare."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutune import atomic
from docutune.contracts import Chat, Context, Exporter
from docutune.hf.compare import compare, unreadable
from docutune.hf.load import free_memory
from docutune.hf.merge import merge
from docutune.parity import BITS, Parity
from docutune.records import Export, Message, ModelRef, from_json, to_json

Convert = Callable[[Exporter, Path, Context], Export]
"""Calls an exporter; what it raises is then told as its bug."""

_MERGED = 10  # steps of the bar: an answer is one
_CONVERTED = 10


@dataclass
class Stage:
    """The Context of an exporter: what it tells of its progress moves the whole bar, and lets it be stopped."""

    job: Context
    folder: Path
    done: int
    total: int

    @property
    def seed(self) -> int:
        """An export has no choices."""
        return 0

    @property
    def kept(self) -> Path:
        """Only trainers have one."""
        return self.job.kept

    @property
    def chat(self) -> Chat:
        """Nobody to ask."""
        return self.job.chat

    def progress(self, done: int, total: int | None = None, **figures: float) -> None:
        """Show life."""
        share = min(done / total, 1.0) if total else 0.0
        self.job.progress(self.done + round(share * _CONVERTED), self.total)

    def note(self, text: str) -> None:
        """Tell the user."""
        self.job.note(text)


@dataclass
class Exporting:
    """One export: its spec, its job, and how far it is."""

    spec: Mapping[str, Any]
    job: Context
    exporter: Exporter | None
    done: int = 0

    def go(self, convert: Convert) -> dict[str, Any]:
        """Make everything below the spec's folders. `convert` calls the exporter, so that its bugs bear its name."""
        model, work = from_json(ModelRef, self.spec["model"]), Path(self.spec["work"])
        questions = [[from_json(Message, item) for item in messages] for messages in self.spec["questions"]]
        self._move(0)
        merged = work / "merged"
        merged.mkdir()
        merge(model, merged, self.spec["numbers"])
        free_memory()
        self._move(_MERGED)
        made = self._convert(merged, convert)
        shutil.rmtree(merged)
        self._move(_CONVERTED)
        bits = made.bits or BITS[self.spec["numbers"]]
        parity = self._parity(model, made.model, bits, questions)
        return {"parity": to_json(parity), "advice": list(made.advice)}

    @property
    def _total(self) -> int:
        return _MERGED + _CONVERTED + 2 * len(self.spec["questions"])

    def _move(self, steps: int) -> None:
        self.done += steps
        self.job.progress(self.done, self._total)

    def _convert(self, merged: Path, convert: Convert) -> Export:
        folder = Path(self.spec["folder"])
        if self.exporter is None:
            atomic.link_folder(merged, folder)
            return Export(folder)
        return convert(self.exporter, merged, Stage(self.job, folder, self.done, self._total))

    def _parity(self, model: ModelRef, result: Path | None, bits: int, questions: Any) -> Parity:
        why = unreadable(result)
        if why is not None or result is None:
            return Parity(len(questions), unread=why)
        return compare(model, result, bits, questions, lambda: self._move(1))
