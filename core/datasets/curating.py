"""Asks installed curators which of some new samples say again what others say, or what is held out."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from docutune.config import StepConfig
from docutune.records import Made
from docutune.registry import Entry, Registry
from docutune.steps.base import StepContext
from docutune.steps.curate import Curate

CURATORS = ("leakage", "duplicates")
"""In this order: what is held out wins over what is trained, whichever comes first."""

_ID = re.compile(r"\b[0-9a-f]{16}\b")


def reasons(samples: Sequence[Made], registry: Registry, names: Sequence[str] = CURATORS) -> dict[str, tuple[str, str]]:
    """Id of a sample to leave out -> the curator that says so, and its reason. Each id counts once."""
    left = {made.sample.id: made for made in samples}
    found: dict[str, tuple[str, str]] = {}
    for entry in _installed(registry, names):
        told = _asked(entry, [made for _, made in sorted(left.items())], registry)
        found.update((name, (entry.name, reason)) for name, reason in told.items())
        left = {name: made for name, made in left.items() if name not in told}
    return found


def reasons_for_new(old: Sequence[Made], new: Sequence[Made], registry: Registry) -> dict[str, tuple[str, str]]:
    """The same for new samples alone: where a curator would leave out an old one for the sake of a new one, the new
    one goes instead, and all are asked again without it.
    """
    known = {made.sample.id for made in old}
    left = [made for made in new if made.sample.id not in known]
    instead: dict[str, tuple[str, str]] = {}
    while True:
        found = reasons([*old, *left], registry)
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


def _installed(registry: Registry, names: Sequence[str]) -> Iterator[Entry]:
    known = registry.names("curator")
    entries = (registry.get("curator", name) for name in names if name in known)
    return (entry for entry in entries if not entry.missing)


def _asked(entry: Entry, samples: Sequence[Made], registry: Registry) -> Mapping[str, str]:
    """What one curator with its default options says."""
    options = entry.registration.config()
    step = Curate(StepConfig(uses=entry.name, name=entry.name, options=options, entry=entry), registry, 0)
    with tempfile.TemporaryDirectory() as folder:
        context = StepContext(0, Path(folder), lambda done, total=None, **figures: None, lambda text: None)
        return asyncio.run(step.reasons(registry.create(entry, options), samples, context))
