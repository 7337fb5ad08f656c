"""Which models a page offers to load, and whether those of the workspace have changed since it looked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from docutune.hubs import Hubs
from docutune.model_folders import tiny
from docutune.model_registry.api import Models
from docutune.models import lacking
from docutune.training import TINY

Origin: TypeAlias = Literal["trained", "written", "made", "downloaded"]


@dataclass(frozen=True, slots=True)
class Offered:
    """A model on this disk. `name` (a key, a folder, the name on a hub) is what loads it, `shown` what people call it.

    `origin`: trained here, written below exports/, the embedded base that was made here, or in the cache of a hub.
    """

    name: str
    shown: str
    origin: Origin
    made: datetime | None = None


def offered(models: Models, exports: Path) -> tuple[Offered, ...]:
    """All of them, the newest training at the head. Any other name may be typed as well."""
    return tuple(_offered(models, exports))


def _offered(models: Models, exports: Path) -> Iterator[Offered]:
    for model in models.list():
        if model.facts:
            yield Offered(model.key, model.name, "trained", model.made)
    for folder in sorted(exports.iterdir()) if exports.is_dir() else ():
        if not folder.name.startswith(".") and lacking(folder) is None:
            yield Offered(str(folder), f"{exports.name}/{folder.name}", "written")
    if tiny(models.store) is not None:
        yield Offered(TINY, TINY, "made")
    for name in Hubs(models.registry).cached():
        yield Offered(name, name, "downloaded")


def changes(models: Models, exports: Path) -> tuple[float, ...]:
    """Another value after a model or an export came or went, or a run began: cheap enough to ask every second."""
    return tuple(_changed(folder) for folder in (models.store.folder / "models", models.store.folder / "runs", exports))


def _changed(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return 0.0
