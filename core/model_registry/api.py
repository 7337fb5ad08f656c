"""Everything that may be done with the trained models of one workspace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docutune.registry import Registry
from docutune.workspace import Store

if TYPE_CHECKING:
    from docutune.model_registry.exporting import Exported, ExportRequest
    from docutune.model_registry.listing import Listed
    from docutune.model_registry.removal import Removable
    from docutune.trace import ModelTrace

Moved = Callable[[int, int | None], None]
"""Hears how far an export is: steps done, and steps in all."""


@dataclass(frozen=True)
class Models:
    """The adapters and whole models below `.docutune/models/`."""

    project: Path
    store: Store
    registry: Registry

    def list(self) -> list[Listed]:
        """Every trained model, the newest first, damaged ones last."""
        from docutune.model_registry.listing import list_models

        return list_models(self.store)

    def choose(self, name: str | None = None) -> Listed:
        """The model of that name or key, the newest of several; UsageError when there is none."""
        from docutune.model_registry.listing import choose

        return choose(self.store, name)

    def lineage(self, model: Listed) -> ModelTrace | None:
        """The documents and samples that it was trained on; None when no run here tells of it any more."""
        from docutune.model_registry.listing import lineage

        return lineage(self.store, model)

    def removable(self, name: str, force: bool) -> Removable:
        """What would go, and who names it; UsageError when somebody does and not `force`."""
        from docutune.model_registry.removal import removable

        return removable(self.store, name, force)

    def remove(self, name: str, force: bool = False) -> Removable:
        """Remove a model; what went. Errors as `removable`, and when a run is at work."""
        from docutune.model_registry.removal import remove

        return remove(self.store, name, force)

    def export(
        self,
        request: ExportRequest,
        moved: Moved,
        note: Callable[[str], None],
        abandoned: Callable[[], bool] = lambda: False,
    ) -> Exported:
        """Merge a model and write it in the form of an exporter, whole or not at all, and compare both.

        A comparison that fails is told in the result, which is kept. Errors come before anything is written: no such
        model, a base that is quantized or gone, no room. Cancelled when the user stops it, or `abandoned` says so;
        nothing is left then.
        """
        from docutune.model_registry.exporting import export

        return export(self.project, self.store, self.registry, request, moved, note, abandoned)
