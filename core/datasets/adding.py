"""Samples that somebody types: each is on the disk as soon as it is entered."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from docutune.datasets.curating import in_words, reasons_for_new
from docutune.datasets.importing import list_in_pipeline, refuse_missing_folder
from docutune.datasets.reading import every_sample, read_files, where
from docutune.datasets.samples_file import append, lines, writer
from docutune.datasets.sources import Sources
from docutune.errors import UsageError
from docutune.records import Made, Origin, Sample, Span, Split
from docutune.registry import Registry
from docutune.steps.sources import SourceFile
from docutune.workspace import Store

TARGET = Path("samples/added.jsonl")


@dataclass(frozen=True, slots=True)
class Typed:
    """A question and its answer as they were typed."""

    question: str
    answer: str
    system: str | None = None
    split: Split | None = None

    @property
    def row(self) -> dict[str, Any]:
        """As a line of a samples file."""
        system = {"system": self.system} if self.system else {}
        split = {"split": self.split} if self.split else {}
        return {**system, "question": self.question, "answer": self.answer, **split}


@dataclass(frozen=True)
class Adding:
    """Adds to `to`, by default samples/added.jsonl beside the pipeline file. UsageError where that is no JSON Lines."""

    pipeline: Path
    store: Store
    registry: Registry
    to: Path | None = None
    _added: dict[str, Made] = field(default_factory=dict, repr=False)

    @cached_property
    def target(self) -> Path:
        """The samples file."""
        if self.to is not None and self.to.suffix.lower() != ".jsonl":
            raise UsageError(f"--to {self.to}: no JSON Lines file", "name one that ends in .jsonl")
        if self.to is not None:
            refuse_missing_folder(self.to)
        return self.to.absolute() if self.to is not None else self.pipeline.absolute().parent / TARGET

    def complaint(self, typed: Typed) -> str | None:
        """Why such a sample would be left out of a dataset, such as that it is there already; None when it would not.

        UsageError when it is no sample at all.
        """
        made = self._made(typed)
        name = made.sample.id
        known = {**self._old, **self._added}
        if name in known:
            return f"the same stands in {where(known[name].origin.spans[0])} already"
        told = reasons_for_new(list(known.values()), [made], self._sources.offline_curators, self.registry).get(name)
        places = {name: where(item.origin.spans[0]) for name, item in known.items()}
        return in_words(told[1], places.get) if told else None

    def add(self, typed: Typed) -> int:
        """Add a sample, which is on the disk when this returns; the number of its line."""
        made = self._made(typed)
        with writer(self.store):
            line = append(self.target, [typed.row])
        place = Span(os.path.relpath(self.target), line, line)
        self._added[made.sample.id] = Made(made.sample, Origin((place,), "", "add"), typed.split)
        return line

    def sample(self, typed: Typed) -> Sample:
        """The sample that the pipeline would read; UsageError when it is none."""
        return self._made(typed).sample

    def unlisted(self) -> tuple[str, ...]:
        """What to write into the pipeline file so that it reads the samples file; nothing when it already does."""
        if not self._sources.exists or not self.target.exists() or self._sources.reads(self.target):
            return ()
        return self._sources.lines_for(Path(os.path.relpath(self.target, self.pipeline.absolute().parent)).as_posix())

    def list_in_pipeline(self) -> tuple[str, tuple[str, ...]]:
        """See to it that the pipeline reads the file: see importing.Written."""
        with writer(self.store):
            return list_in_pipeline(self.pipeline, self.target, self.registry)

    @cached_property
    def _sources(self) -> Sources:
        return Sources(self.pipeline, self.registry)

    @cached_property
    def _old(self) -> dict[str, Made]:
        """What the pipeline, and the file that is added to, hold already."""
        return every_sample(read_files(self._sources.own_files(self.target), self._sources.parsers))

    def _made(self, typed: Typed) -> Made:
        """The sample that the parser makes of it."""
        file = SourceFile(self.target, "what was typed", self.target.name, lines([typed.row]), "samples")
        (read,) = read_files([file], self._sources.parsers)
        if not read.parsed.samples:
            problem = read.trouble or next((remark.reason for remark in read.remarks()), "no sample")
            raise UsageError(f"what was typed: {problem}", "give a question and an answer")
        return next(iter(every_sample([read]).values()))
