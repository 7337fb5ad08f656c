"""The kinds of pipeline files that `docutune init` writes, and what of a folder each of them reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

from docutune.scaffold.suggest import LARGER_MODEL, SMALL_MODEL
from docutune.scaffold.tree import Source

LIBRARY = "library"
QA = "qa"


@dataclass(frozen=True, slots=True)
class Template:
    """`models` are trained unless others are named; without any this machine decides."""

    summary: str
    models: tuple[str, ...] = ()


TEMPLATES = {
    LIBRARY: Template("documents and code of a library, and question-answer files beside them"),
    QA: Template("question-answer files alone, for two small models", (SMALL_MODEL, LARGER_MODEL)),
}

TO_COME = Source("samples", PurePosixPath("samples/imported.jsonl"), Counter())
"""Where there are no question-answer files yet: the one that `docutune dataset import` adds to."""


def sources_of(template: str, found: tuple[Source, ...]) -> tuple[Source, ...]:
    """What a template reads of what was found."""
    if template != QA:
        return found
    return tuple(source for source in found if source.holds == "samples") or (TO_COME,)
