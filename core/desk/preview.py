"""How documents are parsed, before anything is made of them: sections, symbols, and what documents speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from docutune.config import PipelineConfig
from docutune.errors import UsageError
from docutune.pipeline import Pipeline
from docutune.records import Section, Symbol
from docutune.registry import Registry
from docutune.report.coverage import coverage
from docutune.report.facts import Coverage
from docutune.steps.base import Document, Products, Progress, Tools
from docutune.steps.parse import Parse
from docutune.symbols import SymbolTable, link
from docutune.workspace import Store


@dataclass(frozen=True, slots=True)
class Preview:
    """What parsing found. `unread` counts files by suffix that no parser reads."""

    documents: tuple[Document, ...]
    sections: Mapping[str, tuple[Section, ...]]
    symbols: Mapping[str, tuple[Symbol, ...]]
    coverage: Coverage | None
    unread: Mapping[str, int]


def preview(config: PipelineConfig, registry: Registry, store: Store, progress: Progress) -> Preview:
    """Parse what is not parsed yet; UsageError where the pipeline reads no sources."""
    found = _products(config, registry, store, progress)
    sections: dict[str, list[Section]] = {}
    symbols: dict[str, list[Symbol]] = {}
    if found.library is not None:
        for section in found.library.sections():
            sections.setdefault(section.span.source, []).append(section)
        for symbol in found.library.public():
            symbols.setdefault(symbol.span.source, []).append(symbol)
    return Preview(
        found.documents,
        {name: tuple(items) for name, items in sections.items()},
        {name: tuple(items) for name, items in symbols.items()},
        coverage(found.library, None) if found.library is not None else None,
        found.unread,
    )


def library(config: PipelineConfig, registry: Registry, store: Store, progress: Progress) -> SymbolTable:
    """What generators are given; errors as `preview`."""
    found = _products(config, registry, store, progress).library
    return link(()) if found is None else found


def _products(config: PipelineConfig, registry: Registry, store: Store, progress: Progress) -> Products:
    pipeline = Pipeline(config, registry, store)
    step = next((step for step in pipeline.steps() if isinstance(step, Parse)), None)
    if step is None or not config.sources:
        raise UsageError(f"{config.path}: reads no sources", "choose some and save them")
    return _parsed(step, pipeline, progress)


def _parsed(step: Parse, pipeline: Pipeline, progress: Progress) -> Products:
    store, products = pipeline.store, Products()
    key = step.key(products) or ""
    tools = Tools(store, pipeline.registry, store.folder, progress, _unsaid, pipeline.budget(""))
    return step.recall(key, products, store) or step.make(key, products, tools)


def _unsaid(text: str) -> None:
    """What parsing has to say stands in the documents' own problems."""
