"""The report on the quality of a dataset version in a run's folder: written with the version, and again with every
training that says what its tokenizer makes of the samples.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from docutune import atomic
from docutune.config import PipelineConfig
from docutune.corpus import Dataset
from docutune.reasons import counted
from docutune.records import RECORDS_VERSION, JsonValue, ModelRef, fingerprint, from_json, to_json
from docutune.report.content import content, shown
from docutune.report.coverage import coverage, spoken_of
from docutune.report.quality import Content, Measured, Quality, TrainingMeasure
from docutune.report.quality_page import to_html, to_json_text
from docutune.steps.base import Products
from docutune.training import TrainingConfig
from docutune.workspace import Store

PAGE, DATA = "quality.html", "quality.json"
REVISION = 1
"""Raised when the same version would give other figures."""


def begin(products: Products, config: PipelineConfig, run: Path, store: Store) -> None:
    """Write the report of a version that this run has made or found made."""
    assert products.dataset is not None
    library = products.library
    quality = Quality(
        version=products.dataset.version,
        project=config.project,
        content=content_of(products.dataset, store),
        run=run.name,
        rejected=rejections((item.producer, item.reason) for item in products.rejected),
        coverage=None if library is None else coverage(library, spoken_of(products.dataset)),
        trainings=trainings(config),
        shown=shown(products.dataset),
        language=config.language[0],
    )
    write(quality, run)


def with_kept(products: Products, config: PipelineConfig, run: Path, store: Store) -> None:
    """Add what is known of trainings whose base is on this disk by now."""
    assert products.dataset is not None
    known = read(run)
    if known is None:
        return
    quality = known
    for name, options in trained_with(config):
        base = products.bases.get(options.model)
        found = kept(store, measure_key(products.dataset.version, base.model, options)) if base else None
        quality = with_measure(quality, name, found) if found else quality
    if quality != known:
        write(quality, run)


def add(run: Path, training: str, measured: Measured) -> None:
    """Add what a training's own process has measured before it began."""
    known = read(run)
    if known is not None:
        write(with_measure(known, training, measured), run)


def with_measure(quality: Quality, training: str, measured: Measured) -> Quality:
    """The report with the figures of one training."""
    found = (replace(item, measured=measured) if item.name == training else item for item in quality.trainings)
    return replace(quality, trainings=tuple(found))


def content_of(dataset: Dataset, store: Store) -> Content:
    """What the rows say, computed once for a version."""
    key = fingerprint(["quality", RECORDS_VERSION, REVISION, dataset.version])
    value = store.recall("results", key)
    if value is not None:
        return from_json(Content, value)
    found = content(dataset)
    store.keep("results", key, to_json(found))
    return found


def measure_key(version: str, base: ModelRef, options: TrainingConfig) -> str:
    """What decides how a training encodes a version."""
    deciding: list[JsonValue] = [options.max_length, options.system_prompt, options.thinking]
    return fingerprint(["measure", RECORDS_VERSION, REVISION, version, base.digest, deciding])


def kept(store: Store, key: str) -> Measured | None:
    """What was measured before."""
    value = store.recall("results", key)
    return None if value is None else from_json(Measured, value)


def rejections(rejected: Iterable[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Pairs of curator (or generator) and reason -> how often each kind of reason was given, by curator."""
    reasons: Mapping[str, list[str]] = defaultdict(list)
    for producer, reason in rejected:
        reasons[producer].append(reason)
    return {producer: counted(given) for producer, given in reasons.items()}


def trainings(config: PipelineConfig) -> tuple[TrainingMeasure, ...]:
    """The trainings of a pipeline file, not measured yet."""
    return tuple(
        TrainingMeasure(name, options.model, options.max_length, options.max_left_out)
        for name, options in trained_with(config)
    )


def trained_with(config: PipelineConfig) -> Iterator[tuple[str, TrainingConfig]]:
    """Names and options of the trainings; the walk refuses options of another kind when it comes to them."""
    for step in config.train:
        if isinstance(step.options, TrainingConfig):
            yield step.name, step.options


def write(quality: Quality, folder: Path) -> None:
    """Write quality.html and, last, quality.json."""
    atomic.write_text(folder / PAGE, to_html(quality))
    atomic.write_text(folder / DATA, to_json_text(quality))


def read(folder: Path) -> Quality | None:
    """The report of a run; None where somebody took or changed it: no training ends because of that."""
    try:
        return from_json(Quality, json.loads((folder / DATA).read_bytes()))
    except (OSError, ValueError):
        return None
