"""Step "parse": every file to sections and symbols, cached file by file, then linked into one library."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from docutune.config import PipelineConfig, StepConfig
from docutune.errors import UsageError
from docutune.records import (
    RECORDS_VERSION,
    JsonValue,
    Made,
    Origin,
    Parsed,
    Reads,
    Section,
    Span,
    Split,
    Symbol,
    fingerprint,
    from_json,
)
from docutune.steps.base import Count, Document, Items, Products, Rejection, Tools, plugin_identity
from docutune.steps.replay import offered
from docutune.steps.sources import Found, SourceFile, find_files
from docutune.symbols import link
from docutune.workspace import Store

_HELD_OUT_FIRST: tuple[Split | None, ...] = ("test", "validation", "train", None)


@dataclass(frozen=True)
class Parse:
    """Parses the sources of one pipeline."""

    config: PipelineConfig
    project: Path
    name: str = "parse"
    plugin: str = field(init=False, default="core")

    @cached_property
    def parsers(self) -> Mapping[tuple[Reads, str], StepConfig]:
        """What a source holds and a suffix -> the parser that serves it."""
        by_claim: dict[tuple[Reads, str], StepConfig] = {}
        for step in self.config.parse:
            by_claim.update(dict.fromkeys(step.entry.claims, step))
        return by_claim

    @cached_property
    def found(self) -> Found:
        """The files that `sources:` name."""
        return find_files(self.config.sources, self.project, self.parsers.keys())

    @property
    def files(self) -> Sequence[SourceFile]:
        """The files to parse."""
        return self.found.files

    @cached_property
    def item_keys(self) -> Sequence[str]:
        """One key a file: its content, its name below the import root, and its parser."""
        return [self._item_key(file) for file in self.files]

    @cached_property
    def _items(self) -> Items:
        return Items()

    def _item_key(self, file: SourceFile) -> str:
        step = self.parsers[file.claim]
        identity = plugin_identity(step.entry.registration, step.options)
        return fingerprint(["parse", RECORDS_VERSION, identity, file.digest, file.name])

    def key(self, products: Products) -> str | None:
        """Paths count for nothing here but to tell files apart."""
        if not self.files:
            wanted = {source.reads for source in self.config.sources}
            suffixes = sorted({suffix for reads, suffix in self.parsers if reads in wanted})
            refused = "; ".join(f"{place}: {why}" for place, why in self.found.unreadable.items())
            raise UsageError(
                f"{self.config.path}: `sources:` hold no file that a parser reads (suffixes: {', '.join(suffixes)})",
                refused or "name a folder with documents or code, or look at include and exclude",
            )
        return fingerprint(["parse", sorted(self.item_keys)])

    def recall(self, key: str, products: Products, store: Store) -> Products | None:
        """Only if every file was parsed before."""
        kept = [self._items.get(store, item) for item in self.item_keys]
        return None if any(value is None for value in kept) else self._add(products, kept)

    def make(self, key: str, products: Products, tools: Tools) -> Products:
        """Parse what is not cached, in child processes."""
        kept = [None if tools.anew else self._items.get(tools.store, item) for item in self.item_keys]
        values: dict[int, Any] = dict(enumerate(kept))
        missing = [index for index, value in values.items() if value is None]
        done = len(values) - len(missing)
        tools.progress(done, len(values))
        with tools.store.keeping("cache") as keep:
            for index, (value, sure) in zip(missing, self._parse([self.files[i] for i in missing]), strict=True):
                values[index] = value
                if sure:
                    keep(self.item_keys[index], value)
                done += 1
                tools.progress(done, len(values))
        return self._add(products, [values[index] for index in range(len(values))])

    def count(self, products: Products, store: Store) -> Count | None:
        """Files, and how many were parsed before."""
        reused = sum(self._items.get(store, item) is not None for item in self.item_keys)
        return Count(len(self.files), reused)

    def _parse(self, files: Sequence[SourceFile]) -> Iterator[tuple[JsonValue, bool]]:
        from docutune.steps.parse_file import Work, parse_all

        work = []
        for file in files:
            step = self.parsers[file.claim]
            registration = step.entry.registration
            options = step.options.model_dump_json()
            plugin = f"{step.entry} of {step.entry.package} {step.entry.version}"
            work.append(Work(plugin, registration.load, registration.config, options, file.content, file.name))
        return parse_all(work, min(8, os.cpu_count() or 1, len(files)))

    def _add(self, products: Products, values: Sequence[Any]) -> Products:
        parsed = [shown(from_json(Parsed, value), file.shown) for value, file in zip(values, self.files, strict=True)]
        read = [self._document(file, result) for file, result in zip(self.files, parsed, strict=True)]
        unreadable = [Document(name, "", "", problems=(why,)) for name, why in self.found.unreadable.items()]
        documents = tuple(sorted([*read, *unreadable], key=lambda document: document.source))
        texts = tuple(_text(file, result) for file, result in zip(self.files, parsed, strict=True))
        given, splits, doubles = self._given(parsed)
        replayed, replayed_twice = offered(self._ready_made(parsed))
        return replace(
            products,
            documents=documents,
            texts=texts,
            library=link(parsed),
            unread=self.found.unread,
            elsewhere=self.found.elsewhere,
            samples=given,
            given=splits,
            replay=replayed,
            rejected=(*doubles, *replayed_twice),
        )

    def _document(self, file: SourceFile, result: Parsed) -> Document:
        found = (len(result.sections), len(result.symbols), len(result.samples))
        return Document(file.shown, file.digest, self.parsers[file.claim].uses, *found, tuple(result.problems))

    def _given(
        self, parsed: Sequence[Parsed]
    ) -> tuple[tuple[Made, ...], Mapping[str, Split | None], tuple[Rejection, ...]]:
        """The ready-made samples, each once with all its places; the split that its rows or files give it; its copies.

        Of copies in different splits the held-out one counts: nothing is trained on that is also asked.
        """
        made: dict[str, Made] = {}
        splits: dict[str, Split | None] = {}
        doubles: list[Rejection] = []
        for file, given in self._ready_made(parsed):
            if file.replay is not None:
                continue
            name, (span,), producer = given.sample.id, given.origin.spans, self.parsers[file.claim].uses
            splits[name] = min(given.split, splits.get(name), key=_HELD_OUT_FIRST.index)
            if name in made:
                first = made[name].origin
                reason = f"copy of another row: {span} of {first.spans[0]}"
                doubles.append(Rejection(name, producer, reason, (span,), given.sample))
                made[name] = Made(given.sample, replace(first, spans=(*first.spans, span)))
            else:
                made[name] = replace(given, split=None)
        return tuple(made.values()), splits, tuple(doubles)

    def _ready_made(self, parsed: Sequence[Parsed]) -> Iterator[tuple[SourceFile, Made]]:
        """Every sample of every file, with the split that the row, the pipeline file or the file's name gives it."""
        for file, key, result in zip(self.files, self.item_keys, parsed, strict=True):
            entry = self.parsers[file.claim].entry
            producer = f"{entry.name}@{entry.registration.revision}"
            for given in result.samples:
                yield file, Made(given.sample, Origin((given.span,), key, producer), given.split or file.split)


def _text(file: SourceFile, result: Parsed) -> str:
    """What the embedded base reads of a file: of ready-made samples the messages alone."""
    if file.reads == "documents":
        return _plain(file.content.decode("utf-8", "replace"))
    messages = (message.content for given in result.samples for message in given.sample.messages)
    return "\n\n".join(messages)


def _plain(text: str) -> str:
    """The text without what moving it up or down would change, so that the embedded base need not read it again."""
    return re.sub(r"\n{3,}", "\n\n", text.replace("\r\n", "\n").strip())


def shown(parsed: Parsed, source: str) -> Parsed:
    """The same with every span under the path that users see."""

    def move(span: Span) -> Span:
        return replace(span, source=source)

    def move_section(section: Section) -> Section:
        examples = tuple(replace(example, span=move(example.span)) for example in section.examples)
        return replace(section, span=move(section.span), examples=examples)

    def move_symbol(symbol: Symbol) -> Symbol:
        examples = tuple(replace(example, span=move(example.span)) for example in symbol.examples)
        return replace(symbol, span=move(symbol.span), examples=examples)

    return replace(
        parsed,
        sections=tuple(move_section(section) for section in parsed.sections),
        symbols=tuple(move_symbol(symbol) for symbol in parsed.symbols),
        samples=tuple(replace(given, span=move(given.span)) for given in parsed.samples),
    )
