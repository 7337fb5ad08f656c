"""Asks the curators of a pipeline which of some samples a run would leave out."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from docutune.config import StepConfig
from docutune.contracts import Curator
from docutune.records import Made
from docutune.registry import Registry
from docutune.steps.base import StepContext
from docutune.steps.curate import Curate

_ID = re.compile(r"\b[0-9a-f]{16}\b")


def reasons(samples: Sequence[Made], curators: Sequence[StepConfig], registry: Registry) -> dict[str, tuple[str, str]]:
    """Id of a sample to leave out -> the curator that says so, and its reason. Each id counts once."""
    left = {made.sample.id: made for made in samples}
    found: dict[str, tuple[str, str]] = {}
    for step in curators:
        told = _asked(step, [made for _, made in sorted(left.items())], registry)
        found.update((name, (step.uses, reason)) for name, reason in told.items())
        left = {name: made for name, made in left.items() if name not in told}
    return found


def reasons_for_new(
    old: Sequence[Made], new: Sequence[Made], curators: Sequence[StepConfig], registry: Registry
) -> dict[str, tuple[str, str]]:
    """The same for new samples alone: where a curator would leave out an old one for the sake of a new one, the new
    one goes instead, and all are asked again without it.
    """
    known = {made.sample.id for made in old}
    left = [made for made in new if made.sample.id not in known]
    instead: dict[str, tuple[str, str]] = {}
    while True:
        found = reasons([*old, *left], curators, registry)
        fresh = {made.sample.id for made in left}
        swapped = {
            twin: (curator, reason.replace(twin, name))
            for name, (curator, reason) in found.items()
            if name in known
            for twin in _ID.findall(reason)
            if twin in fresh
        }
        if not swapped:
            return {**instead, **{name: why for name, why in found.items() if name not in known}}
        instead.update(swapped)
        left = [made for made in left if made.sample.id not in swapped]


def in_words(reason: str, place_of: Callable[[str], str | None]) -> str:
    """The reason with places where it names samples by their ids."""
    return _ID.sub(lambda match: place_of(match[0]) or match[0], reason)


def _asked(step: StepConfig, samples: Sequence[Made], registry: Registry) -> Mapping[str, str]:
    """What one curator says."""
    with tempfile.TemporaryDirectory() as folder:
        curator: Curator = registry.create(step.entry, step.options)
        context = StepContext(0, Path(folder), lambda done, total=None, **figures: None, lambda text: None)
        return asyncio.run(Curate(step, registry, 0).reasons(curator, samples, context))
